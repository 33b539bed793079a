"""The numbers per model × prompt × source, counted by hand."""

from decimal import Decimal

import pytest

from annotation import scorecard
from annotation.models import ModelCall, Pair
from tests.annotation.ledger_rows import decided, make_call, make_draft_run, make_prompt
from tests.builders import make_pair, make_review, make_source

pytestmark = pytest.mark.django_db


def card():
    return scorecard.scorecard(ModelCall.objects.all())


def test_a_row_counts_verdicts_distance_reasons_seconds_and_cost(admin):
    run = make_draft_run(make_source(slug="s"), make_prompt("reply_0001"))
    decided(run, admin, "accept", seconds=4)
    decided(run, admin, "accept", seconds=6)
    decided(run, admin, "edit", output="保温杯保的是温", edited="保温杯保的是冷", seconds=30)  # one character
    decided(run, admin, "edit", output="保温杯", edited="保温杯，不挑冷热。", seconds=50)  # six
    decided(run, admin, "reject", reasons=["missed_joke", "boilerplate"], seconds=8)
    (score,) = card()
    assert (score.model, score.prompt, score.source_slug) == ("m-1", "reply_0001", "s")
    assert (score.offered, score.decided, score.accepted, score.edited, score.rejected) == (5, 5, 2, 2, 1)
    assert score.unchanged_share == 0.4
    assert score.distance == 3.5
    assert score.reasons == {"boilerplate": 1, "missed_joke": 1}
    assert score.seconds == 8
    assert score.rows == 4
    assert score.cost_per_row == {"CNY": Decimal("0.0125")}
    assert score.is_few


def test_an_undone_and_a_reopened_decision_do_not_count(admin, reviewer):
    run = make_draft_run()
    undone, reopened = decided(run, admin, "accept"), decided(run, admin, "accept")
    make_review(undone, by=admin, verdict="undo", undoes=undone.decision)
    make_review(reopened, by=admin, verdict="reopen")
    Pair.objects.update(status="pending", decision=None)
    (score,) = card()
    assert (score.offered, score.decided, score.rows) == (2, 0, 0)
    assert score.unchanged_share is None


def test_models_prompts_and_sources_are_told_apart(admin):
    one, two = make_source(slug="a"), make_source(slug="b")
    first, second = make_prompt("reply_0001"), make_prompt("reply_0002")
    for source, prompt, model in [(one, first, "m-1"), (one, first, "m-2"), (one, second, "m-1"), (two, first, "m-1")]:
        decided(make_draft_run(source, prompt, model_names=[model]), admin, "accept")
    found = {(score.source_slug, score.prompt, score.model) for score in card()}
    assert found == {("a", "reply_0001", "m-1"), ("a", "reply_0001", "m-2"), ("a", "reply_0002", "m-1"), ("b", "reply_0001", "m-1")}


def test_the_draft_that_lost_costs_its_model_and_earns_it_nothing(admin):
    run = make_draft_run(model_names=["m-1", "m-2"])
    pair = decided(run, admin, "accept", cost="0.02")
    make_call(run, pair, draft="别的稿", model="m-2", cost=Decimal("0.03"))
    winner, loser = card()
    assert (winner.model, winner.rows, winner.cost_per_row) == ("m-1", 1, {"CNY": Decimal("0.02")})
    assert (loser.model, loser.offered, loser.decided, loser.rows, loser.cost_per_row) == ("m-2", 1, 0, 0, None)
    assert loser.costs == {"CNY": Decimal("0.03")}


def test_what_has_no_price_makes_the_cost_unknown_and_not_less(admin):
    run = make_draft_run()
    decided(run, admin, "accept", cost="0.02")
    decided(run, admin, "accept", cost=None)
    (score,) = card()
    assert (score.unpriced, score.cost_per_row) == (1, None)


def test_pairs_that_are_still_open_do_not_count_as_cost(admin):
    run = make_draft_run()
    decided(run, admin, "accept", cost="0.02")
    make_call(run, make_pair(run.source, status="pending"), draft="还没审", cost=Decimal(5))
    (score,) = card()
    assert (score.offered, score.cost_per_row) == (2, {"CNY": Decimal("0.02")})


def test_it_takes_the_same_few_queries_whatever_there_is(admin, django_assert_num_queries):
    for n in range(3):
        run = make_draft_run(model_names=[f"m-{n}"])
        for verdict in ("accept", "edit", "reject"):
            decided(run, admin, verdict, edited="改过的稿子" if verdict == "edit" else "")
    with django_assert_num_queries(6):
        assert len(card()) == 3
