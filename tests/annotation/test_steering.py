"""Who does what: decisions that go back to their author, pairs that are opened again, people named in advance, seats that are freed."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from annotation.assigning import assign, release
from annotation.folding import texts_of
from annotation.item import Item
from annotation.models import Assignment, Pair, Review
from annotation.reopening import close_again, reopen
from annotation.returning import send_back
from annotation.reviewing import CannotUndo, LostSeat, Refused, claim, decide, inconsistent_pairs, reserve, undo, undoable
from cqia.invariants import returns, seats
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db
EDITED = "换个说法：它保的是冰水的温。"
ITEMS, STEER, CLOSE = (reverse(f"annotation:{name}") for name in ("items", "steer", "close"))


@pytest.fixture(autouse=True)
def all_is_well():
    yield
    assert [*inconsistent_pairs(), *seats(), *returns()] == []


def submit(seat, verdict="accept", **changes):
    asked = {**texts_of(seat.pair), "op_id": uuid.uuid4(), "reasons": ["off_topic"] if verdict == "reject" else [], **changes}
    return decide(seat.pair_id, **{"by": seat.reviewer, "assignment": seat.pk, "token": seat.token, "verdict": verdict, **asked})


def key():
    return uuid.uuid4()


def pair_of(source, **fields):
    pair = make_pair(source, **fields)
    make_draft(pair)
    return pair


@pytest.fixture
def pair(db):
    return pair_of(make_source("ruozhiba"))


@pytest.fixture
def other(make_user):
    return make_user("reviewer", "other")


# --- back to the author -------------------------------------------------------------------------------------------------


def test_what_is_sent_back_comes_first_with_text_and_reason(pair, reviewer, lead):
    before = texts_of(pair)
    done = submit(claim(reviewer), "edit", output=EDITED)
    pair_of(pair.source), pair_of(pair.source)
    ahead = reserve(reviewer, 2)
    made = send_back(done.pk, by=lead, op_id=key(), reasons=["boilerplate"], comment="第二句是套话")
    pair.refresh_from_db()
    assert (made.verdict, made.undoes, pair.status, texts_of(pair)) == ("return", done, "pending", before)
    assert [seat.pair_id for seat in reserve(reviewer, 3)] == [pair.pk, *(seat.pair_id for seat in ahead)]
    seat = claim(reviewer)
    assert (seat.pair, seat.expires_at) == (pair, None)
    item = Item.of(seat, reviewer)
    assert (item.returned, item.output) == (made, EDITED)
    submit(seat, "reject")
    pair.refresh_from_db()
    assert pair.status == "rejected"


def test_nobody_else_gets_what_was_sent_back(pair, reviewer, lead, other):
    send_back(submit(claim(reviewer)).pk, by=lead, op_id=key(), comment="再看看")
    assert claim(other) is None


def test_of_two_decisions_only_the_one_goes_back(pair, reviewer, other, lead):
    Pair.objects.update(reviews_wanted=2)
    one, _two = submit(claim(reviewer)), submit(claim(other))
    send_back(one.pk, by=lead, op_id=key(), comment="再看看")
    submit(claim(reviewer))
    pair.refresh_from_db()
    assert pair.status == "accepted"


def test_sent_back_twice_is_once_and_the_author_cannot_undo_it_any_more(pair, reviewer, lead):
    done, op = submit(claim(reviewer)), key()
    assert send_back(done.pk, by=lead, op_id=op, comment="x") == send_back(done.pk, by=lead, op_id=op, comment="x")
    with pytest.raises(CannotUndo):
        send_back(done.pk, by=lead, op_id=key(), comment="x")
    with pytest.raises(CannotUndo):
        undo(done.pk, by=reviewer, op_id=key())


@pytest.mark.parametrize(("lets", "code"), [(True, None), (False, "not_allowed")])
def test_a_second_reviewer_may_where_the_source_lets_them(pair, reviewer, other, lets, code):
    pair.source.peers_send_back = lets
    pair.source.save()
    Pair.objects.update(reviews_wanted=2)
    first = submit(claim(reviewer))
    seat = claim(other)
    with pytest.raises(Refused) as refused:
        send_back(first.pk, by=other, op_id=key(), comment="先判过才算")
    assert refused.value.code == "not_allowed"
    submit(seat)
    if code is None:
        assert send_back(first.pk, by=other, op_id=key(), comment="答非所问").undoes == first
    else:
        with pytest.raises(Refused) as refused:
            send_back(first.pk, by=other, op_id=key(), comment="答非所问")
        assert refused.value.code == code


def test_ones_own_or_without_a_reason_or_to_who_is_gone_is_refused(pair, reviewer, lead):
    own = submit(claim(lead), "reject")
    codes = []
    for comment, leaves in (("x", False), ("", False), ("x", True)):
        if leaves:
            reviewer.is_active = False
            reviewer.save()
        with pytest.raises(Refused) as refused:
            send_back(own.pk, by=lead, op_id=key(), comment=comment)
        codes.append(refused.value.code)
        if own.by == lead:
            undo(own.pk, by=lead, op_id=key())
            release(pair.pk, by=lead)
            own = submit(claim(reviewer))
    assert codes == ["own", "no_reason", "author_gone"]


# --- opened again -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdicts", [("edit", "edit"), ("reject", "reject"), ("edit", "reject")])
def test_opened_again_it_starts_over_and_closed_it_is_as_it_was(pair, reviewer, other, lead, verdicts):
    Pair.objects.update(reviews_wanted=2)
    before = texts_of(pair)
    made = [
        submit(claim(one), verdict, output=EDITED if verdict == "edit" else pair.output)
        for one, verdict in zip((reviewer, other), verdicts, strict=True)
    ]
    was = Pair.objects.filter(pk=pair.pk).values("status", "decision", "output").get()
    entry = reopen(pair.pk, by=lead, op_id=key(), comment="规则变了")
    pair.refresh_from_db()
    assert (pair.status, texts_of(pair), Assignment.objects.count()) == ("pending", before, 0)
    assert undoable(reviewer) == []
    claim(other)
    close_again(entry.pk, by=lead, op_id=key())
    assert Pair.objects.filter(pk=pair.pk).values("status", "decision", "output").get() == was
    assert set(Assignment.objects.values_list("reviewer", "review")) == {(review.by_id, review.pk) for review in made}
    assert undoable(reviewer) == [made[0]]


def test_once_somebody_has_decided_anew_it_stays_open(pair, reviewer, lead):
    submit(claim(reviewer))
    entry = reopen(pair.pk, by=lead, op_id=key())
    submit(claim(reviewer), "reject")
    with pytest.raises(CannotUndo):
        close_again(entry.pk, by=lead, op_id=key())
    pair.refresh_from_db()
    assert pair.status == "rejected"


def test_what_nobody_decided_is_not_opened_again(pair, lead):
    with pytest.raises(Refused):
        reopen(pair.pk, by=lead, op_id=key())


# --- seats --------------------------------------------------------------------------------------------------------------


def test_who_is_named_gets_it_before_anything_else_and_nobody_else_does(pair, reviewer, other, lead):
    later = pair_of(pair.source)
    for _twice in range(2):
        assign(later.pk, by=lead, to=other)
    assert claim(other).pair == later
    assert claim(reviewer).pair == pair
    assert Assignment.objects.filter(pair=later).count() == 1
    assert AuditEntry.objects.filter(action="seat_assigned").count() == 1


def test_reassigned_it_is_lost_to_whoever_held_it(pair, reviewer, other, lead):
    held = claim(reviewer)
    assign(pair.pk, by=lead, to=other)
    with pytest.raises(LostSeat):
        submit(held)
    submit(claim(other))
    with pytest.raises(Refused) as refused:
        assign(pair.pk, by=lead, to=reviewer)
    assert refused.value.code == "not_waiting"


def test_a_seat_is_given_where_it_hurts_least(pair, reviewer, other, make_user, lead):
    Pair.objects.update(reviews_wanted=2)
    third = make_user("reviewer", "third")
    held = claim(reviewer)
    (reserved,) = reserve(other, 1)
    assign(pair.pk, by=lead, to=third)
    assert set(Assignment.objects.values_list("reviewer", flat=True)) == {held.reviewer_id, third.pk}
    assert not Assignment.objects.filter(pk=reserved.pk).exists()
    submit(held)
    with pytest.raises(Refused) as refused:
        assign(pair.pk, by=lead, to=reviewer)
    assert refused.value.code == "has_decided"


def test_only_who_reviews_the_source_is_named(pair, viewer, other, reviewer, lead):
    pair.source.reviewers.add(reviewer)
    for person in (viewer, other):
        with pytest.raises(Refused) as refused:
            assign(pair.pk, by=lead, to=person)
        assert refused.value.code == "may_not_review"


def test_a_freed_seat_goes_to_the_next(pair, reviewer, other, lead):
    held = claim(reviewer)
    assert claim(other) is None
    assert release(pair.pk, by=lead) == ["reviewer"]
    assert claim(other).pair == pair
    with pytest.raises(LostSeat):
        submit(held)


@pytest.mark.parametrize("wanted", [1, 2])
def test_two_people_never_get_one_item_too_often(reviewer, other, lead, wanted):
    source = make_source(reviews_wanted=wanted)
    for _n in range(4):
        pair_of(source, reviews_wanted=wanted)
    for _n in range(4):
        for person in (reviewer, other):
            if seat := claim(person):
                submit(seat)
    people = {}
    for pair, by in Review.objects.values_list("pair", "by"):
        people.setdefault(pair, []).append(by)
    assert all(len(them) == len(set(them)) == wanted for them in people.values())
    assert len(people) == 4


# --- many at once, by page and API --------------------------------------------------------------------------------------


def test_many_are_given_freed_opened_and_closed(client, pair, reviewer, other, lead):
    second = pair_of(pair.source)
    submit(claim(reviewer))
    client.force_login(lead)
    batch = {"batch": str(uuid.uuid4()), "pairs": [pair.pk, second.pk]}
    html = client.post(STEER, {**batch, "act": "assign", "to": "other"}).content.decode()
    assert "1 条已指派给 other" in html
    assert f"#{pair.pk}: " in html
    assert "已指派" in client.get(ITEMS).content.decode()
    client.post(STEER, {**batch, "act": "release"})
    assert not Assignment.objects.filter(review=None).exists()
    for _twice in range(2):
        html = client.post(STEER, {**batch, "act": "reopen", "note": "规则变了"}).content.decode()
        assert "1 条已重开" in html
    client.post(CLOSE, batch)
    pair.refresh_from_db()
    assert pair.status == "accepted"
    for _twice in range(2):
        html = client.post(STEER, {**batch, "act": "return", "note": "再看看"}).content.decode()
        assert "1 条已退回作者" in html
    assert list(Review.objects.order_by("id").values_list("verdict", flat=True)) == ["accept", "reopen", "undo", "return"]
    client.force_login(reviewer)
    assert client.post(STEER, {**batch, "act": "release"}).status_code == 403
    html = client.get(reverse("annotation:review")).content.decode()
    assert 'id="returned"' in html
    assert "再看看" in html


def test_one_decision_is_sent_back_from_its_page(client, pair, reviewer, other, lead):
    done = submit(claim(reviewer))
    url = reverse("annotation:send_back", args=[done.pk])
    client.force_login(other)
    assert client.get(url).status_code == 403
    client.force_login(lead)
    assert url in client.get(reverse("annotation:history", args=[pair.pk])).content.decode()
    assert client.post(url, {"op_id": key()}).status_code == 400
    assert client.post(url, {"op_id": key(), "reasons": ["duplicate"]}).status_code == 302
    assert Review.objects.last().reasons == ["duplicate"]


def test_the_api_has_the_same_acts(client, pair, reviewer, other, lead):
    client.force_login(lead)

    def post(path, body=None):
        answer = client.post(f"/api/v1/{path}/", body or {}, "application/json", HTTP_IDEMPOTENCY_KEY=str(key()))
        return answer.status_code, answer.json()

    assert post(f"pairs/{pair.pk}/assign", {"to": "other"})[1]["reviewer"] == "other"
    assert post(f"pairs/{pair.pk}/release") == (200, {"of": ["other"]})
    assert post(f"pairs/{pair.pk}/release")[0] == 409
    done = submit(claim(reviewer))
    status, entry = post(f"pairs/{pair.pk}/reopen", {"comment": "规则变了"})
    assert (status, entry["verdict"]) == (201, "reopen")
    assert post(f"reviews/{entry['id']}/close")[0] == 201
    assert post(f"reviews/{done.pk}/return", {"comment": "再看看"})[1]["verdict"] == "return"
    assert post(f"reviews/{done.pk}/return", {"comment": "再看看"})[0] == 409


def test_the_database_wants_to_know_what_goes_back(pair, lead):
    with pytest.raises(IntegrityError, match="review_undo_names_its_review"), transaction.atomic():
        Review.objects.create(pair=pair, by=lead, verdict="return", pair_version=1, op_id=key(), op_digest="", before={}, **texts_of(pair))


def test_a_seat_that_ran_out_is_no_hindrance(pair, reviewer, other, lead):
    Assignment.objects.filter(pk=claim(reviewer).pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    assign(pair.pk, by=lead, to=other)
    assert Assignment.objects.get().reviewer == other
