"""How often a check found something, and how often that was overruled: the page for leads, the filter of the list, the API."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotation import check_stats, reviewing
from annotation.models import Review
from tests.builders import make_draft, make_pair, make_review, make_source

pytestmark = pytest.mark.django_db
PAGE, ITEMS = reverse("annotation:checks"), reverse("annotation:items")
FLAWED, PLAIN = "影子没有质量,所以不会变重。", "影子没有质量，所以不会变重。"


@pytest.fixture
def source(db):
    return make_source("ruozhiba", name="弱智吧")


def decide(reviewer, source, verdict, output=FLAWED, text=None, **more):
    pair = make_pair(source, output=output)
    make_draft(pair)
    seat = reviewing.claim(reviewer, pair_id=pair.pk)
    texts = {"instruction": pair.instruction, "input": "", "output": text or output}
    sent = {"assignment": seat.pk, "token": seat.token, "op_id": uuid.uuid4(), "verdict": verdict, **texts, **more}
    return reviewing.decide(pair.pk, by=reviewer, **sent)


def counts(user, name="half_width", slug=""):
    row = next(row for row in check_stats.table(user, slug) if row.name == name)
    return row.total.hits, row.total.bypassed


def test_a_warning_is_found_whatever_the_decision_and_overruled_when_the_text_is_kept(source, reviewer, lead):
    decide(reviewer, source, "accept")
    decide(reviewer, source, "reject", reasons=["boilerplate"])
    decide(reviewer, source, "edit", text=PLAIN)
    decide(reviewer, source, "accept", output=PLAIN)
    assert counts(lead) == (3, 1)
    assert counts(lead, "brackets") == (0, 0)


def test_what_an_edit_brings_in_counts_too_and_what_is_taken_back_does_not(source, reviewer, lead):
    review = decide(reviewer, source, "edit", output=PLAIN, text=FLAWED)
    assert (review.bypassed, counts(lead)) == (["half_width"], (1, 1))
    reviewing.undo(review.pk, by=reviewer, op_id=uuid.uuid4())
    assert counts(lead) == (0, 0)


def test_an_undo_brings_back_the_texts_although_the_log_keeps_what_was_found_with_them(source, reviewer):
    review = decide(reviewer, source, "accept")
    assert review.before["found"] == ["half_width"]
    reviewing.undo(review.pk, by=reviewer, op_id=uuid.uuid4())
    review.pair.refresh_from_db()
    assert (review.pair.output, review.pair.status) == (FLAWED, "pending")


def test_decisions_of_an_earlier_release_count_with_what_they_overruled(source, reviewer, lead):
    make_review(make_pair(source), by=reviewer, bypassed=["half_width", "a_check_that_is_gone"])
    assert counts(lead) == (1, 1)


def test_each_source_is_counted_apart(source, reviewer, lead):
    decide(reviewer, source, "accept")
    decide(reviewer, make_source("zhihu", name="知乎"), "accept")
    assert (counts(lead), counts(lead, slug="zhihu")) == ((2, 2), (1, 1))
    row = next(row for row in check_stats.table(lead) if row.name == "half_width")
    assert {name: count.hits for name, count in row.sources.items()} == {"弱智吧": 1, "知乎": 1}


def test_a_week_has_its_own_count(source, reviewer, lead, monkeypatch):
    decide(reviewer, source, "accept")
    weeks = next(row for row in check_stats.table(lead) if row.name == "half_width").weeks
    assert [week.hits for week in weeks] == [0] * 7 + [1]
    later = timezone.localdate() + timedelta(weeks=1)
    monkeypatch.setattr(check_stats.timezone, "localdate", lambda: later)
    weeks = next(row for row in check_stats.table(lead) if row.name == "half_width").weeks
    assert [week.hits for week in weeks] == [0] * 6 + [1, 0]


def test_a_share_of_few_is_none():
    assert [check_stats.Count(hits, 15).rate for hits in (29, 30)] == [None, 50]


def test_the_page_tells_leads_what_each_check_looks_for_and_links_to_the_items(client, source, reviewer, lead):
    review = decide(reviewer, source, "accept")
    client.force_login(lead)
    html = client.get(PAGE).content.decode()
    assert "汉字之间的半角标点。" in html
    assert f'href="{ITEMS}?check=half_width"' in html
    found = client.get(ITEMS, {"check": "half_width", "overruled": "on"}).content.decode()
    assert f"#{review.pair_id}<" in found
    client.force_login(reviewer)
    assert client.get(PAGE).status_code in (403, 404)


def test_the_list_tells_found_from_overruled(client, source, reviewer, lead):
    kept, rejected = decide(reviewer, source, "accept"), decide(reviewer, source, "reject", reasons=["boilerplate"])
    client.force_login(lead)
    found = client.get(ITEMS, {"check": "half_width"}).content.decode()
    assert all(f"#{review.pair_id}<" in found for review in (kept, rejected))
    overruled = client.get(ITEMS, {"check": "half_width", "overruled": "on"}).content.decode()
    assert [f"#{review.pair_id}<" in overruled for review in (kept, rejected)] == [True, False]
    assert f"#{kept.pair_id}<" not in client.get(ITEMS, {"check": "brackets"}).content.decode()


def test_the_api_gives_the_same(source, reviewer, lead):
    kept, rejected = decide(reviewer, source, "accept"), decide(reviewer, source, "reject", reasons=["boilerplate"])
    api = APIClient()
    api.force_authenticate(lead)
    row = next(row for row in api.get("/api/v1/checks/").json() if row["name"] == "half_width")
    assert (row["total"], row["blocks"]) == ({"hits": 2, "bypassed": 1}, False)
    numbers = [pair["id"] for pair in api.get("/api/v1/pairs/", {"check": "half_width"}).json()["results"]]
    assert sorted(numbers) == sorted([kept.pair_id, rejected.pair_id])
    overruled = api.get("/api/v1/pairs/", {"check": "half_width", "overruled": "true"}).json()["results"]
    assert [pair["id"] for pair in overruled] == [kept.pair_id]
    assert api.get("/api/v1/pairs/", {"check": "no_such_check"}).status_code == 400
    api.force_authenticate(reviewer)
    assert api.get("/api/v1/checks/").status_code == 403


def test_a_bypass_is_what_the_log_says_so_it_cannot_be_changed(source, reviewer):
    review = decide(reviewer, source, "accept")
    assert Review.objects.get(pk=review.pk).bypassed == ["half_width"]
