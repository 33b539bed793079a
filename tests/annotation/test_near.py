"""An accepted pair that asks the same is found without going through all of them."""

from itertools import product
from uuid import uuid4

import pytest

from accounts import rows
from annotation import reviewing
from annotation.models import Pair
from annotation.near import accepted_near, still_near
from tests.builders import make_pair, make_post, make_source

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


def test_it_is_found_among_thousands_that_are_asked_in_the_same_frame(by):
    twin = make_pair(by=by, status="accepted", instruction="把闹钟调快十分钟，我每天就多活了十分钟")
    for a, b in product("甲乙丙丁戊己", "子丑寅卯辰巳午未"):
        make_pair(by=by, status="accepted", instruction=f"{a}{b}，我每天多活了十分钟吗")
    assert twin.pk in numbers(make_pair(instruction=ASKED))


def test_what_is_accepted_after_an_edit_is_found_by_its_new_words(by):
    pair = make_pair(make_source(), instruction="这句话没有人看得懂")
    seat = reviewing.claim(by)
    reviewing.decide(
        pair.pk, by=by, op_id=uuid4(), assignment=seat.pk, token=seat.token, verdict="edit", draft=None,
        instruction=ASKED, input="", output="不会。", comment="", seconds=1.0, reasons=[],
    )  # fmt: skip
    assert numbers(make_pair(instruction=ASKED)) == [pair.pk]


def test_it_takes_one_query(by, monkeypatch):
    pair = make_pair(instruction=ASKED)
    counts, read = [], rows.read
    for _n in range(2):
        for _m in range(5):
            make_pair(by=by, status="accepted", instruction=ASKED)
        monkeypatch.setattr(rows, "read", lambda *asked: counts.append(asked) or read(*asked))
        assert accepted_near(pair, ASKED)
        monkeypatch.undo()
    assert len(counts) == 2


def test_what_the_page_has_found_is_looked_at_again_before_it_counts(by):
    pair = make_pair(instruction=ASKED)
    twin = make_pair(by=by, status="accepted", instruction=ASKED)
    assert [near.number for near in still_near(pair, twin.pk)] == [twin.pk]
    Pair.objects.filter(pk=twin.pk).update(status="pending", decision=None)
    assert still_near(pair, twin.pk) == still_near(pair, pair.pk) == []
