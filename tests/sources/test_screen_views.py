import pytest
from django.urls import reverse

from sources import screening
from sources.screen_forms import shown
from sources.screens import SCREENS, make
from tests.builders import make_pair, make_post, make_review, make_run, make_source

pytestmark = pytest.mark.django_db
TWO = [{"screen": "length", "field": "title", "min": 2}, {"screen": "votes", "min": 5}]


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    return client


def sent(screens, **more):
    """What a browser sends of the page that shows these screens."""
    data = {"screen": [], **more}
    for form in shown(screens):
        data["screen"].append(form.name)
        for bound in form:
            value = bound.value()
            if value not in (None, False):
                data[bound.html_name] = "on" if value is True else value
    return data


def url(source, name="screens"):
    return reverse(f"sources:{name}", args=[source.slug])


def test_saving_what_is_shown_changes_nothing(as_admin):
    source = make_source(screens=TWO)
    assert as_admin.get(url(source)).status_code == 200
    assert as_admin.post(url(source), sent(TWO)).status_code == 302
    source.refresh_from_db()
    assert [{key: value for key, value in screen.items() if value is not False} for screen in source.screens] == TWO


def test_every_screen_can_be_shown_and_what_is_shown_is_sent_back_as_it_was(as_admin):
    every = [{"screen": name} for name in SCREENS]
    every = [{**s, **{"words": {"words": ["甲", "乙"]}, "contamination": {"texts": ["甲乙丙丁戊己庚"]}, "matches": {"pattern": "甲|乙"},
              "excludes": {"pattern": " 丙"}}.get(s["screen"], {})} for s in every]  # fmt: skip
    source = make_source(screens=[])
    assert as_admin.post(url(source), sent(every)).status_code == 302
    source.refresh_from_db()
    assert [screen["screen"] for screen in source.screens] == list(SCREENS)
    assert len(make(source.screens)) == len(SCREENS)
    assert {"screen": "words", "words": ["甲", "乙"], "field": "all"} in source.screens
    assert any(screen.get("pattern") == " 丙" for screen in source.screens)


@pytest.mark.parametrize(
    ("act", "order"),
    [("down-0", ["votes", "length"]), ("up-1", ["votes", "length"]), ("up-0", ["length", "votes"]), ("remove-0", ["votes"]),
     ("add", ["length", "votes", "best"]), ("up-99", ["length", "votes"]), ("nonsense", ["length", "votes"]),
     ("up-²", ["length", "votes"])],
)  # fmt: skip
def test_buttons_show_the_list_anew_and_save_nothing(as_admin, act, order):
    source = make_source(screens=TWO)
    page = as_admin.post(url(source), {**sent(TWO), "s1-min": "77", "act": act, "added": "best"})
    assert [form.name for form in page.context["forms"]] == order
    assert b"77" in page.content
    source.refresh_from_db()
    assert source.screens == TWO


def test_a_screen_that_is_switched_off_stays_in_the_list(as_admin):
    source = make_source(screens=TWO)
    data = sent(TWO)
    del data["s1-on"]
    as_admin.post(url(source), data)
    source.refresh_from_db()
    assert source.screens[1]["off"] is True
    assert "已关闭" in as_admin.get(url(source, "detail")).content.decode()


@pytest.mark.parametrize("wrong", [{"s1-min": "many"}, {"s1-min": ""}, {"s1-min": "99999999999"}, {"s0-field": "author"}])
def test_a_wrong_setting_is_said_and_nothing_saved(as_admin, wrong):
    source = make_source(screens=TWO)
    page = as_admin.post(url(source), {**sent(TWO), **wrong})
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()
    source.refresh_from_db()
    assert source.screens == TWO


def test_a_pattern_that_is_none_is_said(as_admin):
    source = make_source(screens=[])
    page = as_admin.post(url(source), sent([{"screen": "matches", "pattern": "(<script>"}]))
    assert page.status_code == 400
    assert "<script>" not in page.content.decode()


@pytest.mark.parametrize("name", ["screens", "order_preview"])
def test_only_admins(client, lead, name):
    client.force_login(lead)
    source = make_source(screens=TWO)
    assert client.post(url(source, name)).status_code == 403
    assert "/preview/" not in client.get(url(source, "detail")).content.decode()


def test_screening_again_by_api(as_admin, reviewer):
    source = make_source(screens=[])
    run = make_run(source, created=2)
    posts = [make_post(source, run=run, row=row, title="甲乙") for row in (1, 2)]
    screening.screen(source)
    make_review(make_pair(post=posts[0].__class__.objects.get(pk=posts[0].pk)), by=reviewer)
    answer = as_admin.post(f"/api/v1/sources/{source.slug}/rescreen/")
    assert (answer.status_code, answer.json()) == (202, {"posts": 1})
    assert sorted(source.posts.values_list("status", flat=True)) == ["kept", "new"]
    screening.screen(source)
    source.screens = [{"screen": "gone"}]
    source.save()
    assert as_admin.post(f"/api/v1/sources/{source.slug}/rescreen/").status_code == 409
    assert as_admin.get(url(source, "detail")).status_code == 200
