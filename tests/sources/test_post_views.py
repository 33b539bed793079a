"""The list of posts: what it counts, and keeping dropped posts after all, one, many or all that match."""

import pytest
from django.utils import translation

from accounts.models import AuditEntry
from sources import rescuing, screening
from sources.models import Post, Rescue
from tests.builders import make_pair, make_post, make_review, make_run, make_source
from tests.sources.test_views import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


@pytest.fixture
def source():
    return make_source("a")


@pytest.fixture
def lost(source):
    run = make_run(source, created=5)
    reasons = ["too_short", "too_short", "too_few_votes", "duplicate", ""]
    return [
        make_post(
            source, run=run, row=n, title=f"第{n}条", status="dropped" if why else "kept", drop_reason=why, drop_value=str(n) if why else ""
        )
        for n, why in enumerate(reasons, 1)
    ]


def statuses(source):
    return list(source.posts.order_by("row").values_list("status", flat=True))


def rescue(client, **data):
    return client.post("/sources/a/posts/rescue/", data)


def undo(client, **data):
    return client.post(f"/sources/rescues/{Rescue.objects.latest('pk').pk}/undo/", data, follow=True)


def test_one_is_kept_by_its_button_says_so_and_offers_to_undo_it(as_admin, admin, source, lost):
    answer = rescue(as_admin, one=lost[0].pk, next="/sources/a/posts/?status=dropped&page=2")
    act = Rescue.objects.get()
    assert answer.headers["Location"] == f"/sources/a/posts/?status=dropped&page=2&rescued={act.pk}"
    assert statuses(source) == ["kept", "dropped", "dropped", "dropped", "kept"]
    page = text_of(as_admin.get(answer.headers["Location"]))
    assert "1 post is kept and goes on to drafting" in page
    assert f"/sources/rescues/{act.pk}/undo/" in page
    page = text_of(undo(as_admin, next=answer.headers["Location"]))
    assert "dropped again, as it was" in page
    assert f"/sources/rescues/{act.pk}/undo/" not in page
    lost[0].refresh_from_db()
    assert (lost[0].status, lost[0].drop_reason, lost[0].drop_value, lost[0].rescued_by) == ("dropped", "too_short", "1", None)
    assert "undone already" in text_of(undo(as_admin))
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["posts_rescued", "rescue_undone"]


def test_those_that_are_ticked(as_admin, source, lost):
    rescue(as_admin, post=[lost[0].pk, lost[2].pk, lost[4].pk])
    assert statuses(source) == ["kept", "dropped", "kept", "dropped", "kept"]
    assert Rescue.objects.get().count == 2
    undo(as_admin)
    assert statuses(source) == ["dropped"] * 4 + ["kept"]
    assert list(source.posts.order_by("row").values_list("drop_value", flat=True)) == ["1", "2", "3", "4", ""]


@pytest.mark.parametrize(
    ("query", "kept"), [("reason=too_short", 2), ("status=dropped", 4), ("search=第3条", 1), ("status=kept", 0), ("reason=nothing", 0)]
)
def test_all_that_match_the_filters(as_admin, source, lost, query, kept):
    page = text_of(as_admin.get(f"/sources/a/posts/?{query}"))
    assert ("that match" in page) == (kept > 0)
    rescue(as_admin, act="all", query=query)
    assert source.posts.filter(status="kept").count() == 1 + kept
    assert sum(act.count for act in Rescue.objects.all()) == kept


def test_all_of_one_import(as_admin, source, lost):
    other = make_post(source, status="dropped", drop_reason="too_short")
    assert text_of(as_admin.get(f"/sources/a/posts/?run={other.run_id}")).count('name="post"') == 1
    rescue(as_admin, act="all", query=f"run={other.run_id}")
    assert Post.objects.get(rescued_by__isnull=False) == other
    assert as_admin.get("/sources/a/posts/?run=999").status_code == 404


def test_nothing_of_another_source_and_nothing_that_is_no_id(as_admin, source, lost):
    other = make_post(make_source("b"), status="dropped", drop_reason="too_short")
    for data in (
        {"one": other.pk},
        {"one": "x"},
        {"post": [other.pk, "'", "9" * 30]},
        {"act": "ticked"},
        {"act": "all", "query": "run=1;"},
    ):
        assert rescue(as_admin, **data).status_code == 302
    other.refresh_from_db()
    assert other.status == "dropped"


@pytest.mark.parametrize(
    "where", ["//evil.example/", "https://evil.example", "/sources/a/posts/?x=\r\nSet-Cookie: a=b", "javascript:alert(1)"]
)
def test_the_way_back_stays_on_this_site(as_admin, source, lost, where):
    answer = rescue(as_admin, one=lost[0].pk, next=where)
    assert answer.headers["Location"].startswith("/sources/a/posts/?")
    assert "Set-Cookie: a" not in str(answer.headers)


def test_what_people_decided_about_since_stays_when_a_rescue_is_undone(as_admin, source, lost, reviewer):
    rescue(as_admin, act="all", query="status=dropped")
    make_review(make_pair(post=Post.objects.get(pk=lost[0].pk)), by=reviewer)
    page = text_of(undo(as_admin))
    assert "3 posts are dropped again" in page
    assert "1 stays" in page
    assert statuses(source) == ["kept", "dropped", "dropped", "dropped", "kept"]


def test_a_near_duplicate_goes_back_to_its_cluster(source, admin):
    run = make_run(source, created=2)
    better = make_post(source, run=run, row=1, status="kept")
    fell = make_post(source, run=run, row=2, status="dropped", drop_reason="near_duplicate", drop_value=str(better.pk), cluster=better)
    act = rescuing.rescue_one(fell, by=admin)
    assert fell.cluster is None
    rescuing.undo(act, by=admin)
    fell.refresh_from_db()
    assert (fell.cluster, fell.drop_value) == (better, str(better.pk))


def test_too_many_at_once_are_refused(as_admin, source, lost, monkeypatch):
    monkeypatch.setattr(rescuing, "MOST", 3)
    rescue(as_admin, act="all", query="status=dropped")
    assert statuses(source) == ["dropped"] * 4 + ["kept"]
    assert "Narrow the list down" in text_of(as_admin.get("/sources/a/posts/"))


def test_what_was_rescued_stays_kept_when_everything_is_screened_again(source, lost, admin):
    source.screens = [{"screen": "length", "min": 9}]
    source.save()
    rescuing.rescue(source, Post.objects.filter(pk=lost[0].pk), by=admin)
    screening.rescreen(source, by=admin)
    screening.screen(source)
    assert statuses(source) == ["kept", "dropped", "dropped", "dropped", "dropped"]
