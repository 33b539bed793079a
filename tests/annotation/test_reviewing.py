"""Decisions, their undoing, and what the database itself refuses."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from annotation.folding import texts_of
from annotation.models import Assignment, Pair, Review, Skip
from annotation.reviewing import (
    BadDecision,
    CannotUndo,
    LostSeat,
    SameKeyOtherBody,
    claim,
    decide,
    fold_status,
    inconsistent_pairs,
    last_decision,
    renew,
    skip,
    undo,
)
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db
REPLY = "保的是冰水的温：保温杯只管隔热，不问冷热。"
EDITED = REPLY + "\n\n所以它一视同仁。"


@pytest.fixture(autouse=True)
def the_log_agrees():
    yield
    assert list(inconsistent_pairs()) == []


@pytest.fixture
def pair(db):
    pair = make_pair(make_source(), output=REPLY)
    make_draft(pair)
    return pair


def submit(seat, verdict="accept", **changes):
    """Decide on `seat` with the texts as shown, but for `changes`."""
    asked = {**texts_of(seat.pair), "op_id": uuid.uuid4(), "reasons": ["off_topic"] if verdict == "reject" else [], **changes}
    return decide(seat.pair_id, **{"by": seat.reviewer, "assignment": seat.pk, "token": seat.token, "verdict": verdict, **asked})


def lapse(seat):
    Assignment.objects.filter(pk=seat.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


# --- claiming -----------------------------------------------------------------------------------------------------------


def test_the_oldest_waiting_pair_comes_first(reviewer):
    source = make_source(lease_minutes=7)
    first, _second = make_pair(source), make_pair(make_source())
    seat = claim(reviewer)
    assert (seat.pair_id, seat.seat) == (first.pk, 1)
    assert timedelta(minutes=6) < seat.expires_at - timezone.now() <= timedelta(minutes=7)


def test_a_reload_shows_the_same_item_with_the_same_token(reviewer):
    make_pair(), make_pair()
    first, again = claim(reviewer), claim(reviewer)
    assert (first.pk, first.token) == (again.pk, again.token)


def test_nothing_to_review_is_none(reviewer):
    make_pair(status="drafting")
    make_pair(status="disputed")
    Pair.objects.filter(status="disputed").delete()
    assert claim(reviewer) is None


def test_sources_of_others_are_not_handed_out(reviewer, make_user):
    source = make_source()
    source.reviewers.add(make_user("reviewer", "other"))
    pair = make_pair(source)
    assert claim(reviewer) is None
    assert claim(make_user("lead")).pair_id == pair.pk


def test_a_chosen_source_is_kept_to(reviewer):
    make_pair()
    wanted = make_pair()
    assert claim(reviewer, source=wanted.source).pair_id == wanted.pk


def test_a_full_pair_is_not_handed_out_until_its_seat_expires(pair, make_user):
    one, two = make_user("reviewer", "one"), make_user("reviewer", "two")
    seat = claim(one)
    assert claim(two) is None
    lapse(seat)
    taken_over = claim(two)
    assert (taken_over.pair_id, taken_over.seat) == (pair.pk, 1)
    assert taken_over.token != seat.token
    assert not Assignment.objects.filter(pk=seat.pk).exists()


def test_ones_own_expired_seat_is_given_anew(pair, reviewer):
    seat = claim(reviewer)
    lapse(seat)
    assert claim(reviewer).token != seat.token


def test_a_skipped_pair_comes_back_after_all_others_oldest_skip_first(reviewer):
    one, two, three = make_pair(), make_pair(), make_pair()
    for expected in (one, two):
        seat = claim(reviewer)
        assert seat.pair_id == expected.pk
        skip(seat.pk, by=reviewer)
    order = []
    for _ in range(3):
        seat = claim(reviewer)
        order.append(seat.pair_id)
        submit(seat, "reject")
    assert order == [three.pk, one.pk, two.pk]
    assert claim(reviewer) is None


def test_skipping_twice_is_skipping_once_and_others_seats_cannot_be_skipped(pair, reviewer, make_user):
    seat = claim(reviewer)
    with pytest.raises(LostSeat):
        skip(seat.pk, by=make_user("reviewer", "thief"))
    skip(seat.pk, by=reviewer)
    skip(seat.pk, by=reviewer)
    assert Skip.objects.get().pair_id == pair.pk
    assert not Assignment.objects.exists()


def test_a_decided_seat_cannot_be_skipped(pair, reviewer):
    seat = claim(reviewer)
    submit(seat)
    with pytest.raises(LostSeat):
        skip(seat.pk, by=reviewer)


def test_a_seat_named_in_advance_waits_for_its_person(pair, reviewer, make_user):
    Assignment.objects.create(pair=pair, seat=1, reviewer=reviewer)
    assert claim(make_user("reviewer", "other")) is None
    seat = claim(reviewer)
    assert seat.expires_at is None
    assert submit(seat).verdict == "accept"


def test_renewing_lengthens_the_lease_and_needs_the_token(pair, reviewer, make_user):
    seat = claim(reviewer)
    Assignment.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    assert renew(seat.pk, by=reviewer, token=str(seat.token)).expires_at > timezone.now() + timedelta(minutes=14)
    for by, token in ((reviewer, uuid.uuid4()), (reviewer, "rubbish"), (make_user("reviewer", "thief"), seat.token)):
        with pytest.raises(LostSeat):
            renew(seat.pk, by=by, token=token)
    lapse(seat)
    with pytest.raises(LostSeat):
        renew(seat.pk, by=reviewer, token=seat.token)


# --- deciding -----------------------------------------------------------------------------------------------------------


def test_accepting_makes_the_pair_accepted_with_the_drafts_text(pair, reviewer):
    review = submit(claim(reviewer), seconds=12.5)
    pair.refresh_from_db()
    assert (pair.status, pair.decision_id, pair.output, pair.version) == ("accepted", review.pk, REPLY, 2)
    assert (review.verdict, review.draft.output, review.seconds, review.pair_version) == ("accept", REPLY, 12.5, 1)
    assert Assignment.objects.get().review == review


def test_editing_keeps_the_edited_texts(pair, reviewer):
    submit(claim(reviewer), "edit", output=EDITED, instruction="保温杯保谁的温？")
    pair.refresh_from_db()
    assert (pair.status, pair.output, pair.instruction) == ("accepted", EDITED, "保温杯保谁的温？")


def test_rejecting_keeps_the_texts_and_the_reasons_once_each_in_order(pair, reviewer):
    review = submit(claim(reviewer), "reject", output="typed and thrown away", reasons=["other", "off_topic", "other"], comment=" 无趣 ")
    pair.refresh_from_db()
    assert (pair.status, pair.output, pair.decision_id) == ("rejected", REPLY, review.pk)
    assert (review.reasons, review.comment, review.output) == (["other", "off_topic"], "无趣", REPLY)


def test_line_ends_of_a_form_are_no_edit(reviewer):
    pair = make_pair(output="一行，\n又一行\r\n再一行。")
    review = submit(claim(reviewer), output="一行，\r\n又一行\r\n再一行。")
    assert review.output == pair.output  # to the byte


@pytest.mark.parametrize(
    ("verdict", "changes", "code"),
    [
        ("accept", {"output": EDITED}, "changed"),
        ("accept", {"output": " \u3000\n"}, "empty"),
        ("edit", {}, "unchanged"),
        ("edit", {"instruction": " "}, "empty"),
        ("edit", {"output": ""}, "empty"),
        ("edit", {"output": "a\x00b"}, "bad_text"),
        ("edit", {"output": "a\ud800b"}, "bad_text"),
        ("edit", {"output": 5}, "bad_text"),
        ("edit", {"output": "长" * 200_001}, "too_long"),
        ("edit", {"output": EDITED + "电话13812345678"}, "check_failed"),
        ("reject", {"reasons": []}, "reasons_missing"),
        ("reject", {"reasons": ["ugly"]}, "reason_unknown"),
        ("reject", {"reasons": [["nested"]]}, "reasons_missing"),
        ("reject", {"reasons": ["other"], "comment": " "}, "comment_missing"),
        ("accept", {"draft": 10**12}, "draft_unknown"),
        ("undo", {}, "verdict_unknown"),
        ("", {}, "verdict_unknown"),
    ],
)
def test_what_is_no_decision_is_refused_and_the_seat_kept(pair, reviewer, verdict, changes, code):
    seat = claim(reviewer)
    with pytest.raises(BadDecision) as refused:
        submit(seat, verdict, **changes)
    assert refused.value.code == code
    assert not Review.objects.exists()
    assert submit(seat).verdict == "accept"


def test_errors_of_checks_are_named_and_do_not_hinder_a_rejection(reviewer):
    make_pair(output="请致电 13812345678 联系。")
    seat = claim(reviewer)
    with pytest.raises(BadDecision) as refused:
        submit(seat)
    assert [finding.code for finding in refused.value.findings] == ["mobile_number"]
    assert submit(seat, "reject", reasons=["personal_data"]).verdict == "reject"


def test_warnings_that_are_overruled_are_recorded(reviewer):
    make_pair(output="作为一个人工智能语言模型，我推荐《三体。")
    assert submit(claim(reviewer)).bypassed == ["brackets", "model_phrasing"]


def test_seconds_are_clamped(pair, reviewer):
    seat = claim(reviewer)
    assert submit(seat, seconds=float("nan")).seconds is None
    assert undo(last_decision(reviewer).pk, by=reviewer, op_id=uuid.uuid4())
    assert submit(claim(reviewer), seconds=1e300).seconds == 86_400


def test_a_draft_of_another_pair_is_refused_and_one_of_several_is_named(pair, reviewer):
    other = make_draft(make_pair())
    second = make_draft(pair, output="换个说法：谁在里面保谁。")
    seat = claim(reviewer)
    with pytest.raises(BadDecision) as refused:
        submit(seat, draft=other.pk)
    assert refused.value.code == "draft_unknown"
    review = submit(seat, draft=second.pk, output=second.output)
    pair.refresh_from_db()
    assert (review.draft, pair.output) == (second, second.output)


def test_the_same_key_again_is_the_same_decision(pair, reviewer):
    seat, key = claim(reviewer), uuid.uuid4()
    first = submit(seat, op_id=key)
    assert submit(seat, op_id=key, seconds=99.0) == first  # how long it took is not what was asked
    assert Review.objects.count() == 1


def test_the_same_key_for_something_else_or_from_somebody_else_is_refused(pair, reviewer, make_user):
    seat, key = claim(reviewer), uuid.uuid4()
    first = submit(seat, op_id=key)
    with pytest.raises(SameKeyOtherBody):
        submit(seat, "reject", op_id=key)
    with pytest.raises(SameKeyOtherBody):
        submit(seat, op_id=key, by=make_user("reviewer", "other"))
    with pytest.raises(SameKeyOtherBody):
        undo(first.pk, by=reviewer, op_id=key)
    assert list(Review.objects.values_list("verdict")) == [("accept",)]


def test_a_seat_is_lost_when_expired_taken_decided_or_not_ones_own(pair, reviewer, make_user):
    other = make_user("reviewer", "other")
    seat = claim(reviewer)
    for wrong in ({"by": other}, {"token": uuid.uuid4()}, {"token": "rubbish"}, {"assignment": seat.pk + 1}, {"assignment": 2**63}):
        with pytest.raises(LostSeat):
            submit(seat, **wrong)
    lapse(seat)
    with pytest.raises(LostSeat):
        submit(seat)
    taken_over = claim(other)
    with pytest.raises(LostSeat):
        submit(seat)
    submit(taken_over)
    with pytest.raises(LostSeat):
        submit(taken_over)
    assert Review.objects.get().by == other


def test_a_seat_at_one_pair_does_not_decide_another(pair, reviewer):
    elsewhere, seat = make_pair(), claim(reviewer)
    with pytest.raises(LostSeat):
        decide(elsewhere.pk, by=reviewer, assignment=seat.pk, token=seat.token, op_id=uuid.uuid4(), verdict="accept", **texts_of(elsewhere))
    assert not Review.objects.exists()


def test_who_lost_the_source_lost_the_seat(pair, reviewer, make_user):
    seat = claim(reviewer)
    pair.source.reviewers.add(make_user("reviewer", "other"))
    with pytest.raises(LostSeat):
        submit(seat)


# --- consensus ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def twice(make_user):
    """A pair that wants two reviews, and the seats of two people at it."""
    pair = make_pair(make_source(), output=REPLY, reviews_wanted=2)
    return pair, claim(make_user("reviewer", "one")), claim(make_user("reviewer", "two"))


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (("accept", {}), ("accept", {}), "accepted"),
        (("edit", {"output": EDITED}), ("edit", {"output": EDITED}), "accepted"),
        (("reject", {}), ("reject", {"reasons": ["boilerplate"]}), "rejected"),
        (("accept", {}), ("edit", {"output": EDITED}), "disputed"),
        (("accept", {}), ("reject", {}), "disputed"),
    ],
)
def test_two_reviews_agree_or_dispute(twice, first, second, status):
    pair, one, two = twice
    submit(one, first[0], **first[1])
    pair.refresh_from_db()
    assert (pair.status, pair.output) == ("pending", REPLY)
    last = submit(two, second[0], **second[1])
    pair.refresh_from_db()
    assert pair.status == status
    assert pair.decision_id == (None if status == "disputed" else last.pk)
    assert fold_status(pair) == (pair.status, pair.decision_id)


def test_a_pair_that_wants_two_is_not_given_twice_to_one(twice):
    _pair, one, _two = twice
    submit(one)
    assert claim(one.reviewer) is None


# --- undoing ------------------------------------------------------------------------------------------------------------

BYTES = " \u3000\u200b首行缩进\r\n\tA\u0301 😀‍👩 “引号”\n\n末行 "


def test_undo_restores_the_texts_byte_for_byte_and_gives_the_seat_back(reviewer):
    pair = make_pair(make_source(), instruction=BYTES + "?", input=BYTES, output=BYTES * 2)
    before = Pair.objects.filter(pk=pair.pk).values(*texts_of(pair), "status", "decision").get()
    seat = claim(reviewer)
    edited = submit(seat, "edit", instruction="全", input="都", output="改了。")
    entry = undo(edited.pk, by=reviewer, op_id=uuid.uuid4())
    assert Pair.objects.filter(pk=pair.pk).values(*texts_of(pair), "status", "decision").get() == before
    assert (entry.verdict, entry.undoes) == ("undo", edited)
    again = claim(reviewer)
    assert (again.pk, again.pair_id) == (seat.pk, pair.pk)
    assert again.token != seat.token
    assert again.expires_at > timezone.now()
    assert submit(again).output == pair.output


def test_what_was_undone_is_shown_before_what_is_open(reviewer):
    make_pair(), make_pair()
    done = submit(claim(reviewer))
    still_open = claim(reviewer)
    undo(done.pk, by=reviewer, op_id=uuid.uuid4())
    assert claim(reviewer).pair_id == done.pair_id != still_open.pair_id


def test_an_undo_happens_once(pair, reviewer):
    done, key = submit(claim(reviewer)), uuid.uuid4()
    entry = undo(done.pk, by=reviewer, op_id=key)
    token = claim(reviewer).token
    assert undo(done.pk, by=reviewer, op_id=key) == entry
    assert claim(reviewer).token == token
    with pytest.raises(CannotUndo) as refused:
        undo(done.pk, by=reviewer, op_id=uuid.uuid4())
    assert refused.value.code == "already_undone"
    with pytest.raises(CannotUndo):
        undo(entry.pk, by=reviewer, op_id=uuid.uuid4())  # an undo is no decision


def test_only_ones_own_decision_is_undone(pair, reviewer, admin):
    done = submit(claim(reviewer))
    with pytest.raises(CannotUndo) as refused:
        undo(done.pk, by=admin, op_id=uuid.uuid4())
    assert refused.value.code == "not_yours"


def test_the_last_twenty_decisions_can_be_undone_and_no_more(reviewer):
    source = make_source()
    done = []
    for _ in range(21):
        make_pair(source)
        done.append(submit(claim(reviewer), "reject"))
    with pytest.raises(CannotUndo) as refused:
        undo(done[0].pk, by=reviewer, op_id=uuid.uuid4())
    assert refused.value.code == "too_long_ago"
    for review in reversed(done[1:]):
        assert last_decision(reviewer) == review
        undo(review.pk, by=reviewer, op_id=uuid.uuid4())
    assert last_decision(reviewer) is None
    assert Pair.objects.filter(status="rejected").count() == 1


def test_one_of_two_takes_an_agreement_back(twice):
    pair, one, two = twice
    first = submit(one, "edit", output=EDITED)
    submit(two, "edit", output=EDITED)
    undo(first.pk, by=one.reviewer, op_id=uuid.uuid4())
    pair.refresh_from_db()
    assert (pair.status, pair.output, pair.decision) == ("pending", REPLY, None)
    submit(claim(one.reviewer), "reject")
    pair.refresh_from_db()
    assert pair.status == "disputed"


def test_a_dispute_is_left_and_entered_again(twice):
    pair, one, two = twice
    submit(one)
    done = submit(two, "reject")
    undo(done.pk, by=two.reviewer, op_id=uuid.uuid4())
    submit(claim(two.reviewer))
    pair.refresh_from_db()
    assert pair.status == "accepted"


def test_once_adjudicated_only_the_last_word_can_be_taken_back(twice, lead):
    pair, one, two = twice
    first = submit(one)
    submit(two, "reject")
    ruling = Review.objects.create(
        pair=pair, by=lead, verdict="accept", pair_version=2, op_id=uuid.uuid4(), op_digest="", before=texts_of(pair), **texts_of(pair)
    )
    Pair.objects.filter(pk=pair.pk).update(status="accepted", decision=ruling)
    with pytest.raises(CannotUndo) as refused:
        undo(first.pk, by=one.reviewer, op_id=uuid.uuid4())
    assert refused.value.code == "decided_since"
    undo(ruling.pk, by=lead, op_id=uuid.uuid4())
    pair.refresh_from_db()
    assert (pair.status, pair.decision) == ("disputed", None)


def test_a_reopened_pair_starts_over(pair, reviewer):
    done = submit(claim(reviewer))
    Review.objects.create(pair=pair, by=reviewer, verdict="reopen", pair_version=2, op_id=uuid.uuid4(), op_digest="", **texts_of(pair))
    Pair.objects.update(status="pending", decision=None)
    assert last_decision(reviewer) is None
    with pytest.raises(CannotUndo):
        undo(done.pk, by=reviewer, op_id=uuid.uuid4())


# --- the log ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["UPDATE annotation_review SET output = 'x'", "DELETE FROM annotation_review"])
def test_the_log_refuses_to_be_changed(pair, reviewer, change):
    submit(claim(reviewer))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Review.objects.get().output == REPLY


@pytest.mark.parametrize("damage", [{"status": "rejected"}, {"output": "改过的"}, {"status": "pending", "decision": None}])
def test_a_pair_that_left_its_log_is_found(pair, reviewer, damage):
    review = submit(claim(reviewer))
    Pair.objects.update(**damage)
    assert list(inconsistent_pairs()) == [pair.pk]
    Pair.objects.update(status="accepted", decision=review, output=REPLY)
