"""A preview says what screening again would change, by the same screens, and changes nothing."""

from collections import Counter

import pytest
from django.db import transaction
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from accounts.models import User
from sources import previewing, screening
from sources.cleaning import content_hash
from sources.models import Apart, Post, Preview
from sources.screens import BadScreen
from tests.builders import make_pair, make_post, make_review, make_run, make_screened_source, make_source
from tests.sources.test_screen_views import sent

pytestmark = pytest.mark.django_db
TITLES = [
    "保温杯里装冰水，它该保谁的温？",
    "保温壶里装冰水，它该保谁的温？",
    "保溫杯裏裝冰水，它該保誰的溫😂",
    "加微信号：zhumo_2026",
    "短",
    "影子会不会怕黑",
    "影子会不会怕黑？",
    "<b>影子</b>会不会怕黑",
    "電梯裏為什麼要裝鏡子",
]
SCREENS = [
    {"screen": "duplicate"},
    {"screen": "length", "min": 3},
    {"screen": "votes", "min": 3},
    {"screen": "personal_data"},
    {"screen": "personal_data", "drop": True},
    {"screen": "residue", "clean": True},
    {"screen": "language", "convert": True},
    {"screen": "near_duplicate"},
    {"screen": "near_duplicate", "across": False},
    {"screen": "best", "count": 3},
    {"screen": "per_question", "most": 1},
]
HELD = ["", "", "rescued", "reviewed", "pair", "chosen"]
POSTS = st.lists(st.tuples(st.sampled_from(TITLES), st.integers(0, 5), st.sampled_from(HELD)), max_size=14)
SETTINGS = st.lists(st.sampled_from(SCREENS), max_size=4)
OTHERS = st.lists(st.tuples(st.sampled_from(TITLES), st.integers(0, 9), st.just("")), max_size=3)


def previewed(source, screens):
    preview = previewing.order(source, screens, by=None)
    previewing.run_preview(preview.pk)
    preview.refresh_from_db()
    assert preview.state == "succeeded", preview.error_detail
    return preview


def state(source):
    return {post.pk: (post.status, post.drop_reason) for post in source.posts.all()}


@pytest.mark.slow
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(data=POSTS, before=SETTINGS, after=SETTINGS, others=OTHERS)
def test_what_is_said_is_what_screening_again_does(data, before, after, others):
    with transaction.atomic():
        _say_and_do(data, before, after, others)
        transaction.set_rollback(True)


def _say_and_do(data, before, after, others):
    other, source = _filled([{"screen": "near_duplicate"}], others), _filled(before, data)
    was, others_were = state(source), state(other)
    said = previewed(source, after).result
    assert (state(source), state(other)) == (was, others_were)
    source.screens = after
    source.save()
    screening.rescreen(source, by=None)
    screening.screen(source)
    moved = Counter((was[pk], now) for pk, now in state(source).items() if was[pk] != now)
    assert {(tuple(c["before"]), tuple(c["after"])): c["count"] for c in said["changes"]} == moved
    assert said["same"] == len(was) - moved.total()
    assert said["elsewhere"] == sum(others_were[pk][0] == "kept" and now[0] == "dropped" for pk, now in state(other).items())
    for change in said["changes"]:
        assert all(was[pk] == tuple(change["before"]) for pk in change["posts"])


def _filled(screens, data):
    source, by = make_source(screens=screens), User.objects.get_or_create(username="somebody")[0]
    run = make_run(source, created=len(data))
    for row, (title, votes, _) in enumerate(data, 1):
        make_post(source, run=run, row=row, title=title, content_hash=content_hash(title, "", ""), votes=votes)
    screening.screen(source)
    for post, (_, _, held) in zip(source.posts.order_by("pk"), data, strict=True):
        if held == "rescued":
            Post.objects.filter(pk=post.pk).update(status="kept", drop_reason="", drop_value="", cluster=None, rescued_by=by)
        elif held == "chosen":
            Post.objects.filter(pk=post.pk).update(chosen_by=by)
        elif held and post.status == "kept":
            pair = make_pair(post=post)
            if held == "reviewed":
                make_review(pair, by=by)
    return source


