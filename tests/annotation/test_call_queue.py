"""The calls that want a person, on the page and by the API: which they are, and what can be done."""

from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiToken
from annotation import call_queue
from annotation.models import ModelCall, Pair
from tests.annotation.ledger_rows import make_call, make_draft_run
from tests.annotation.test_draft_views import HOSTILE, page  # noqa: F401
from tests.builders import make_pair, make_source

pytestmark = pytest.mark.django_db
CALLS = "/drafting/calls/"


def failed_pair(run, failure="truncated", **fields):
    return make_pair(run.source, status="failed", failure=failure, **fields)


def codes(kind):
    return sorted(call.code for call in call_queue.queue(ModelCall.objects.all(), kind))


@pytest.fixture
def hinted(monkeypatch):
    told = []
    monkeypatch.setattr("annotation.call_views.send_hint", lambda task, pk: told.append(pk))
    return told


def test_each_kind_holds_what_it_says():
    run = make_draft_run()
    make_call(run, state="unknown", error_code="timeout")
    pair = failed_pair(run)
    make_call(run, pair, state="failed", error_code="rate_limited")
    make_call(run, pair, outcome="truncated")
    make_call(run, failed_pair(run, "bad_request"), state="failed", error_code="bad_request")
    drafted = make_pair(run.source)
    make_call(run, drafted, outcome="refused")
    make_call(run, drafted, draft="好稿")
    assert codes("unknown") == ["timeout"]
    assert codes("without") == ["bad_request", "truncated"]
    assert codes("attempts") == ["bad_request", "rate_limited"]
    assert call_queue.counts(ModelCall.objects.all()) == {"unknown": 1, "without": 2, "attempts": 2}


def test_groups_say_how_many_and_what_is_set_aside():
    run = make_draft_run()
    for _ in range(3):
        make_call(run, state="unknown", error_code="timeout", reserved=Decimal("0.2"))
    make_call(run, state="unknown", error_code="worker_lost")
    groups = call_queue.groups(ModelCall.objects.all(), "unknown")
    assert [(group.code, group.count, group.held) for group in groups] == [
        ("timeout", 3, Decimal("0.6")),
        ("worker_lost", 1, Decimal(0)),
    ]


def test_the_page_says_what_happened_and_what_to_do_and_shows_hostile_text_as_text(page):  # noqa: F811
    run = make_draft_run(make_source(slug="s", name=HOSTILE))
    make_call(run, failed_pair(run, instruction=HOSTILE), outcome="truncated", error_detail=HOSTILE)
    text = page.get(CALLS).text
    assert "cut off at the length limit" in text
    assert "higher max_tokens" in text
    assert "<script>alert" not in text
    assert text.count("SECRET_KEY }}") == 4  # source in the filter and the row, instruction, detail


def test_an_empty_queue_says_so(page):  # noqa: F811
    assert "No call is of unknown fate" in page.get(CALLS).text
    assert "No attempt has failed" in page.get(CALLS + "?kind=attempts").text


@pytest.mark.parametrize("asked", ["kind=x", "run=x", "run=9999999999999999999", "code=%00", "source=%00", "model=%00", "page=x", "days=7"])
def test_what_makes_no_sense_is_no_error(page, asked):  # noqa: F811
    make_call(make_draft_run(), state="unknown", error_code="timeout")
    assert page.get(f"{CALLS}?{asked}").status_code == 200


def test_filters_narrow_the_list(page):  # noqa: F811
    one, two = make_draft_run(make_source(slug="one")), make_draft_run(make_source(slug="two"), model_names=["m-2"])
    a, b = make_call(one, state="unknown", error_code="timeout"), make_call(two, state="unknown", error_code="worker_lost")
    for asked, shown, hidden in [
        ("source=one", a, b), ("model=m-2", b, a), (f"run={two.pk}", b, a), ("code=timeout", a, b),
    ]:  # fmt: skip
        text = page.get(f"{CALLS}?kind=unknown&{asked}").text
        assert str(shown.attempt_id) in text
        assert str(hidden.attempt_id) not in text
    assert str(a.attempt_id) not in page.get(f"{CALLS}?kind=unknown&days=30").text  # they were sent in March


