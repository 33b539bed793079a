"""Spaces and punctuation between Chinese characters, as they are in the reply. Titles are their author's: a space may be all the
punctuation that there is."""

import re
from collections.abc import Iterator

from .base import HAN, Check, Finding, Texts

GAP = re.compile(f"(?<=[{HAN}])[ \u3000]+(?=[{HAN}])")
CLAUSE = re.compile('[^，。；：！？、“”（）《》「」*,;:!?"\n]+')
HEADING = re.compile("[ \u3000]*第[一二三四五六七八九十百零〇0-9]{1,5}[章节条回篇卷部课讲集][ \u3000]")
COLUMN = re.compile(f"[{HAN}]{{1,6}}[ \u3000]+[{HAN}]{{1,6}}(?=[，、\n]|\\Z)")  # 一等奖 张三, after a line like it
SENTENCE = re.compile("[，。；：！？]")
VERSE = 4  # characters of a half line of verse, at least; from LOOSE on, one more or less is sung along
LOOSE = 6
WIDE = {",": "，", ";": "；", ":": "：", "!": "！", "?": "？", ".": "。"}
_BEFORE, _AFTER = f"{HAN}”’》】）」』％", f"{HAN}“‘《【（「『"
HALF = re.compile(
    rf"(?P<mark>(?<=[{_BEFORE}])[,;:!?](?=[ ]?[{_AFTER}]|[ \t]*(?:\n|\Z))|(?<=[{HAN}]{{2}})\.(?=[{HAN}]|[ \t]*(?:\n|\Z)))"
    rf"|(?P<open>(?<=[{_BEFORE}])\((?=[{HAN}]))[^()\n]{{0,60}}?(?<=[{HAN}])(?P<close>\))"
    rf"|(?P<begin>(?<![A-Za-z0-9=])\"(?=[{HAN}《]))[^\"\n]{{0,80}}?(?<=[{HAN}，。！？》])(?P<end>\")"
)
BEHIND = re.compile(rf"[,;:!?](?=[ ]?[{_AFTER}]|[ \t]*(?:\n|\Z))")  # a mark behind what will be a quotation or a bracket


class HanSpaces(Check):
    """见 钱眼开: a space that a line end has left behind. Lists of names, verse, headings and lines without punctuation use theirs."""

    name = "han_spaces"
    tidies = True

    def find(self, texts: Texts) -> Iterator[Finding]:
        if spans := stray_spaces(texts.prose):
            yield self.found("han_spaces", "output", [(start - 1, end + 1) for start, end in spans])


class HalfWidth(Check):
    """Half-width punctuation between Chinese characters, where no number, name or code asks for it."""

    name = "half_width"
    tidies = True

    def find(self, texts: Texts) -> Iterator[Finding]:
        if marks := half_width(texts.prose):
            yield self.found("half_width", "output", [(at, at + 1) for at, _wide in marks])


def stray_spaces(text: str) -> list[tuple[int, int]]:
    """Where they are, in a text without its code."""
    if not GAP.search(text):
        return []
    found: list[tuple[int, int]] = []
    start = 0
    before = ""
    for line in text.split("\n"):
        if GAP.search(line):
            found += [(start + a, start + b) for a, b in _of_line(line, before)]
        start += len(line) + 1
        before = line
    return found


def _of_line(line: str, before: str) -> Iterator[tuple[int, int]]:
    if not SENTENCE.search(line):
        return
    heading = HEADING.match(line) or (COLUMN.match(line) if COLUMN.match(before) else None)
    for clause in CLAUSE.finditer(line, heading.end() if heading else 0):
        part = clause.group().strip()
        gaps = list(GAP.finditer(clause.group()))
        if len(gaps) == 1 and len(re.findall(r"[ \u3000]+", part)) <= 1:
            left, right = (len(piece) for piece in GAP.split(part))
            is_verse = min(left, right) >= VERSE and abs(left - right) <= (min(left, right) >= LOOSE)
            if not is_verse:
                yield clause.start() + gaps[0].start(), clause.start() + gaps[0].end()


def half_width(text: str) -> list[tuple[int, str]]:
    """Where they are, and what belongs there."""
    found: list[tuple[int, str]] = []
    for match in HALF.finditer(text):
        if match["mark"]:
            found.append((match.start("mark"), WIDE[match["mark"]]))
        elif match["open"]:
            found += [(match.start("open"), "（"), (match.start("close"), "）"), *_inside(text, match.end("open"), match.start("close"))]
        else:
            found += [(match.start("begin"), "“"), (match.start("end"), "”"), *_inside(text, match.end("begin"), match.start("end"))]
        if not match["mark"] and (mark := BEHIND.match(text, match.end())):
            found.append((mark.start(), WIDE[mark[0]]))
    return sorted(found)


def _inside(text: str, start: int, end: int) -> list[tuple[int, str]]:
    return [(match.start(), WIDE[match["mark"]]) for match in HALF.finditer(text, start, end) if match["mark"]]