def test_a_reviewed_post_that_fell_stays_and_further_screens_compare_what_it_fell_to():
    with transaction.atomic():
        fell = [(TITLES[7], 5, "pair"), (TITLES[6], 0, "reviewed"), (TITLES[6], 4, "chosen")]
        near = {"screen": "near_duplicate", "across": False}
        _say_and_do(fell, [], [near, {"screen": "residue", "clean": True}, {"screen": "per_question", "most": 1}], [])
        transaction.set_rollback(True)


def test_settings_that_no_screen_knows_are_refused_and_a_cancelled_one_is_not_worked_off():
    source = make_post().source
    with pytest.raises(BadScreen):
        previewing.order(source, [{"screen": "lenght"}], by=None)
    preview = previewing.order(source, [], by=None)
    assert previewing.cancel(preview)
    assert not previewing.cancel(preview)
    previewing.run_preview(preview.pk)
    assert Preview.objects.get().state == "cancelled"


def test_posts_told_apart_stay_apart_in_the_preview():
    source = make_source(screens=[])
    run = make_run(source, created=2)
    one, other = (make_post(source, run=run, row=row, title=TITLES[row - 1]) for row in (1, 2))
    screening.screen(source)
    near = [{"screen": "near_duplicate"}]
    assert [change["count"] for change in previewed(source, near).result["changes"]] == [1]
    Apart.objects.create(one=one, other=other)
    assert previewed(source, near).result == {"same": 2, "changes": [], "elsewhere": 0}


class TestPages:
    @pytest.fixture
    def as_admin(self, client, admin):
        client.force_login(admin)
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
        return client

    @pytest.fixture
    def source(self):
        return make_screened_source()

    def test_the_effect_is_shown_before_anything_is_saved_and_then_done(self, as_admin, source):
        data = {**sent([{"screen": "votes", "min": 3}]), "act": "preview"}
        answer = as_admin.post("/sources/a/screens/", data)
        preview = Preview.objects.get()
        assert answer.headers["Location"] == f"/sources/previews/{preview.pk}/"
        assert 'hx-trigger="every 1s"' in as_admin.get(answer.headers["Location"]).content.decode()
        previewing.run_preview(preview.pk)
        page = as_admin.get(answer.headers["Location"]).content.decode()
        assert "Would be dropped" in page
        assert "影子会不会怕黑" in page
        assert "Save these screens and screen again" in page
        assert as_admin.get(f"/sources/previews/{preview.pk}/progress/").headers["HX-Refresh"] == "true"
        source.refresh_from_db()
        assert source.screens == [{"screen": "length", "min": 3}]
        assert b'value="votes"' in as_admin.get(f"/sources/a/screens/?preview={preview.pk}").content
        as_admin.post(f"/sources/previews/{preview.pk}/apply/")
        source.refresh_from_db()
        assert [screen["screen"] for screen in source.screens] == ["votes"]
        screening.screen(source)
        assert list(source.posts.order_by("row").values_list("drop_reason", flat=True)) == ["too_few_votes", "too_few_votes", ""]

    def test_screen_again_shows_first_what_it_would_do(self, as_admin, source):
        as_admin.post("/sources/a/preview/")
        preview = Preview.objects.get()
        assert preview.screens == source.screens
        assert "Cancel" in as_admin.get(f"/sources/previews/{preview.pk}/").content.decode()
        as_admin.post(f"/sources/previews/{preview.pk}/cancel/")
        assert as_admin.get(f"/sources/previews/{preview.pk}/").status_code == 200
        preview.refresh_from_db()
        assert preview.state == "cancelled"
        assert state(source)

    def test_wrong_screens_are_no_preview(self, as_admin, source):
        source.screens = [{"screen": "gone"}]
        source.save()
        assert as_admin.post("/sources/a/preview/", follow=True).status_code == 200
        assert not Preview.objects.exists()

    def test_only_admins(self, client, lead, source):
        client.force_login(lead)
        preview = previewing.order(source, [], by=None)
        for path in (f"/sources/previews/{preview.pk}/", f"/sources/previews/{preview.pk}/progress/"):
            assert client.get(path).status_code == 403
        for act in ("apply", "cancel"):
            assert client.post(f"/sources/previews/{preview.pk}/{act}/").status_code == 403
