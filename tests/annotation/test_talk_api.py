"""What the pages do around deciding, through the API."""

import uuid

import pytest
from rest_framework.test import APIClient

from annotation.models import Comment, Pair
from sources.models import DryRun, Preview, TextList
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


def client_of(person) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(person)
    return client


def key(n: int = 0) -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.UUID(int=n + 1))}


@pytest.fixture
def pair():
    made = make_pair(make_source("jokes"))
    make_draft(made)
    return made


def test_a_comment_is_said_once_and_tells_whom_it_names(pair, reviewer, lead):
    api, said = client_of(lead), {"text": "请看这句 @reviewer"}
    answers = [api.post(f"{V1}/pairs/{pair.pk}/comments/", said, format="json", headers=key()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Comment.objects.count() == 1
    assert [each["text"] for each in client_of(lead).get(f"{V1}/pairs/{pair.pk}/comments/").json()] == ["请看这句 @reviewer"]
    assert [each["comment"]["pair"] for each in client_of(reviewer).get(f"{V1}/mentions/").json()["results"]] == [pair.pk]
    empty = api.post(f"{V1}/pairs/{pair.pk}/comments/", {"text": " "}, format="json", headers=key(1))
    assert empty.status_code == 400


def test_the_history_shows_every_state_of_the_texts(pair, reviewer):
    (state,) = client_of(reviewer).get(f"{V1}/pairs/{pair.pk}/history/").json()
    assert (state["key"], state["texts"]["output"], state["model"]) == (f"d{pair.drafts.get().pk}", pair.output, "")


def test_another_draft_is_for_whoever_holds_the_pair(pair, reviewer):
    seat = client_of(reviewer).post(f"{V1}/assignments/").json()
    asked = {"assignment": seat["id"], "token": str(uuid.uuid4()), "note": "短一些"}
    refused = client_of(reviewer).post(f"{V1}/pairs/{pair.pk}/redraft/", asked, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "lost_seat")
    without = client_of(reviewer).post(f"{V1}/pairs/{pair.pk}/redraft/", asked | {"token": seat["token"], "note": ""}, format="json")
    assert (without.status_code, without.json()["code"]) == (400, "bad_note")


def test_leads_decide_on_many_and_take_it_back(pair, lead, reviewer):
    asked = {"pairs": [pair.pk, 999_999], "verdict": "accept"}
    assert client_of(reviewer).post(f"{V1}/pairs/decide-many/", asked, format="json", headers=key()).status_code == 403
    done = client_of(lead).post(f"{V1}/pairs/decide-many/", asked, format="json", headers=key()).json()
    assert (done["made"], [each["pair"] for each in done["refused"]]) == ([pair.pk], [999_999])
    assert Pair.objects.get().status == "accepted"
    back = client_of(lead).post(f"{V1}/pairs/undo-many/", {"pairs": [pair.pk]}, format="json", headers=key()).json()
    assert (back["made"], Pair.objects.get().status) == ([pair.pk], "pending")


def test_previews_stop_lists_go_and_dry_runs_are_discarded(pair, admin):
    api, source = client_of(admin), pair.source
    preview = Preview.objects.create(source=source, screens=[])
    assert api.post(f"{V1}/previews/{preview.pk}/cancel/").json()["status"] == "cancelled"
    words = TextList.objects.create(name="词", kind="words", count=1, sha256="0" * 64, lines=["x"])
    source.screens = [{"screen": "words", "list": words.pk}]
    source.save()
    assert api.delete(f"{V1}/lists/{words.pk}/").json()["code"] == "in_use"
    source.screens = []
    source.save()
    assert (api.delete(f"{V1}/lists/{words.pk}/").status_code, TextList.objects.count()) == (204, 0)
    dry = DryRun.objects.create(source=source, file_name="a.jsonl", sha256="0" * 64, size=1)
    assert (api.delete(f"{V1}/dry-runs/{dry.pk}/").status_code, DryRun.objects.count()) == (204, 0)
