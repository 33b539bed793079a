"""A reviewer's own by the API: what is typed, one's days, one's goal."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from annotation.models import Assignment, Autosave, Pair
from annotation.preferences import GOAL, goal_of
from annotation.reviewing import claim, decide
from tests.annotation.test_my_days import done  # noqa: F401
from tests.annotation.test_talk_api import V1, client_of
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> Pair:
    made = make_pair(make_source("jokes"))
    make_draft(made)
    return made


@pytest.fixture
def seat(pair, reviewer) -> Assignment:
    return claim(reviewer)


def typed(seat, seq: int = 1, **more):
    texts = {"instruction": "谁？", "input": "", "output": "打了一半"}
    return {"assignment": seat.pk, "token": str(seat.token), "seq": seq, **texts, **more}


def put(person, pair, body):
    return client_of(person).put(f"{V1}/pairs/{pair.pk}/autosave/", body, format="json")


class TestTyping:
    def test_it_is_kept_renews_the_seat_and_can_be_had_again(self, pair, reviewer, seat):
        Assignment.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
        answer = put(reviewer, pair, typed(seat, 7, output="一行\r\n两行"))
        assert (answer.status_code, answer.json()["saved"], answer.json()["seq"]) == (200, True, 7)
        assert Assignment.objects.get().expires_at > timezone.now() + timedelta(minutes=5)
        kept = client_of(reviewer).get(f"{V1}/pairs/{pair.pk}/autosave/").json()
        assert (kept["seq"], kept["texts"]) == (7, {"instruction": "谁？", "input": "", "output": "一行\n两行"})

    def test_a_lower_number_never_replaces_a_higher_and_the_same_again_is_answered_alike(self, pair, reviewer, seat):
        said = [put(reviewer, pair, typed(seat, seq, output=text)).json() for seq, text in ((5, "甲"), (5, "甲"), (4, "乙"), (5, "乙"))]
        assert [(each["saved"], each["seq"]) for each in said] == [(True, 5), (True, 5), (False, 5), (False, 5)]
        assert Autosave.objects.get().texts["output"] == "甲"

    def test_it_outlives_the_seat(self, pair, reviewer, lead, seat):
        Assignment.objects.update(reviewer=lead)
        answer = put(reviewer, pair, typed(seat))
        assert (answer.status_code, answer.json()) == (200, {"saved": True, "seq": 1, "expires_at": None})

    def test_after_the_decision_there_is_nothing_to_keep(self, pair, reviewer, seat):
        texts = {"instruction": pair.instruction, "input": "", "output": pair.drafts.get().output}
        put(reviewer, pair, typed(seat))
        decide(
            pair.pk, by=reviewer, assignment=seat.pk, token=seat.token, op_id=uuid.uuid4(), verdict="accept", draft=pair.drafts.get().pk,
            reasons=[], comment="", **texts,
        )  # fmt: skip
        late = put(reviewer, pair, typed(seat, 9))
        assert (late.status_code, late.json()["code"]) == (409, "decided")
        assert client_of(reviewer).get(f"{V1}/pairs/{pair.pk}/autosave/").status_code == 204

    def test_nobody_reads_or_writes_anothers(self, pair, reviewer, lead, make_user, seat):
        put(reviewer, pair, typed(seat))
        assert client_of(lead).get(f"{V1}/pairs/{pair.pk}/autosave/").status_code == 204
        put(lead, pair, typed(seat, 99, output="别人的"))
        assert Autosave.objects.get(reviewer=reviewer).texts["output"] == "打了一半"
        pair.source.reviewers.add(reviewer)
        stranger = make_user("reviewer", "stranger")
        assert put(stranger, pair, typed(seat)).status_code == 404
        assert client_of(stranger).get(f"{V1}/pairs/{pair.pk}/autosave/").status_code == 404

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"seq": -1}, "seq"), ({"seq": 2**62}, "seq"), ({"seq": "1"}, "seq"), ({"token": "x"}, "token"),
            ({"assignment": 0}, "assignment"),
            ({"output": 5}, "output"), ({"output": None}, "output"), ({"output": "a\0b"}, "output"), ({"input": "字" * 200_001}, "input"),
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_not_kept(self, pair, reviewer, seat, wrong, field):
        answer = put(reviewer, pair, typed(seat, **wrong))
        assert (answer.status_code, answer.json()["code"], list(answer.json()["errors"])) == (400, "invalid", [field])
        assert not Autosave.objects.exists()

    def test_it_is_for_reviewers(self, pair, viewer, seat):
        assert put(viewer, pair, typed(seat)).status_code == 403
        assert client_of(viewer).get(f"{V1}/pairs/{pair.pk}/autosave/").status_code == 403


class TestDays:
    def test_they_are_ones_own(self, reviewer, lead, done):  # noqa: F811
        said = client_of(reviewer).get(f"{V1}/me/days/").json()
        today = said["days"][0]
        assert (said["goal"], said["done"], said["skipped"], said["minutes_left"], len(said["days"])) == (80, 4, 1, 26, 30)
        assert today == {
            "day": timezone.localdate().isoformat(), "decided": 3, "accepted": 1, "edited": 1, "rejected": 1, "seconds": 20.0,
        }  # fmt: skip
        assert {day["decided"] for day in said["days"][1:]} == {0}
        assert client_of(lead).get(f"{V1}/me/days/").json()["days"][0]["decided"] == 1

    def test_a_goal_is_one_of_a_few(self, reviewer, viewer):
        client = client_of(reviewer)
        assert client.put(f"{V1}/me/goal/", {"goal": 40}, format="json").json() == {"goal": 40}
        assert client.get(f"{V1}/me/days/").json()["goal"] == 40
        for wrong in ({"goal": 41}, {"goal": "40"}, {"goal": True}, {"goal": None}, {"goal": 40.0}, {}, []):
            assert client.put(f"{V1}/me/goal/", wrong, format="json").status_code == 400
        reviewer.refresh_from_db()
        assert goal_of(reviewer.preferences) == 40 != GOAL
        assert client_of(viewer).put(f"{V1}/me/goal/", {"goal": 40}, format="json").status_code == 403
