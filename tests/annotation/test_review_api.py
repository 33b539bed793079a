"""The API of reviewing: who may, what it answers, and that sending twice is doing once."""

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken
from annotation.models import Assignment, Pair, Review
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db
V1 = "/api/v1"
REPLY = "保的是冰水的温：保温杯只管隔热，不问冷热。"


def client_of(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {ApiToken.issue(user, 'test')[1]}")
    return client


@pytest.fixture
def api(reviewer):
    return client_of(reviewer)


@pytest.fixture
def pair(db):
    pair = make_pair(make_source("jokes"), output=REPLY)
    make_draft(pair)
    return pair


def claimed(api, **body):
    response = api.post(f"{V1}/assignments/", body, format="json")
    assert response.status_code == 201, response.data
    return response.json()


def submit(api, seat, key=None, **changes):
    pair = seat["pair"]
    body = {
        "assignment": seat["id"], "token": seat["token"], "verdict": "accept", "draft": None, "instruction": pair["instruction"],
        "input": pair["input"], "output": pair["output"], "reasons": [], "comment": "", "seconds": 3, **changes,
    }  # fmt: skip
    url, headers = f"{V1}/pairs/{pair['id']}/reviews/", {"Idempotency-Key": str(key or uuid.uuid4())}
    return api.post(url, json.dumps(body), content_type="application/json", headers=headers)


def test_the_next_item_comes_with_the_answer_to_a_decision(api, pair):
    source, other = pair.source, make_source("others")
    after, last = (make_pair(source, output=REPLY, instruction=f"冰箱里的灯第{n}次关门以后灭了没有") for n in range(2))
    make_pair(other, output=REPLY)
    seat, key = claimed(api, source="jokes"), uuid.uuid4()
    first = submit(api, seat, key, next={"source": "jokes"}).json()
    assert (first["verdict"], first["pair"], first["next"]["pair"]["id"]) == ("accept", pair.pk, after.pk)
    again = submit(api, seat, key, next={"source": "jokes"}).json()
    assert (again["id"], again["next"]["id"], again["next"]["token"]) == (first["id"], first["next"]["id"], first["next"]["token"])
    second = submit(api, first["next"], next={"source": "jokes"}).json()
    third = submit(api, second["next"], next={"source": "jokes"}).json()
    assert (second["next"]["pair"]["id"], third["next"]) == (last.pk, None)
    assert "next" not in submit(api, claimed(api)).json()
    assert submit(api, seat, next={"source": 3}).status_code == 400


def test_a_seat_comes_with_pair_drafts_and_checks(api, pair):
    make_draft(pair, output="作为一个AI语言模型，我不知道。")
    seat = claimed(api)
    assert (seat["pair"]["id"], seat["pair"]["source"], seat["pair"]["output"]) == (pair.pk, "jokes", REPLY)
    assert [draft["output"] for draft in seat["drafts"]] == [REPLY, "作为一个AI语言模型，我不知道。"]
    assert (seat["drafts"][0]["is_human"], seat["drafts"][0]["is_demo"]) == (True, False)
    assert [(check["check"], check["level"], check["spans"]) for check in seat["checks"]] == [("model_phrasing", "warning", [[0, 10]])]
    assert claimed(api)["token"] == seat["token"]


def test_nothing_left_is_204(api):
    assert api.post(f"{V1}/assignments/").status_code == 204


def test_a_source_is_named_by_its_slug_and_unknown_ones_are_404(api, pair):
    make_pair(make_source("other"))
    assert claimed(api, source="other")["pair"]["source"] == "other"
    assert api.post(f"{V1}/assignments/", {"source": "nowhere"}, format="json").status_code == 404


def test_a_decision_is_201_and_the_same_key_gives_the_same_answer(api, pair):
    seat, key = claimed(api), uuid.uuid4()
    first, again = submit(api, seat, key), submit(api, seat, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.json()["verdict"] == "accept"
    assert Review.objects.count() == 1
    pair.refresh_from_db()
    assert pair.status == "accepted"


def test_the_same_key_with_another_body_is_422(api, pair):
    seat, key = claimed(api), uuid.uuid4()
    submit(api, seat, key)
    response = submit(api, seat, key, verdict="reject", reasons=["off_topic"])
    assert (response.status_code, response.json()["code"]) == (422, "same_key_other_body")


def test_a_key_is_needed_and_is_a_uuid(api, pair):
    seat = claimed(api)
    response = api.post(f"{V1}/pairs/{pair.pk}/reviews/", {}, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing")
    assert response["Content-Type"] == "application/problem+json"
    assert submit(api, seat, "1; drop table").json()["code"] == "idempotency_key_invalid"


def test_a_lost_seat_is_409(api, pair, make_user):
    seat = claimed(api)
    Assignment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    taken_over = claimed(client_of(make_user("reviewer", "other")))
    assert taken_over["pair"]["id"] == pair.pk
    response = submit(api, seat)
    assert (response.status_code, response.json()["code"]) == (409, "lost_seat")
    assert submit(client_of(make_user("reviewer", "third")), seat).status_code == 409
    assert not Review.objects.exists()


def test_a_failed_check_says_what_and_where(api, pair):
    response = submit(api, claimed(api), verdict="edit", output="请致电13812345678。")
    assert (response.status_code, response.json()["code"]) == (400, "check_failed")
    (finding,) = response.json()["findings"]
    assert (finding["code"], finding["field"], finding["spans"]) == ("mobile_number", "output", [[3, 14]])
    assert finding["message"] not in ("", "mobile_number")


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "undo"},
        {"verdict": "\ud800"},
        {"reasons": ["\ud800"], "verdict": "reject"},
        {"comment": "\udfff"},
        {"verdict": ["accept"]},
        {"output": "a\x00"},
        {"output": "\ud800"},
        {"output": "长" * 200_001, "verdict": "edit"},
        {"output": {"a": 1}},
        {"assignment": "x"},
        {"assignment": 2**80},
        {"token": "x"},
        {"reasons": "other"},
        {"reasons": [["x"]]},
        {"reasons": ["x"] * 50},
        {"verdict": "reject", "reasons": ["ugly"]},
        {"verdict": "reject"},
        {"draft": -1},
        {"draft": 10**15},
        {"seconds": "soon"},
        {"instruction": None},
        {"comment": "\x00", "verdict": "reject", "reasons": ["other"]},
    ],
)
def test_what_is_no_decision_is_400(api, pair, changes):
    response = submit(api, claimed(api), **changes)
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert not Review.objects.exists()


