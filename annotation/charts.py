"""Pure: the bars of a chart in the units of its SVG, so that a template only writes them down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

WIDTH, HEIGHT, LEFT, FOOT, TOP = 700, 220, 64, 26, 10
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
MONTHS = 24  # bars: more would be hairlines


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    value: Decimal
    tick: str  # under the bar: the year only where it begins
    is_extra: bool  # a tick that a narrow screen has no room for


@dataclass
class Chart:
    """Bars on a scale from 0. `ticks` are (y, value)."""

    currency: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bars: list[Bar] = field(default_factory=list)
    ticks: list[tuple[float, Decimal]] = field(default_factory=list)

    @property
    def base(self) -> int:
        return self.height - FOOT

    @property
    def label_y(self) -> int:
        return self.height - 6


def by_month(months: Mapping[date, Any]) -> list[Chart]:
    """One chart per currency, of `amounts` by month, from the oldest to the newest without a gap."""
    currencies = sorted({currency for cost in months.values() for currency in cost.amounts})
    return [_chart(currency, {month: cost.amounts.get(currency, Decimal(0)) for month, cost in months.items()}) for currency in currencies]


def _chart(currency: str, amounts: Mapping[date, Decimal]) -> Chart:
    chart = Chart(currency)
    axis = months_between(min(amounts), max(amounts))[-MONTHS:]
    step = step_of(max(amounts.values()))
    top = step * 4
    room = chart.base - TOP
    chart.ticks = [(round(chart.base - room * float(step * n / top), 1), step * n) for n in range(5)]
    slot = (WIDTH - LEFT) / max(6, len(axis))
    for n, month in enumerate(axis):
        value = amounts.get(month, Decimal(0))
        height = room * float(value / top) if value else 0.0
        x = LEFT + slot * n + slot * 0.2
        bar = Bar(
            round(x, 1), round(chart.base - height, 1), round(slot * 0.6, 1), round(height, 1), round(x + slot * 0.3, 1),
            f"{month:%Y-%m}", value, f"{month:%Y-%m}" if n == 0 or month.month == 1 else f"{month:%m}", bool(n % 3) and month.month != 1,
        )  # fmt: skip
        chart.bars.append(bar)
    return chart


def months_between(first: date, last: date) -> list[date]:
    """The first days of all months from `first` to `last`."""
    count = 12 * (last.year - first.year) + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def step_of(most: Decimal) -> Decimal:
    """A round step of which four reach `most`."""
    if most <= 0:
        return Decimal(1)
    magnitude = Decimal(10) ** (most / 4).adjusted()
    return next(step * magnitude for step in STEPS if step * magnitude * 4 >= most)