def test_the_chosen_calls_are_released_and_their_runs_told(page, hinted):  # noqa: F811
    run = make_draft_run()
    first, second, third = (make_call(run, failed_pair(run, "unknown_call"), state="unknown", error_code="timeout") for _ in range(3))
    answer = page.post(CALLS + "release/", {"call": [first.pk, third.pk, "x", "9" * 30]}, follow=True)
    assert "2 calls are sent again" in answer.text
    assert [call.state for call in ModelCall.objects.filter(pk__in=[first.pk, second.pk, third.pk])] == ["failed", "unknown", "failed"]
    assert ModelCall.objects.filter(state="queued").count() == 2
    assert hinted == [run.pk, run.pk]
    again = page.post(CALLS + "release/", {"call": [first.pk]}, follow=True)
    assert "not of unknown fate any more" in again.text
    assert ModelCall.objects.filter(state="queued").count() == 2
    assert "Choose the calls first" in page.post(CALLS + "release/", follow=True).text


RELEASE = "/api/v1/model-calls/release/"


def test_by_the_api_many_are_released_once_and_the_rest_goes_on(admin, monkeypatch):
    told, run = [], make_draft_run()
    monkeypatch.setattr("annotation.call_api.send_hint", lambda task, pk: told.append(pk))
    first, second, over = (make_call(run, failed_pair(run, "unknown_call"), state=state) for state in ("unknown", "unknown", "done"))
    client = APIClient()
    client.force_authenticate(admin)
    asked = {"calls": [second.pk, over.pk, first.pk, first.pk, 2**62]}
    said = client.post(RELEASE, asked, format="json").json()
    assert said["released"] == [first.pk, second.pk]
    assert [each["call"] for each in said["refused"]] == [over.pk]
    assert (told, ModelCall.objects.filter(state="queued").count()) == ([run.pk], 2)
    assert client.post(RELEASE, asked, format="json").json()["released"] == []
    assert ModelCall.objects.filter(state="queued").count() == 2, "nothing is paid twice for asking twice"


@pytest.mark.parametrize("wrong", [{}, {"calls": []}, {"calls": ["1"]}, {"calls": [0]}, {"calls": [2**63]}, {"calls": [1] * 501}])
def test_by_the_api_what_names_no_calls_is_refused(admin, lead, wrong):
    client = APIClient()
    client.force_authenticate(admin)
    assert client.post(RELEASE, wrong, format="json").json()["code"] == "invalid"
    client.force_authenticate(lead)
    assert client.post(RELEASE, {"calls": [1]}, format="json").status_code == 403


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_only_admins_see_and_release(client, make_user, role):
    client.force_login(make_user(role))
    for url in (CALLS, "/drafting/costs/", "/drafting/scorecard/"):
        assert client.get(url).status_code == 403
    assert client.post(CALLS + "release/", {"call": [1]}).status_code == 403


def test_the_api_tells_the_same(client, admin, reviewer):
    run = make_draft_run(make_source(slug="s"))
    call = make_call(run, failed_pair(run), outcome="truncated", cost=Decimal("0.25"))
    headers = {"Authorization": f"Bearer {ApiToken.issue(admin, 't')[1]}"}
    found = client.get("/api/v1/model-calls/?kind=without&source=s", headers=headers).json()["results"]
    assert [(row["id"], row["code"], row["run"]) for row in found] == [(call.pk, "truncated", run.pk)]
    (line,) = client.get("/api/v1/costs/", headers=headers).json()
    assert (line["source"], line["month"], line["amounts"], line["calls"]) == ("s", "2026-03-01", {"CNY": "0.250000"}, 1)
    (score,) = client.get("/api/v1/scorecard/?source=s", headers=headers).json()
    assert (score["source"], score["decided"], score["unchanged_share"], score["cost_per_row"]) == ("s", 0, None, None)
    bad = client.get("/api/v1/model-calls/?kind=all", headers=headers)
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid")
    stranger = {"Authorization": f"Bearer {ApiToken.issue(reviewer, 't')[1]}"}
    for path in ("model-calls/?kind=unknown", "costs/", "scorecard/"):
        assert client.get(f"/api/v1/{path}", headers=stranger).status_code == 403
    assert Pair.objects.count() == 1