def test_bodies_that_are_no_objects_are_400(api, pair):
    for url in (f"{V1}/assignments/", f"{V1}/pairs/{pair.pk}/reviews/"):
        for body in ("[1]", '"x"', "{", "null"):
            response = api.post(url, body, content_type="application/json", headers={"Idempotency-Key": str(uuid.uuid4())})
            assert response.status_code in (201, 400), (url, body)


def test_a_rejection_need_not_send_the_texts(api, pair):
    seat = claimed(api)
    body = {"assignment": seat["id"], "token": seat["token"], "verdict": "reject", "reasons": ["boilerplate"]}
    response = api.post(f"{V1}/pairs/{pair.pk}/reviews/", body, format="json", headers={"Idempotency-Key": str(uuid.uuid4())})
    assert (response.status_code, response.json()["output"]) == (201, REPLY)


def test_undo_gives_the_seat_back_and_repeats_its_answer(api, pair):
    seat = claimed(api)
    review = submit(api, seat).json()
    undone, again = (api.post(f"{V1}/reviews/{review['id']}/undo/") for _ in range(2))
    assert (undone.status_code, undone.json()["undoes"]) == (201, review["id"])
    assert undone.content == again.content
    returned = claimed(api)
    assert (returned["id"], returned["pair"]["id"]) == (seat["id"], pair.pk)
    assert returned["token"] != seat["token"]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert api.post(f"{V1}/reviews/{review['id']}/undo/", headers=key).status_code == 409


def test_others_reviews_cannot_be_undone(api, pair, admin):
    review = submit(api, claimed(api)).json()
    assert client_of(admin).post(f"{V1}/reviews/{review['id']}/undo/").status_code == 404
    assert api.post(f"{V1}/reviews/{10**30}/undo/").status_code == 404


