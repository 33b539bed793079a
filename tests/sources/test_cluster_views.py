"""Near-duplicates side by side: what people say about them holds, at once and when everything is screened again."""

import itertools
from contextlib import closing

import pytest
from django.db import connection
from django.utils import translation

from accounts.models import AuditEntry
from sources import duplicates, screening
from sources.models import Apart, Post
from tests.builders import make_pair, make_post, make_review, make_run, make_source
from tests.sources.test_views import text_of

pytestmark = pytest.mark.django_db
NEAR = [{"screen": "near_duplicate"}]
CUPS = [
    "保温杯里装冰水，它该保谁的温？",
    "保溫杯裏裝冰水，它該保誰的溫😂",
    "保温杯里装了冰水，它该保谁的温",
    "保温壶里装冰水，它该保谁的温？",
]


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
def cups():
    return filled(make_source("a", screens=NEAR), CUPS, votes=9)


def filled(source, titles, votes):
    run = make_run(source, created=len(titles))
    posts = [make_post(source, run=run, row=row, title=title, votes=votes - row) for row, title in enumerate(titles, 1)]
    screening.screen(source)
    return posts


def fates(posts):
    return [(post.status, post.drop_reason, post.drop_value) for post in (Post.objects.get(pk=post.pk) for post in posts)]


def kept(posts):
    return [n for n, (status, *_) in enumerate(fates(posts)) if status == "kept"]


def decide(client, **data):
    return text_of(client.post("/sources/a/clusters/decide/", data, follow=True))


def again(source):
    screening.rescreen(source, by=None)
    screening.screen(source)


def test_clusters_are_shown_with_their_members_of_all_sources_and_the_one_that_stays(as_admin, cups):
    other = filled(make_source("b", name="别的来源", screens=NEAR), ["保温杯里面装冰水，它该保谁的温？"], votes=99)
    page = text_of(as_admin.get("/sources/a/clusters/"))
    assert all(title in page for title in [*CUPS, other[0].title, "别的来源"])
    assert page.count("Stays") == 1
    assert kept([*cups, *other]) == [4]
    assert "5 posts" in page
    assert text_of(as_admin.get(f"/sources/b/clusters/?post={other[0].pk}")).count("<article") == 5


def test_another_one_can_be_chosen_and_stays_when_all_is_screened_again(as_admin, admin, cups):
    assert kept(cups) == [0]
    assert "This one stays" in decide(as_admin, choose=cups[2].pk)
    for _ in range(2):
        assert kept(cups) == [2]
        assert {value for status, _reason, value in fates(cups) if status == "dropped"} == {str(cups[2].pk)}
        again(cups[0].source)
    assert "Chosen by admin" in text_of(as_admin.get("/sources/a/clusters/"))
    decide(as_admin, choose=cups[1].pk)
    assert kept(cups) == [1]
    assert list(Post.objects.filter(chosen_by=admin)) == [cups[1]]
    assert "The votes decide again" in decide(as_admin, withdraw=cups[1].pk)
    assert kept(cups) == [0]
    said = list(AuditEntry.objects.exclude(action="source_rescreened").order_by("pk").values_list("action", flat=True))
    assert said == ["duplicate_chosen", "duplicate_chosen", "duplicate_choice_withdrawn"]


def test_posts_can_be_told_apart_and_put_together_again(as_admin, cups):
    assert "no duplicates of the others" in decide(as_admin, apart="1", member=[cups[3].pk])
    for _ in range(2):
        assert kept(cups) == [0, 3]
        again(cups[0].source)
    page = text_of(as_admin.get("/sources/a/clusters/"))
    assert page.count('name="together"') == 3
    for apart in list(Apart.objects.all()):
        decide(as_admin, together=apart.pk)
    assert kept(cups) == [0]
    assert not Apart.objects.exists()


@pytest.mark.slow
def test_what_stays_does_not_depend_on_the_order_in_which_sources_are_screened(admin):
    for order in itertools.permutations(range(4)):
        sources = [make_source(screens=NEAR) for _ in CUPS]
        posts = [make_post(source, title=title, votes=votes) for source, title, votes in zip(sources, CUPS, (5, 9, 1, 7), strict=True)]
        Post.objects.filter(pk=posts[2].pk).update(chosen_by=admin)
        Apart.objects.bulk_create(Apart(one=posts[n], other=posts[3]) for n in range(3))
        for n in order:
            screening.screen(sources[n])
        assert kept(posts) == [2, 3], order
        Post.objects.all().delete()


def test_a_reviewed_pair_is_not_lost_when_another_post_is_chosen(as_admin, cups, reviewer):
    make_review(make_pair(post=Post.objects.get(pk=cups[0].pk)), by=reviewer)
    decide(as_admin, choose=cups[1].pk)
    assert kept(cups) == [0, 1]
    again(cups[0].source)
    assert kept(cups) == [0, 1]


def test_where_further_screens_compare_posts_those_that_come_back_are_compared_by_them_too(as_admin):
    posts = filled(make_source("a", screens=[*NEAR, {"screen": "best", "count": 1}]), CUPS, votes=9)
    decide(as_admin, apart="1", member=[posts[3].pk])
    assert fates(posts)[3][0] == "new"
    screening.screen(posts[0].source)
    assert fates(posts)[3][:2] == ("dropped", "not_among_best")
    assert kept(posts) == [0]


def test_what_has_changed_meanwhile_is_said(as_admin, cups):
    lonely = make_post(cups[0].source, title="影子会不会怕黑", status="kept")
    for data in ({"choose": lonely.pk}, {"withdraw": cups[1].pk}, {"apart": "1"}, {"apart": "1", "member": [lonely.pk]}, {"together": 9}):
        assert "Look at it again" in decide(as_admin, **data), data
    assert kept(cups) == [0]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_decided_while_posts_are_being_screened(admin):
    posts = filled(make_source("a", screens=NEAR), CUPS, votes=9)
    with closing(connection.copy()) as elsewhere, elsewhere.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [screening.ADVISORY, posts[0].source_id])
        with pytest.raises(screening.StaleState):
            duplicates.choose(Post.objects.get(pk=posts[1].pk), by=admin)
    assert kept(posts) == [0]
    assert not Post.objects.filter(chosen_by__isnull=False).exists()


def test_an_exact_duplicate_is_shown_beside_the_post_that_it_repeats(as_admin):
    posts = filled(make_source("a", screens=[{"screen": "duplicate"}]), [CUPS[0], "x"], votes=3)
    Post.objects.filter(pk=posts[1].pk).update(status="dropped", drop_reason="duplicate", drop_value=str(posts[0].pk))
    listed = text_of(as_admin.get("/sources/a/posts/?reason=duplicate"))
    assert f"/sources/a/clusters/?post={posts[1].pk}" in listed
    page = text_of(as_admin.get(f"/sources/a/clusters/?post={posts[1].pk}"))
    assert page.count("<article") == 2
    assert 'name="choose"' not in page


@pytest.mark.parametrize("query", ["?post=x", "?post=999", "?post=%00"])
def test_what_is_not_there_is_not_found(as_admin, cups, query):
    assert as_admin.get(f"/sources/a/clusters/{query}").status_code == 404
    assert as_admin.post("/sources/a/clusters/decide/", {"choose": "x"}).status_code == 404


def test_leads_look_and_admins_decide(client, lead, cups):
    client.force_login(lead)
    page = client.get("/sources/a/clusters/")
    assert page.status_code == 200
    assert b'name="choose"' not in page.content
    assert client.post("/sources/a/clusters/decide/", {"choose": cups[1].pk}).status_code == 403
