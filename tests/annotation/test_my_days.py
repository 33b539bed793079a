"""A reviewer's own numbers: on the review page, and day by day."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import desk
from annotation.models import Skip
from annotation.preferences import GOAL, goal_of
from tests.builders import make_draft, make_pair, make_review, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, reviewer):
    client.force_login(reviewer)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def done(reviewer, lead):
    """Three decisions and a skip of the reviewer, one of somebody else."""
    source = make_source()
    for verdict, seconds in (("accept", 10), ("edit", 20), ("reject", 30)):
        make_review(make_pair(source), by=reviewer, verdict=verdict, seconds=seconds, reasons=["other"] if verdict == "reject" else [])
    make_review(make_pair(source), by=lead, seconds=999)
    Skip.objects.create(pair=make_pair(source), reviewer=reviewer)
    return source


def test_the_page_has_ones_own_decisions_and_nobody_elses(page, done):
    text = page.get("/review/me/").text
    assert "Today: 1 accepted, 1 edited, 1 rejected, 1 skipped" in text
    assert "26 min more at this pace" in text  # 76 to the goal of 80, 20 s each
    assert "Your decisions per day in 30 days: 3 in all" in text
    assert "999" not in text
    assert "style=" not in text


def test_days_are_summed_from_the_log_and_count_what_stands(reviewer, done):
    found = desk.days(reviewer, 3)
    assert [one.day for one in found] == [timezone.localdate() - timedelta(days=n) for n in range(3)]
    assert (found[0].accept, found[0].edit, found[0].reject, found[0].seconds) == (1, 1, 1, 20)
    assert found[1].decided == 0
    review = reviewer.reviews.first()
    make_review(review.pair, by=reviewer, verdict="undo", undoes=review)
    assert desk.days(reviewer, 1)[0].decided == 2


def test_ones_days_are_one_query_whatever_their_number(reviewer, done, django_assert_num_queries):
    with django_assert_num_queries(1):
        desk.days(reviewer, 30)


def test_a_goal_is_one_of_a_few_and_kept_for_the_account(page, reviewer):
    assert goal_of(reviewer.preferences) == GOAL
    assert page.post("/review/me/goal/", {"goal": "40"}).url == "/review/me/"
    reviewer.refresh_from_db()
    assert goal_of(reviewer.preferences) == 40
    for wrong in ("41", "", "-40", "abc"):
        assert page.post("/review/me/goal/", {"goal": wrong}).status_code == 400
    assert goal_of({"goal": [1]}) == goal_of({"goal": "80"}) == GOAL


def test_the_review_page_counts_toward_the_goal(page, reviewer, done):
    reviewer.preferences["goal"] = 20
    reviewer.save()
    text = page.get("/review/").text
    assert '<b id="day-done">4</b><span>of 20 today</span>' in text
    assert "20 s in the middle; at this pace 6 min more to the goal." in text
    assert desk.today(reviewer).minutes_to(4) == 0


def test_only_who_reviews_has_days(client, viewer):
    client.force_login(viewer)
    assert client.get("/review/me/").status_code == 403
    assert 'href="/review/me/"' not in client.get("/datasets/").text


def test_a_page_that_is_not_for_the_role_names_the_role_and_tells_the_script_so(page, reviewer):
    answer = page.get("/team/")
    assert answer.status_code == 403
    assert "This page is not for your role" in answer.text
    assert "reviewer, with the role “Reviewer”" in answer.text
    assert answer["X-Refused"] == "role"


def test_an_item_with_several_drafts_opens(page):
    pair = make_pair(make_source())
    for text in ("保的是冰水的温。", "保的是空气的温。"):
        make_draft(pair, output=text)
    answer = page.get("/review/")
    assert answer.status_code == 200
    assert answer.text.count('class="cand') >= 2