def test_skipping_is_204_twice_and_nothing_happens_to_the_seats_of_others(api, pair, make_user):
    seat = claimed(api)
    url = f"{V1}/assignments/{seat['id']}/"
    assert client_of(make_user("reviewer", "other")).delete(url).status_code == 204
    assert api.post(f"{url}renew/", {"token": seat["token"]}, format="json").status_code == 200
    assert (api.delete(url).status_code, api.delete(url).status_code) == (204, 204)
    submit(api, decided := claimed(api))
    assert api.delete(f"{V1}/assignments/{decided['id']}/").status_code == 409


def test_renewing_moves_the_end(api, pair):
    seat = claimed(api)
    Assignment.objects.update(expires_at=timezone.now() + timedelta(seconds=9))
    renewed = api.post(f"{V1}/assignments/{seat['id']}/renew/", {"token": seat["token"]}, format="json")
    assert (renewed.status_code, renewed.json()["token"]) == (200, seat["token"])
    assert renewed.json()["expires_at"] >= seat["expires_at"]
    assert api.post(f"{V1}/assignments/{seat['id']}/renew/", {"token": str(uuid.uuid4())}, format="json").status_code == 409


def test_pairs_are_found_by_status_source_and_any_two_characters(api, pair):
    other = make_pair(make_source("zhihu"), instruction="如何评价冰水？", output="很凉。")
    make_pair(make_source("secret"), instruction="看不见的冰水").source.reviewers.add(
        pair.source.reviewers.model.objects.create(username="x")
    )

    def ids(query):
        response = api.get(f"{V1}/pairs/?{query}")
        assert response.status_code == 200, response.content
        return {row["id"] for row in response.json()["results"]}

    assert ids("") == {pair.pk, other.pk}
    assert ids("search=冰水") == {pair.pk, other.pk}
    assert ids("search=很凉") == {other.pk}
    assert ids("search=%25%25") == set()
    assert ids("source=zhihu&status=pending") == {other.pk}
    assert ids("status=accepted") == set()
    assert ids("source=secret") == set()


@pytest.mark.parametrize(
    "query", ["status=lost", "search=水", "search=%00%00", "source=%00", "cursor=%00", "cursor=cD1hYmM%3D", "page_size=x"]
)
def test_odd_questions_are_no_server_errors(api, pair, query):
    assert api.get(f"{V1}/pairs/?{query}").status_code in (200, 400, 404)


def test_a_pair_of_a_source_of_others_is_404(api, pair, make_user):
    assert api.get(f"{V1}/pairs/{pair.pk}/").json()["instruction"] == pair.instruction
    seat = claimed(api)
    pair.source.reviewers.add(make_user("reviewer", "other"))
    assert api.get(f"{V1}/pairs/{pair.pk}/").status_code == 404
    assert submit(api, seat).status_code == 404
    assert api.post(f"{V1}/assignments/", {"source": "jokes"}, format="json").status_code == 404


@pytest.mark.parametrize(("who", "expected"), [("viewer", 403), ("", 401)])
def test_viewers_and_strangers_review_nothing(make_user, pair, who, expected):
    client = client_of(make_user(who)) if who else APIClient()
    for method, path in (
        ("get", "/pairs/"), ("get", f"/pairs/{pair.pk}/"), ("post", "/assignments/"), ("delete", "/assignments/1/"),
        ("post", "/assignments/1/renew/"), ("post", f"/pairs/{pair.pk}/reviews/"), ("post", "/reviews/1/undo/"),
    ):  # fmt: skip
        assert getattr(client, method)(V1 + path).status_code == expected, path
    assert not Assignment.objects.exists()


def test_a_session_works_too_and_needs_the_csrf_token(reviewer, pair):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(reviewer)
    assert client.get(f"{V1}/pairs/").status_code == 200
    assert client.post(f"{V1}/assignments/").status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    assert client.post(f"{V1}/assignments/", headers={"X-CSRFToken": "a" * 32}).status_code == 201
    assert Pair.objects.get().status == "pending"
