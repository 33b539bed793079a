"""Pure: the shapes of the team's charts in the units of their SVG. What they show is in a table beside each of them, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from .charts import FOOT, TOP, step_of

WIDTH, HEIGHT, LEFT = 620, 210, 40
LETTERS = ("a", "e", "r")  # the colours of accepted, edited and rejected, from the bottom up
TICKS = 16  # labels below the bars: more would touch each other
LINE_WIDTH, LINE_HEIGHT, LINE_EDGE = 80, 22, 2


@dataclass(frozen=True)
class Part:
    colour: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    x: float
    width: float
    middle: float
    title: str
    tick: str  # empty: there is no room for it
    is_extra: bool  # a tick that a narrow screen has no room for
    parts: list[Part]


@dataclass(frozen=True)
class Columns:
    columns: list[Column]
    ticks: list[tuple[float, int]]  # y, value
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT

    @property
    def label_y(self) -> int:
        return self.height - 6

    @property
    def base(self) -> int:
        return self.height - FOOT


def stacked(rows: Sequence[tuple[str, str, Sequence[int]]], colours: Sequence[str] = LETTERS) -> Columns:
    """Bars of parts that lie on each other, on a scale from 0. A row is what its bar says, the tick below it, and the parts."""
    step = max(1, int(step_of(Decimal(max((sum(parts) for _t, _l, parts in rows), default=0)))))
    while step * 4 < max((sum(parts) for _t, _l, parts in rows), default=0):
        step += 1
    base, slot, every = HEIGHT - FOOT, (WIDTH - LEFT) / max(7, len(rows)), -(-len(rows) // TICKS)
    unit = (base - TOP) / (step * 4)
    columns = []
    for n, (title, tick, counts) in enumerate(rows):
        x, y, parts = LEFT + slot * n + slot * 0.14, float(base), []
        for colour, count in zip(colours, counts, strict=True):
            y -= count * unit
            if count:
                parts.append(Part(colour, round(y, 1), round(max(0.5, count * unit - 0.8), 1)))
        shown = tick if n % every == 0 else ""
        columns.append(Column(round(x, 1), round(slot * 0.72, 1), round(x + slot * 0.36, 1), title, shown, n // every % 2 == 1, parts))
    return Columns(columns, [(round(base - step * n * unit, 1), step * n) for n in range(5)])


def mix(parts: Sequence[int], width: int = 1000) -> list[tuple[str, float, float]]:
    """One bar of full width, in shares: (colour, x, width)."""
    total, x, found = sum(parts), 0.0, []
    for colour, count in zip(LETTERS, parts, strict=True):
        if count:
            share = width * count / total
            found.append((colour, round(x, 1), round(max(1.0, share - 2), 1)))
            x += share
    return found


def line(counts: Sequence[int]) -> str:
    """The points of a small line."""
    room, most = LINE_HEIGHT - 2 * LINE_EDGE, max(counts, default=0) or 1
    slot = LINE_WIDTH / max(1, len(counts) - 1)
    return " ".join(f"{n * slot:.1f},{LINE_HEIGHT - LINE_EDGE - room * count / most:.1f}" for n, count in enumerate(counts))


def middle_at(seconds: float, edges: Sequence[int], columns: Columns) -> float:
    """Where a number of seconds lies among bars that stand for the spans between `edges`."""
    slot = (WIDTH - LEFT) / max(7, len(columns.columns))
    for n, (low, high) in enumerate(pairwise(edges)):
        if low <= seconds < high:
            return round(LEFT + slot * (n + (seconds - low) / (high - low)), 1)
    return round(LEFT + slot * (len(edges) - 0.5), 1)
