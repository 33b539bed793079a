"""The API of what people decide about posts."""

import io

import pytest
from rest_framework.test import APIClient

from sources import lists, previewing, screening
from sources.models import Apart, Post, Preview, Rescue
from tests.builders import make_post, make_run, make_source

pytestmark = pytest.mark.django_db
CUPS = ["保温杯里装冰水，它该保谁的温？", "保溫杯裏裝冰水，它該保誰的溫😂", "短"]


@pytest.fixture
def api(admin):
    client = APIClient()
    client.force_authenticate(admin)
    return client


@pytest.fixture
def posts():
    source = make_source("a", screens=[{"screen": "length", "min": 3}, {"screen": "near_duplicate"}])
    run = make_run(source, created=3)
    found = [make_post(source, run=run, row=row, title=title, votes=9 - row) for row, title in enumerate(CUPS, 1)]
    screening.screen(source)
    return found


def statuses():
    return list(Post.objects.order_by("row").values_list("status", flat=True))


def test_many_are_rescued_and_the_rescue_undone_once(api, posts):
    said = api.post("/api/v1/sources/a/rescues/", {"reason": "too_short"}, format="json")
    assert (said.status_code, said.json()["count"], said.json()["source"]) == (201, 1, "a")
    assert statuses() == ["kept", "dropped", "kept"]
    undo = f"/api/v1/rescues/{said.json()['id']}/undo/"
    assert api.post(undo).json() == {"dropped": 1, "stay": 0}
    assert (api.post(undo).status_code, api.post(undo).json()["code"]) == (409, "undone")
    assert statuses() == ["kept", "dropped", "dropped"]
    ids = [post.pk for post in posts]
    assert api.post("/api/v1/sources/a/rescues/", {"posts": ids}, format="json").json()["count"] == 2


@pytest.mark.parametrize(
    ("data", "status"), [({}, 400), ({"posts": ["x"]}, 400), ({"reason": "nothing"}, 409), ({"run": 2**40}, 409), ({"search": "zzz"}, 409)]
)
def test_a_rescue_of_nothing_is_none(api, posts, data, status):
    assert api.post("/api/v1/sources/a/rescues/", data, format="json").status_code == status
    assert not Rescue.objects.exists()


def test_clusters_are_listed_and_decided(api, posts):
    one, other = posts[0].pk, posts[1].pk
    assert api.get("/api/v1/sources/a/clusters/").json()["results"] == [{"stays": one, "posts": [one, other]}]
    decide = lambda **data: api.post("/api/v1/sources/a/clusters/", data, format="json").status_code  # noqa: E731
    assert decide(choose=other) == 204
    assert statuses()[:2] == ["dropped", "kept"]
    assert (decide(withdraw=other), statuses()[:2]) == (204, ["kept", "dropped"])
    assert (decide(apart=[other]), statuses()[:2]) == (204, ["kept", "kept"])
    assert decide(apart=[other]) == 409
    assert (decide(together=[one, other]), statuses()[:2]) == (204, ["kept", "dropped"])
    assert not Apart.objects.exists()
    assert [decide(), decide(choose=one, withdraw=one), decide(choose="x"), decide(choose=10**30)] == [400] * 4
    assert decide(choose=999) == 404


def test_a_preview_is_ordered_and_read(api, posts):
    said = api.post("/api/v1/sources/a/previews/", {"screens": [{"screen": "votes", "min": 8}]}, format="json")
    assert (said.status_code, said.json()["status"]) == (202, "queued")
    previewing.run_preview(Preview.objects.get().pk)
    found = api.get(f"/api/v1/previews/{said.json()['id']}/").json()
    assert found["status"] == "succeeded"
    assert found["result"]["same"] == 1
    assert sum(change["count"] for change in found["result"]["changes"]) == 2
    assert api.post("/api/v1/sources/a/previews/", {}, format="json").json()["screens"][0] == {"screen": "length", "min": 3}
    bad = api.post("/api/v1/sources/a/previews/", {"screens": [{"screen": "gone"}]}, format="json")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_screen")


def test_lists_are_uploaded_and_named_by_their_number(api):
    given = {"name": "禁词", "kind": "words", "file": io.BytesIO("赌场\n彩票".encode())}
    said = api.post("/api/v1/lists/", given)
    assert (said.status_code, said.json()["count"]) == (201, 2)
    assert [each["id"] for each in api.get("/api/v1/lists/").json()["results"]] == [said.json()["id"]]
    assert len(lists.make([{"screen": "words", "list": said.json()["id"]}])) == 1
    bad = api.post("/api/v1/lists/", {**given, "file": io.BytesIO(b"\0")})
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_list")


@pytest.mark.parametrize("path", ["sources/a/rescues/", "sources/a/clusters/", "sources/a/previews/", "lists/", "rescues/1/undo/"])
def test_only_admins_decide(lead, posts, path):
    client = APIClient()
    client.force_authenticate(lead)
    assert client.post(f"/api/v1/{path}", {}, format="json").status_code == 403
