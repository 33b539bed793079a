"""The characters that differ between two texts, told so that a person can read it.

Pure. A character is what a reader takes for one: marks stay with their letter, an emoji family is one, CRLF is one.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from rapidfuzz.distance import Indel

EQUAL, INSERT, DELETE = "equal", "insert", "delete"
APART = 2  # changes with fewer equal characters than this between them are told as one
LONGEST = 5_000  # characters of difference on each side; more is told as one change: nobody could read it anyway
SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+[”’」』）)]*|[^。！？!?；;\n]+")
JOINER = "\u200d"
LONGEST_CHARACTER = 32  # code points; a letter under 1,000 marks is an attack, not a letter


class Segment(NamedTuple):
    """A piece of text that stayed, came or went. A replacement is a piece that went, then one that came."""

    kind: str
    text: str


def diff(old: str, new: str, *, by_sentence: bool = False) -> list[Segment]:
    """The segments from `old` to `new`: those that stayed or went spell `old`, those that stayed or came spell `new`."""
    if old == new:
        return [Segment(EQUAL, old)] if old else []
    cut = SENTENCE.findall if by_sentence else characters
    a, b = cut(old), cut(new)
    return [segment for change in _changes(a, b, 1 if by_sentence else APART) for segment in _told(a, b, change) if segment.text]


def characters(text: str) -> list[str]:
    """The text cut into what a reader takes for characters. "".join of it is the text."""
    cut: list[str] = []
    flag = False  # the last one is the first half of a flag
    for char in text:
        half = "\U0001f1e6" <= char <= "\U0001f1ff"
        if cut and len(cut[-1]) < LONGEST_CHARACTER and (_belongs(char, cut[-1]) or (half and flag)):
            cut[-1] += char
            flag = False
        else:
            cut.append(char)
            flag = half
    return cut


class _Change(NamedTuple):
    """a[a0:a1] became b[b0:b1]."""

    a0: int
    a1: int
    b0: int
    b1: int
    same: bool


def _belongs(char: str, before: str) -> bool:
    if before == "\r":
        return char == "\n"
    return (
        char == JOINER
        or (before.endswith(JOINER) and len(before) > 1 and unicodedata.category(char) == "So")
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or (unicodedata.category(char) in ("Mn", "Me", "Mc") and before not in ("\n", "\r\n"))
    )


def _changes(a: list[str], b: list[str], apart: int) -> list[_Change]:
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    inner_a, inner_b = a[head : len(a) - tail], b[head : len(b) - tail]
    changes = [_Change(0, head, 0, head, True)]
    if max(len(inner_a), len(inner_b)) > LONGEST:
        changes.append(_Change(head, len(a) - tail, head, len(b) - tail, False))
    else:
        for op in Indel.opcodes(inner_a, inner_b):
            changes.append(_Change(head + op.src_start, head + op.src_end, head + op.dest_start, head + op.dest_end, op.tag == "equal"))
    changes.append(_Change(len(a) - tail, len(a), len(b) - tail, len(b), True))
    return _merged([change for change in changes if change.a1 > change.a0 or change.b1 > change.b0], apart)


def _common(a: list[str], b: list[str]) -> int:
    """How many characters both begin with."""
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _merged(changes: list[_Change], apart: int) -> list[_Change]:
    """Neighbours become one, and so do changes that are less than `apart` apart: edits read as words, not confetti."""
    merged: list[_Change] = []
    for at, change in enumerate(changes):
        inside = 0 < at < len(changes) - 1
        same = change.same and not (inside and change.a1 - change.a0 < apart)
        if merged and merged[-1].same == same:
            merged[-1] = _Change(merged[-1].a0, change.a1, merged[-1].b0, change.b1, same)
        else:
            merged.append(change._replace(same=same))
    return merged


def _told(a: list[str], b: list[str], change: _Change) -> Iterator[Segment]:
    old, new = "".join(a[change.a0 : change.a1]), "".join(b[change.b0 : change.b1])
    if change.same:
        yield Segment(EQUAL, old)
    else:
        yield Segment(DELETE, old)
        yield Segment(INSERT, new)
