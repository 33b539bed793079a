"""The order of a queue, and how many people decide about each pair."""

from decimal import Decimal

import pytest

from annotation import ranking, ranks
from annotation.models import Pair, Ranking
from annotation.pairing import make_pairs
from annotation.reviewing import claim, skip
from annotation.seat_sql import FRESH
from cqia.invariants import queues
from sources.models import Score
from tests.builders import make_draft, make_pair, make_post, make_source


def test_a_share_of_the_keys_is_drawn_the_same_way_each_time():
    keys = [f"帖-{n}" for n in range(4_000)]
    drawn = [key for key in keys if ranks.reviews_of(key, 2, 10) == 2]
    assert 320 < len(drawn) < 480
    assert drawn == [key for key in keys if ranks.reviews_of(key, 2, 10) == 2]
    assert {ranks.reviews_of(key, 3, 100) for key in keys} == {3}
    assert {ranks.reviews_of(key, 3, 0) for key in keys} == {1}


def test_doubt_is_what_checks_scores_and_drafts_say():
    calm = ranks.risk_of(0, 0, Decimal(10), ["同一句", "同一句"])
    assert calm == 0
    assert ranks.risk_of(1, 0, Decimal(10), []) == ranks.risk_of(0, 3, Decimal(10), []) == 1
    assert ranks.risk_of(0, 0, Decimal(1), ["甲", "乙"]) == 2
    assert ranks.rank_of("risk", key="x", risk=2) < ranks.rank_of("risk", key="x", risk=1)


def order_of(reviewer, source):
    found = []
    while (seat := claim(reviewer, source=source)) and seat.pair_id not in found:
        found.append(seat.pair_id)
        skip(seat.pk, by=reviewer)
    if seat:
        skip(seat.pk, by=reviewer)
    return found


@pytest.fixture
def source(db):
    source = make_source("zhihu", reply="source")
    for n, votes in enumerate((3, 50, None, 7)):
        make_post(source, votes=votes, status="kept", answer=f"第{n}个回答，说了不少话。", external_id=f"帖{n}")
    return source


@pytest.mark.parametrize(("order", "wanted"), [("oldest", [0, 1, 2, 3]), ("votes", [1, 3, 0, 2])])
def test_pairs_come_in_the_order_of_the_policy(source, reviewer, order, wanted):
    source.queue_order = order
    source.save()
    make_pairs(source)
    pairs = list(Pair.objects.order_by("post").values_list("pk", flat=True))
    assert order_of(reviewer, source) == [pairs[n] for n in wanted]


def test_chance_is_the_same_for_a_seed(source, reviewer, make_user):
    source.queue_order, source.queue_seed = "random", 7
    source.save()
    make_pairs(source)
    first = order_of(reviewer, source)
    assert order_of(make_user("reviewer", "other"), source) == first
    assert sorted(first, key=lambda pk: ranks.rank_of("random", key=Pair.objects.get(pk=pk).post.external_id, seed=7)) == first


def test_another_order_holds_for_the_pairs_that_are_there(source, reviewer, monkeypatch):
    make_pairs(source)
    pairs = list(Pair.objects.order_by("post").values_list("pk", flat=True))
    assert not ranking.is_due()
    source.queue_order = "votes"
    source.save()
    monkeypatch.setattr(ranking, "BATCH", 3)
    assert ranking.is_due()
    assert ranking.catch_up(seconds=-1)  # no time: one batch
    assert (Ranking.objects.get().cursor, Ranking.objects.get().done) == (pairs[2], False)
    assert not ranking.catch_up()
    assert not ranking.is_due()
    assert order_of(reviewer, source) == [pairs[n] for n in (1, 3, 0, 2)]
    assert list(queues()) == []
    Pair.objects.filter(pk=pairs[0]).update(rank=5)
    assert len(list(queues())) == 1
    source.queue_order = "oldest"
    source.save()
    assert not ranking.catch_up()
    assert set(Pair.objects.values_list("rank", flat=True)) == {0}


def test_pairs_made_while_the_order_was_another_one_are_not_forgotten(source):
    source.queue_order = "votes"
    source.save()
    make_pairs(source)
    source.queue_order = "oldest"
    source.save()
    assert ranking.is_due()
    ranking.catch_up()
    assert set(Pair.objects.values_list("rank", flat=True)) == {0}


def test_drafts_that_differ_and_low_scores_come_first(db, reviewer):
    source = make_source(queue_order="risk")
    calm, differing, low = (make_pair(source, output="一样的回答，写得够长了，没有毛病。") for _n in range(3))
    for pair in (calm, differing, low):
        make_draft(pair)
    make_draft(differing, output="全然另外的话题")
    Score.objects.create(post=calm.post, value=9, judge="j")
    Score.objects.create(post=low.post, value=1, judge="j")
    ranking.rank_anew([calm.pk, differing.pk, low.pk])
    assert order_of(reviewer, source)[-1] == calm.pk
    assert Pair.objects.get(pk=low.pk).rank < Pair.objects.get(pk=calm.pk).rank


def test_of_several_sources_the_oldest_of_the_first_is_next(source, reviewer):
    other = make_source()
    source.queue_order = "votes"
    source.save()
    old = make_pair(other)
    make_pairs(source)
    assert claim(reviewer).pair == old
    assert "p.rank, p.id" in FRESH


def test_a_share_gets_several_reviews_when_pairs_are_made(db):
    source = make_source(reply="source", reviews_wanted=2, review_share=50)
    for n in range(40):
        make_post(source, status="kept", answer=f"第{n}个回答。", external_id=f"帖{n}")
    make_pairs(source)
    wanted = dict(Pair.objects.values_list("post__external_id", "reviews_wanted"))
    assert wanted == {f"帖{n}": ranks.reviews_of(f"帖{n}", 2, 50) for n in range(40)}
    assert set(wanted.values()) == {1, 2}
