"""Seats reserved ahead: there before they are needed, never in anybody's way; and what is typed is kept beside them."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import rows
from annotation.autosaving import autosave
from annotation.folding import texts_of
from annotation.models import Assignment, Autosave, Pair, Review
from annotation.reviewing import BadDecision, LostSeat, Refused, Stale, claim, decide, renew, reserve, undo
from annotation.seat_sql import VISIBLE
from annotation.seats import AHEAD
from sources.models import Source
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db
TEXTS = {"instruction": "问", "input": "", "output": "答"}


@pytest.fixture
def source(db):
    return make_source("ruozhiba")


def pairs(source, n, **fields):
    return [make_pair(source, **fields) for _n in range(n)]


def accept(seat, **changes):
    asked = {**texts_of(seat.pair), "verdict": "accept", "op_id": uuid.uuid4(), **changes}
    return decide(seat.pair_id, by=seat.reviewer, assignment=seat.pk, token=seat.token, **asked)


def test_what_is_reserved_is_not_handed_to_others(source, make_user):
    made = pairs(source, 4)
    one, two = make_user("reviewer", "one"), make_user("reviewer", "two")
    first = claim(one)
    ahead = reserve(one, 2)
    assert [first.pair_id, *(seat.pair_id for seat in ahead)] == [pair.pk for pair in made[:3]]
    assert claim(two).pair_id == made[3].pk


def test_who_would_go_away_empty_takes_what_is_only_reserved(source, make_user):
    made = pairs(source, 3)
    one, two = make_user("reviewer", "one"), make_user("reviewer", "two")
    claim(one)
    ahead = reserve(one, 2)
    taken = claim(two)
    assert taken.pair_id == made[1].pk
    with pytest.raises(LostSeat):
        renew(ahead[0].pk, by=one, token=ahead[0].token)
    with pytest.raises(LostSeat):
        accept(ahead[0])
    assert not Assignment.objects.filter(pk=ahead[0].pk).exists()


def test_reserving_takes_from_nobody(source, make_user):
    pairs(source, 2)
    one, two = make_user("reviewer", "one"), make_user("reviewer", "two")
    reserve(one, 2)
    assert reserve(two, 2) == []


def test_what_is_looked_at_is_not_taken(source, make_user):
    pairs(source, 1)
    one, two = make_user("reviewer", "one"), make_user("reviewer", "two")
    (ahead,) = reserve(one, 1)
    renew(ahead.pk, by=one, token=ahead.token)
    assert claim(two) is None


def test_a_claim_opens_what_was_reserved_and_the_lease_begins_then(source, reviewer):
    pairs(source, 3)
    ahead = reserve(reviewer, 2)
    Assignment.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    seat = claim(reviewer)
    assert seat.pk == ahead[0].pk
    seat.refresh_from_db()
    assert seat.opened_at
    assert seat.expires_at > timezone.now() + timedelta(minutes=10)


def test_reserved_seats_end_by_themselves(source, make_user):
    pairs(source, 1)
    one, two = make_user("reviewer", "one"), make_user("reviewer", "two")
    reserve(one, 1)
    Assignment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert reserve(two, 1)


def test_a_second_page_gets_what_the_first_had_reserved_and_nobody_hoards(source, reviewer):
    pairs(source, 9)
    ahead = reserve(reviewer, 2)
    assert [seat.pk for seat in reserve(reviewer, 2)] == [seat.pk for seat in ahead]
    for _n in range(4):
        reserve(reviewer, 9, besides=[seat.pk for seat in Assignment.objects.all()])
    assert Assignment.objects.count() == AHEAD


def test_two_wanted_two_people_even_ahead(source, make_user):
    pairs(source, 2, reviews_wanted=2)
    people = [make_user("reviewer", name) for name in "abc"]
    for person in people[:2]:
        assert len(reserve(person, 2)) == 2
    assert reserve(people[2], 2) == []
    assert claim(people[2]) is not None


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead", "admin"])
def test_the_statement_sees_the_sources_that_for_user_sees(make_user, role):
    person, other = make_user(role, "person"), make_user("reviewer", "other")
    for slug, chosen in (("open", []), ("mine", [person]), ("theirs", [other]), ("both", [person, other])):
        make_source(slug).reviewers.set(chosen)
    asked = {"user": person.pk, "all": person.has_role("lead"), "slug": None}
    seen = rows.read(f"SELECT slug FROM sources_source source WHERE {VISIBLE}", asked)
    assert sorted(slug for (slug,) in seen) == sorted(Source.objects.for_user(person).values_list("slug", flat=True))


# --- what is typed ---------------------------------------------------------------------------------------------------------


def save(seat, seq, output="打了一半", by=None, token=None):
    return autosave(
        seat.pair_id, by=by or seat.reviewer, assignment=seat.pk, token=token or str(seat.token), seq=seq, texts={**TEXTS, "output": output}
    )


def test_a_lower_number_never_overwrites_a_higher(source, reviewer):
    pairs(source, 1)
    seat = claim(reviewer)
    assert save(seat, 2, "后来的").saved
    for late in (0, 1, 2):
        kept = save(seat, late, "早先的")
        assert (kept.saved, kept.seq) == (False, 2)
    assert Autosave.objects.get().texts["output"] == "后来的"


def test_the_same_again_is_saved_for_its_answer_may_not_have_arrived(source, reviewer):
    pairs(source, 1)
    seat = claim(reviewer)
    assert [save(seat, 5, "一样的").saved, save(seat, 5, "一样的").saved, save(seat, 5, "不一样的").saved] == [True, True, False]
    assert Autosave.objects.get().texts["output"] == "一样的"


@pytest.mark.parametrize("seq", [-1, 2**63, 2**64])
def test_a_number_that_is_none_is_refused(source, reviewer, seq):
    pairs(source, 1)
    with pytest.raises(Refused):
        save(claim(reviewer), seq)


def test_typing_renews_the_lease_and_outlives_the_seat(source, reviewer):
    pairs(source, 1)
    seat = claim(reviewer)
    Assignment.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    assert save(seat, 1).held.expires_at > timezone.now() + timedelta(minutes=10)
    Assignment.objects.update(expires_at=timezone.now() - timedelta(seconds=5))
    kept = save(seat, 2, "锁过期以后")
    assert (kept.saved, kept.held) == (True, None)
    assert Autosave.objects.get().texts["output"] == "锁过期以后"


def test_a_decision_ends_it_and_what_comes_late_does_not_bring_it_back(source, reviewer):
    pairs(source, 1)
    seat = claim(reviewer)
    save(seat, 1)
    accept(seat)
    with pytest.raises(Refused):
        save(seat, 2)
    assert not Autosave.objects.exists()


def test_nobody_saves_into_an_item_that_is_not_theirs_to_see(source, make_user):
    pairs(source, 1)
    seat = claim(make_user("reviewer", "one"))
    source.reviewers.add(seat.reviewer)
    with pytest.raises(Refused):
        save(seat, 1, by=make_user("reviewer", "two"))


# --- the version, the labels, the candidates -----------------------------------------------------------------------------------


def test_a_decision_on_an_earlier_version_is_refused_and_changes_nothing(source, reviewer):
    (pair,) = pairs(source, 1)
    seat = claim(reviewer)
    Pair.objects.filter(pk=pair.pk).update(version=pair.version + 1)
    with pytest.raises(Stale):
        accept(seat, version=pair.version)
    assert not Review.objects.exists()
    accept(seat, version=pair.version + 1)


def test_labels_are_decided_with_the_texts_and_come_back_with_an_undo(source, reviewer):
    (pair,) = pairs(source, 1, task_type={"major": ["问答"], "minor": []}, domain=["通用"])
    made = accept(claim(reviewer), task_type={"major": ["问答"], "minor": ["逻辑问答", "逻辑问答"]}, domain=[" 语言 "])
    pair.refresh_from_db()
    assert (pair.task_type, pair.domain) == ({"major": ["问答"], "minor": ["逻辑问答"]}, ["语言"])
    assert made.verdict == "accept"
    undo(made.pk, by=reviewer, op_id=uuid.uuid4())
    pair.refresh_from_db()
    assert (pair.task_type, pair.domain) == ({"major": ["问答"], "minor": []}, ["通用"])


@pytest.mark.parametrize(
    "wrong", [{"task_type": {"major": []}}, {"task_type": []}, {"domain": ["x" * 61]}, {"domain": ["x"] * 21}, {"domain": [5]}]
)
def test_labels_that_are_none_are_refused(source, reviewer, wrong):
    pairs(source, 1)
    with pytest.raises(BadDecision):
        accept(claim(reviewer), **wrong)


def test_the_order_of_candidates_is_the_persons_own_and_kept(source, make_user):
    pair, orders = make_pair(source), set()
    drafts = [make_draft(pair, output=f"第{at}稿") for at in range(3)]
    for n in range(8):
        seat = claim(make_user("reviewer", f"person-{n}"), pair_id=pair.pk)
        made = accept(seat, draft=drafts[1].pk, output="第1稿")
        assert sorted(made.shown) == [draft.pk for draft in drafts]
        orders.add(tuple(made.shown))
        undo(made.pk, by=seat.reviewer, op_id=uuid.uuid4())
        Assignment.objects.all().delete()
    assert len(orders) > 1
