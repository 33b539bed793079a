"""An accepted pair that asks the same is found without going through all of them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import Pair
from annotation.near import accepted_near, still_near
from annotation.searching import PAIRS
from sources import indexing
from tests.builders import make_pair, make_post

pytestmark = pytest.mark.django_db
ASKED = "把闹钟调快十分钟，我每天多活了十分钟吗"


@pytest.fixture
def by(make_user):
    return make_user("reviewer")


def numbers(pair, instruction=""):
    return [near.number for near in accepted_near(pair, instruction or pair.instruction)]


def test_it_is_found_by_its_words(by):
    twin = make_pair(by=by, status="accepted", instruction="把闹钟调快十分钟，我每天就多活了十分钟")
    make_pair(by=by, status="accepted", instruction="静音车厢里打字算喧哗吗")
    assert numbers(make_pair(instruction=ASKED)) == [twin.pk]


def test_only_what_was_accepted_counts_and_never_the_pair_itself(by):
    for status in ("pending", "rejected"):
        make_pair(by=by, status=status, instruction=ASKED)
    assert numbers(make_pair(instruction=ASKED)) == []
    mine = make_pair(by=by, status="accepted", instruction=ASKED)
    assert numbers(mine) == []


def test_posts_that_read_the_same_are_of_one_kin_whatever_became_of_their_words(by):
    post = make_post(content_hash="same")
    twin = make_pair(post=post, by=by, status="accepted", instruction="改写过的题目")
    other = make_pair(post=make_post(content_hash="same"))
    assert numbers(other, "完全不同的话") == [twin.pk]
    cousin = make_pair(post=make_post(cluster=post))
    assert numbers(cousin, "完全不同的话") == [twin.pk]


def test_it_is_found_among_indexed_pairs_too(by, monkeypatch):
    monkeypatch.setattr(indexing, "FEW", 5)
    twin = make_pair(by=by, status="accepted", instruction="把闹钟调快十分钟，我每天就多活了十分钟")
    for n in range(12):
        make_pair(by=by, status="accepted", instruction=f"第{n}个毫不相干的问题")
    indexing.catch_up(PAIRS)
    assert indexing.settled_of(PAIRS) >= twin.pk
    assert numbers(make_pair(instruction=ASKED))[0] == twin.pk


def test_the_number_of_queries_does_not_grow(by):
    pair = make_pair(instruction=ASKED)
    counts = []
    for _n in range(2):
        for _m in range(5):
            make_pair(by=by, status="accepted", instruction=ASKED)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert accepted_near(pair, ASKED)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


def test_what_the_page_has_found_is_looked_at_again_before_it_counts(by):
    pair = make_pair(instruction=ASKED)
    twin = make_pair(by=by, status="accepted", instruction=ASKED)
    assert [near.number for near in still_near(pair, twin.pk)] == [twin.pk]
    Pair.objects.filter(pk=twin.pk).update(status="pending", decision=None)
    assert still_near(pair, twin.pk) == still_near(pair, pair.pk) == []
