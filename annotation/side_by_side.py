"""Two texts line by line beside each other, with the characters that changed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rapidfuzz.distance import Indel

from .diffing import DELETE, INSERT, Segment, diff

LONGEST_LINE = 4_000  # characters; of longer lines only that they changed is told


@dataclass(frozen=True)
class Row:
    """A line of the old text, of the new one, or of both. A number of 0: there is no line on this side."""

    kind: str  # same | changed | removed | added
    left_number: int = 0
    left: list[Segment] = field(default_factory=list)
    right_number: int = 0
    right: list[Segment] = field(default_factory=list)


def side_by_side(old: str, new: str) -> list[Row]:
    """The rows in order: the left sides joined by line ends are `old`, the right sides are `new`."""
    a, b = old.split("\n"), new.split("\n")
    rows: list[Row] = []
    gone: list[int] = []
    come: list[int] = []
    for op in Indel.opcodes(a, b):
        if op.tag == "equal":
            rows += _changed(a, b, gone, come)
            gone, come = [], []
            pairs = zip(range(op.src_start, op.src_end), range(op.dest_start, op.dest_end), strict=True)
            rows += [Row("same", i + 1, diff(a[i], a[i]), j + 1, diff(b[j], b[j])) for i, j in pairs]
        else:
            gone += range(op.src_start, op.src_end)
            come += range(op.dest_start, op.dest_end)
    return [*rows, *_changed(a, b, gone, come)]


def counts(rows: list[Row]) -> dict[str, int]:
    """Lines that differ: changed, removed, added."""
    return {kind: sum(row.kind == kind for row in rows) for kind in ("changed", "removed", "added")}


def _changed(a: list[str], b: list[str], gone: list[int], come: list[int]) -> Iterator[Row]:
    """Lines that went and lines that came in their place: the first with the first, and so on."""
    for n in range(max(len(gone), len(come))):
        i, j = gone[n] if n < len(gone) else None, come[n] if n < len(come) else None
        if i is not None and j is not None:
            segments = _line(a[i], b[j])
            left = [segment for segment in segments if segment.kind != INSERT]
            yield Row("changed", i + 1, left, j + 1, [segment for segment in segments if segment.kind != DELETE])
        elif i is not None:
            yield Row("removed", left_number=i + 1, left=[Segment(DELETE, a[i])])
        elif j is not None:
            yield Row("added", right_number=j + 1, right=[Segment(INSERT, b[j])])


def _line(old: str, new: str) -> list[Segment]:
    if max(len(old), len(new)) > LONGEST_LINE:
        return [Segment(DELETE, old), Segment(INSERT, new)]
    return diff(old, new)
