"""Many at once, with real threads, connections and commits. A race that the harness cannot see is no proof: the naive
claim beside the real one must lose."""

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef

from annotation.folding import inconsistent_pairs, texts_of
from annotation.models import Assignment, Pair, Review
from annotation.reviewing import LostSeat, Refused, claim, decide, lease_end, skip, undo
from sources.models import Post
from tests.builders import make_pair, make_post, make_run, make_source

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, PAIRS = 16, 400


def at_once(acts):
    """Run all `acts`, each in a thread with a connection of its own, started together. Gives what they return or raise."""
    gate = threading.Barrier(len(acts))

    def run(act):
        try:
            connection.ensure_connection()
            gate.wait(10)
            return act()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def many_pairs(n, wanted):
    source = make_source()
    run = make_run(source)
    posts = [
        Post(source=source, run=run, row=row, external_id=str(row), title=f"第{row}问", content_hash=str(row), status="kept")
        for row in range(1, n + 1)
    ]
    Post.objects.bulk_create(posts)
    Pair.objects.bulk_create(
        Pair(post=post, source=source, instruction=post.title, output="答曰不知。", status="pending", reviews_wanted=wanted)
        for post in posts
    )


@pytest.fixture
def people(make_user):
    return [make_user("reviewer", f"r{n}") for n in range(THREADS)]


def submit(seat, verdict="reject", **changes):
    asked = {**texts_of(seat.pair), "op_id": uuid.uuid4(), "reasons": ["off_topic"] if verdict == "reject" else [], **changes}
    return decide(seat.pair_id, by=seat.reviewer, assignment=seat.pk, token=seat.token, verdict=verdict, **asked)


def work_through(user, done=submit):
    """Claim and decide until nothing is left. Gives the pairs handed out, in order."""
    seen = []
    while seat := claim(user):
        seen.append(seat.pair_id)
        done(seat)
    return seen


def tick(seat):
    """The least that makes a seat a decided one: the race is about claiming, and the next claim should come soon."""
    review = Review.objects.create(
        pair=seat.pair, by=seat.reviewer, verdict="accept", pair_version=1, op_id=uuid.uuid4(), op_digest="", **texts_of(seat.pair)
    )
    Assignment.objects.filter(pk=seat.pk).update(review=review)


def check_handed_out(handed_out, pairs, wanted):
    times = Counter(pair for seen in handed_out for pair in seen)
    assert len(times) == pairs
    assert set(times.values()) == {wanted}
    assert all(len(seen) == len(set(seen)) for seen in handed_out)
    assert Review.objects.count() == pairs * wanted


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [1, 2])
def test_sixteen_reviewers_get_every_pair_as_often_as_wanted_and_never_twice(people, wanted):
    many_pairs(PAIRS, wanted)
    check_handed_out(at_once([lambda user=user: work_through(user, tick) for user in people]), PAIRS, wanted)


def test_and_so_it_is_while_they_decide(people):
    many_pairs(40, 2)
    check_handed_out(at_once([lambda user=user: work_through(user) for user in people]), 40, 2)
    assert set(Pair.objects.values_list("status", flat=True)) == {"rejected"}
    assert list(inconsistent_pairs()) == []


def naive_claim(user):
    """What one writes first: look for a pair without a seat, skip what is locked, take a seat. The row that is locked is
    not the row that is tested. (Its seats are numbered by hand, so that no constraint rescues it.)"""
    with transaction.atomic():
        seats = Assignment.objects.filter(pair=OuterRef("pk"))
        free = Pair.objects.pending().filter(~Exists(seats)).order_by("id")
        pair = free.select_for_update(skip_locked=True, of=("self",)).select_related("source").first()
        if pair is None:
            return None
        return Assignment.objects.create(pair=pair, seat=user.pk % 30_000, reviewer=user, expires_at=lease_end(pair.source))


def test_negative_control_the_naive_claim_hands_pairs_out_twice(people):
    """If this fails, the harness is blind and the test above proves nothing."""
    many_pairs(PAIRS, 1)

    def take_all(user):
        while naive_claim(user):
            pass

    for _ in range(5):
        at_once([lambda user=user: take_all(user) for user in people])
        doubled = Assignment.objects.values("pair").annotate(n=Count("pk")).filter(n__gt=1).count()
        if doubled:
            return
        Assignment.objects.all().delete()
    pytest.fail("no duplicate in five rounds: this harness would not see a broken claim")


