"""The page and the command by which posts are judged, and what a later order takes over from a run that was stopped."""

import pytest
from django.core.management import call_command

from annotation import drafting, scoring
from annotation.models import DraftRun, ModelCall
from sources.screening import screen
from tests.annotation.test_draft_api import hints  # noqa: F401
from tests.annotation.test_drafting import work
from tests.annotation.test_model_views import listed  # noqa: F401
from tests.annotation.test_scoring import said
from tests.builders import make_draft, make_pair, make_post, make_source

pytestmark = pytest.mark.django_db
SCORES = "/drafting/scores/"


@pytest.fixture
def source():
    source = make_source(slug="asked", name="问答", reply="source", screens=[{"screen": "score", "min": 8}])
    for n in range(3):
        make_post(source, title=f"问题{n}", answer=f"回答{n}")
    screen(source)
    return source


@pytest.fixture
def page(client, admin):
    client.force_login(admin)
    client.cookies["django_language"] = "en"
    return client


def test_the_page_says_what_waits_and_what_to_do_when_nothing_does(page, provider, source):
    assert "问答: 3 waiting" in page.get(SCORES).text
    source.posts.all().delete()
    assert "No post waits for a score" in page.get(SCORES).text
    source.screens = []
    source.save()
    assert "No source wants scores" in page.get(SCORES).text


def test_only_admins_order_scores(client, make_user, source):
    client.force_login(make_user("lead"))
    assert client.get(SCORES).status_code == 403
    assert client.post(SCORES, {"source": source.slug, "model": "scripted"}).status_code == 403


def test_an_estimate_writes_nothing_and_an_order_leads_to_its_run(page, provider, source, hints):  # noqa: F811
    asked = {"source": source.slug, "model": "scripted", "limit": "2"}
    assert "<dd>2</dd>" in page.post(SCORES, asked | {"estimate": "1"}).text
    assert not DraftRun.objects.exists()
    answer = page.post(SCORES, asked)
    run = DraftRun.objects.get()
    assert (answer.url, run.purpose, run.calls.count(), hints) == (f"/drafting/{run.pk}/", "score", 2, [run.pk])


def test_a_judge_that_nobody_offers_is_refused_with_a_way_on(page, listed, source):  # noqa: F811
    answer = page.post(SCORES, {"source": source.slug, "model": "shut-down"})
    assert answer.status_code == 400
    assert "does not list the model shut-down" in answer.text
    assert 'name="anyway"' in answer.text


def test_what_judges_said_is_shown_and_one_of_the_drafters_family_is_marked(page, provider, admin, source):
    provider.default = said(8)
    work(scoring.order_scores(source, by=admin, limit=1))
    text = page.get(SCORES).text
    assert "一句话。" in text
    assert "of the drafter’s family" not in text
    call = ModelCall.objects.get()
    pair = make_pair(post=call.post)
    twin = ModelCall.objects.create(
        pair=pair, prompt=call.prompt, key="k", state="done", outcome="ok", model="judge-1", sent_at=call.sent_at
    )
    make_draft(pair, call=twin, model="judge-1")
    assert "of the drafter’s family" in page.get(SCORES).text


def test_an_order_takes_over_what_a_stopped_run_has_not_sent(provider, admin, source):
    stopped = scoring.order_scores(source, by=admin)
    drafting.ACTS["stop"](stopped, by=admin)
    assert scoring.to_judge(source).count() == 3
    provider.default = said(8)
    run = work(scoring.order_scores(source, by=admin))
    assert (run.state, len(provider.seen), ModelCall.objects.count()) == ("succeeded", 3, 3)


def test_the_command_waits_and_reports(provider, source, capsys):
    provider.default = said(9)
    call_command("score", source.slug, "--limit", "1")
    assert "1 of 1" in capsys.readouterr().out
