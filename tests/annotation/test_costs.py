"""Sums over the ledger: by month, source and model, currencies apart, the unknown never 0."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from annotation import charts, costs
from annotation.models import ModelCall
from tests.annotation.ledger_rows import make_call, make_draft_run
from tests.builders import make_source

pytestmark = pytest.mark.django_db


def lines():
    return costs.lines(ModelCall.objects.all())


def test_lines_are_by_month_source_and_model():
    a, b = make_draft_run(make_source(slug="a")), make_draft_run(make_source(slug="b"))
    make_call(a, cost=Decimal("0.10"))
    make_call(a, cost=Decimal("0.20"))
    make_call(a, cost=Decimal("0.40"), model="m-2")
    make_call(b, cost=Decimal("0.80"), sent_at=datetime(2026, 4, 30, 15, 0, tzinfo=UTC))
    make_call(b, cost=Decimal("1.60"), sent_at=datetime(2026, 4, 30, 16, 30, tzinfo=UTC))  # 00:30 on 1 May in Shanghai
    make_call(b, state="queued", tokens_in=None, tokens_out=None)
    found = {(line.month, line.source_slug, line.model): (line.cost.calls, line.cost.amounts["CNY"]) for line in lines()}
    assert found == {
        (date(2026, 5, 1), "b", "m-1"): (1, Decimal("1.60")),
        (date(2026, 4, 1), "b", "m-1"): (1, Decimal("0.80")),
        (date(2026, 3, 1), "a", "m-1"): (2, Decimal("0.30")),
        (date(2026, 3, 1), "a", "m-2"): (1, Decimal("0.40")),
    }
    assert costs.total(lines()).amounts == {"CNY": Decimal("3.10")}
    assert [month.month for month in costs.grouped(lines(), lambda line: line.month)] == [5, 4, 3]


def test_currencies_stay_apart_and_the_unknown_is_counted_and_not_added():
    make_call(make_draft_run(), cost=Decimal("0.10"))
    make_call(make_draft_run(currency="USD"), cost=Decimal("0.02"))
    make_call(make_draft_run(currency=""), cost=None)
    make_call(make_draft_run(), state="unknown", tokens_in=None, tokens_out=None, reserved=Decimal("0.5"))
    cost = costs.total(lines())
    assert cost.amounts == {"CNY": Decimal("0.10"), "USD": Decimal("0.02")}
    assert (cost.unpriced, cost.unknown, cost.possible) == (1, 1, {"CNY": Decimal("0.5")})
    assert (cost.calls, cost.tokens_in, cost.tokens_out) == (4, 300, 150)


def test_a_chart_has_every_month_between_the_first_and_the_last():
    months = {date(2026, 2, 1): costs.Cost(amounts={"CNY": Decimal(3)}), date(2025, 11, 1): costs.Cost(amounts={"CNY": Decimal("7.5")})}
    (chart,) = charts.by_month(months)
    assert [bar.label for bar in chart.bars] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert [float(value) for _y, value in chart.ticks] == [0, 2, 4, 6, 8]
    tall, none, _none, short = chart.bars
    assert none.height == 0
    assert tall.height / short.height == pytest.approx(2.5, rel=0.01)
    assert tall.y + tall.height == pytest.approx(chart.base, abs=0.1)


@pytest.mark.parametrize(("most", "step"), [("0", 1), ("0.004", 0.001), ("8", 2), ("9", 2.5), ("10.1", 5), ("39", 10), ("41", 20)])
def test_steps_are_round_and_reach_the_top(most, step):
    assert float(charts.step_of(Decimal(most))) == step


def test_an_axis_shows_two_years_at_the_most():
    months = {date(2020, 1, 1): costs.Cost(amounts={"": Decimal(1)}), date(2026, 1, 1): costs.Cost(amounts={"": Decimal(1)})}
    (chart,) = charts.by_month(months)
    assert (len(chart.bars), chart.bars[-1].label) == (24, "2026-01")