def test_as_many_claims_as_pairs_find_each_a_pair(people):
    """Nobody is told that nothing is left because others were faster for a moment."""
    for _ in range(3):
        many_pairs(THREADS, 1)
        seats = at_once([lambda user=user: claim(user) for user in people])
        assert None not in seats
        assert len({seat.pair_id for seat in seats}) == THREADS
        for seat in seats:
            submit(seat)


def test_two_tabs_of_one_person_get_one_item(reviewer):
    many_pairs(20, 2)
    seats = at_once([lambda: claim(reviewer)] * 8)
    assert len({seat.pk for seat in seats}) == 1


def test_eight_identical_submits_are_one_decision_and_eight_equal_answers(reviewer):
    many_pairs(10, 1)
    for _ in range(10):
        seat, key = claim(reviewer), uuid.uuid4()
        answers = at_once([lambda seat=seat, key=key: submit(seat, op_id=key)] * 8)
        assert len({answer.pk for answer in answers}) == 1
    assert Review.objects.count() == 10


def test_one_key_for_two_pairs_decides_one(people):
    many_pairs(2, 1)
    one, two = claim(people[0]), claim(people[1])
    two_as_one = Assignment.objects.filter(pk=two.pk)
    two_as_one.update(reviewer=one.reviewer)
    two = two_as_one.select_related("pair").get()
    key = uuid.uuid4()
    answers = at_once([lambda: submit(one, op_id=key), lambda: submit(two, op_id=key)])
    assert Counter(type(answer).__name__ for answer in answers) == {"Review": 1, "SameKeyOtherBody": 1}
    assert Pair.objects.filter(status="pending").count() == 1


def test_eight_different_submits_with_one_seat_are_one_decision(reviewer):
    many_pairs(1, 1)
    seat = claim(reviewer)
    answers = at_once([lambda n=n: submit(seat, "edit", output=f"答曰{n}。") for n in range(8)])
    (won,) = [answer for answer in answers if isinstance(answer, Review)]
    assert sum(isinstance(answer, LostSeat) for answer in answers) == 7
    assert Pair.objects.get().output == won.output


@pytest.mark.parametrize(("texts", "status"), [(("答曰甲。", "答曰乙。"), "disputed"), (("答曰甲。", "答曰甲。"), "accepted")])
def test_two_editors_at_once_agree_or_dispute_and_both_texts_are_kept(people, texts, status):
    many_pairs(10, 2)
    for _ in range(10):
        one, two = claim(people[0]), claim(people[1])
        assert one.pair_id == two.pair_id
        at_once([lambda: submit(one, "edit", output=texts[0]), lambda: submit(two, "edit", output=texts[1])])  # noqa: B023
    assert Counter(Pair.objects.values_list("status", flat=True)) == {status: 10}
    assert Counter(Review.objects.values_list("output", flat=True)) == Counter(texts * 10)
    assert list(inconsistent_pairs()) == []


def test_undo_against_the_other_reviewers_decision(people):
    """Whichever comes first, the pair says what its log says, and nobody sees an error."""
    many_pairs(10, 2)
    for _ in range(10):
        one, two = claim(people[0]), claim(people[1])
        done = submit(one)
        answers = at_once([lambda: undo(done.pk, by=people[0], op_id=uuid.uuid4()), lambda: submit(two)])  # noqa: B023
        assert not [answer for answer in answers if isinstance(answer, Refused)]
        assert not list(inconsistent_pairs())
        submit(claim(people[0]))
    assert set(Pair.objects.values_list("status", flat=True)) == {"rejected"}


def test_eight_undos_at_once_are_one(reviewer):
    pair = make_pair(make_post().source)
    done = submit(claim(reviewer))
    answers = at_once([lambda: undo(done.pk, by=reviewer, op_id=uuid.uuid4())] * 8)
    assert sum(isinstance(answer, Review) for answer in answers) == 1
    pair.refresh_from_db()
    assert pair.status == "pending"


def test_claiming_skipping_deciding_and_undoing_all_at_once_break_nothing(people):
    many_pairs(12, 2)

    def mess(user, n):
        for step in range(12):
            if not (seat := claim(user)):
                continue
            if (n + step) % 3 == 0:
                skip(seat.pk, by=user)
                continue
            done = submit(seat, "accept" if n % 2 else "reject")
            if (n + step) % 4 == 1:
                undo(done.pk, by=user, op_id=uuid.uuid4())

    at_once([lambda user=user, n=n: mess(user, n) for n, user in enumerate(people[:8])])
    assert list(inconsistent_pairs()) == []
    taken = Pair.objects.annotate(n=Count("assignments")).filter(n__gt=F("reviews_wanted"))
    assert not taken.exists()
    undecided = Assignment.objects.filter(review__undone_by__isnull=False)
    assert not undecided.exists()
