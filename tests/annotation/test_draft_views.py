import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from annotation import drafting, drafting_work, tasks
from annotation.models import DraftRun, ModelCall, Pair
from sources.models import Heartbeat
from tests.annotation.provider import error, reply, reset
from tests.annotation.test_draft_api import hints  # noqa: F401
from tests.annotation.test_drafting import source_with, work
from tests.builders import make_post, make_source

pytestmark = pytest.mark.django_db
ORDER, RUNS = "/drafting/order/", "/drafting/"
HOSTILE = "<script>alert(1)</script>\u202e{{ settings.SECRET_KEY }}"


@pytest.fixture
def page(client, admin):
    client.force_login(admin)
    client.cookies["django_language"] = "en"
    return client


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_only_admins_come_in(client, make_user, role):
    client.force_login(make_user(role))
    for url in (RUNS, ORDER, "/drafting/1/"):
        assert client.get(url).status_code == 403
    for url in ("/drafting/1/stop/", "/drafting/calls/1/release/"):
        assert client.post(url).status_code == 403


def test_strangers_sign_in_first(client):
    assert client.get(RUNS).url.startswith(reverse("login"))


def test_without_runs_and_sources_the_pages_say_what_to_do(page, provider):
    assert "No source wants drafts" in page.get(RUNS).text
    assert "No source wants drafts" in page.get(ORDER).text
    make_source()
    assert "order drafts for those that are kept" in page.get(RUNS).text


def test_the_form_shows_what_waits_and_the_model_of_the_settings(page, provider):
    source = source_with(3)
    text = page.get(f"{ORDER}?source={source.slug}").text
    assert f'<option value="{source.slug}" selected>' in text
    assert "3 waiting" in text
    assert 'value="scripted"' in text


def test_an_order_leads_to_its_run_and_a_second_click_to_the_same(page, provider, hints):  # noqa: F811
    source = source_with(3)
    first = page.post(ORDER, {"source": source.slug, "model": "scripted", "limit": ""})
    run = DraftRun.objects.get()
    assert first.url == f"/drafting/{run.pk}/"
    assert page.post(ORDER, {"source": source.slug, "model": "scripted"}).url == first.url
    assert (DraftRun.objects.count(), hints, run.calls.count()) == (1, [run.pk], 3)
    text = page.get(first.url).text
    assert 'hx-trigger="every 2s"' in text
    assert "price unknown" in text


def test_an_estimate_orders_nothing(page, provider, hints):  # noqa: F811
    source = source_with(3)
    answer = page.post(ORDER, {"source": source.slug, "model": "scripted", "estimate": "1", "price_in": "1", "price_out": "2"})
    assert answer.status_code == 200
    assert "<dt>Calls</dt><dd>3</dd>" in answer.text
    assert "≈" in answer.text
    assert (DraftRun.objects.count(), hints) == (0, [])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"budget": "1"}, "A budget needs a price"),
        ({"budget": "-1"}, "greater than or equal"),
        ({"limit": "0"}, "greater than or equal"),
        ({"limit": "x"}, "whole number"),
        ({"model": ""}, "Choose a model, or name one"),
        ({"model": "m" * 200}, "at most 160"),
        ({"source": "nowhere"}, "valid choice"),
        ({"currency": "<b>"}, "valid value"),
        ({"price_in": "1e400"}, "id="),
    ],
)
def test_a_bad_order_is_shown_again_with_the_reason(page, provider, hints, fields, said):  # noqa: F811
    source = source_with(1)
    answer = page.post(ORDER, {"source": source.slug, "model": "scripted", **fields})
    assert answer.status_code == 400
    assert said in answer.text
    assert (DraftRun.objects.count(), hints) == (0, [])


def test_without_a_provider_the_page_says_so_at_once(page, settings, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.OPENAI_BASE_URL = settings.OPENAI_MODEL = ""
    source = source_with(1)
    assert "Set OPENAI_API_KEY" in page.get(ORDER).text
    answer = page.post(ORDER, {"source": source.slug, "model": "m"})
    assert (answer.status_code, "Set OPENAI_API_KEY" in answer.text) == (400, True)


def test_the_buttons_pause_resume_and_stop_and_a_stale_one_says_so(page, provider, hints, admin):  # noqa: F811
    run = drafting.order(source_with(1), by=admin)
    for act, state in [("pause", "paused"), ("resume", "queued"), ("stop", "stopped")]:
        assert page.post(f"/drafting/{run.pk}/{act}/").url == f"/drafting/{run.pk}/"
        run.refresh_from_db()
        assert run.state == state
    assert "not possible now" in page.post(f"/drafting/{run.pk}/pause/", follow=True).text
    assert page.get(f"/drafting/{run.pk}/pause/").status_code == 405
    text = page.get(f"/drafting/{run.pk}/").text
    assert "hx-trigger" not in text
    assert "1 not sent" in text


@pytest.mark.django_db(transaction=True)
def test_a_finished_run_shows_drafts_failures_and_calls_to_release(page, provider, admin, hints):  # noqa: F811
    source = make_source(slug="s")
    for _ in range(4):
        make_post(source, status="kept", title=HOSTILE)
    provider.script = [reset, reply(finish="length"), reply("好的，这样就行了。" * 8 + HOSTILE, model="demo")]
    run = work(drafting.order(source, by=admin))
    text = page.get(f"/drafting/{run.pk}/").text
    assert "<script>alert" not in text
    assert "SECRET_KEY }}" in text
    assert "cut off at the length limit" in text
    assert text.count('<span class="tag warn">') == 1  # the demo's draft is marked, the other is not
    call = ModelCall.objects.get(state="unknown")
    assert f"/drafting/calls/?kind=unknown&amp;run={run.pk}" in text
    queue = page.get(f"/drafting/calls/?kind=unknown&run={run.pk}").text
    assert f'value="{call.pk}"' in queue
    assert "may cost twice" in queue
    assert page.post(f"/drafting/calls/{call.pk}/release/").url == f"/drafting/{run.pk}/"
    assert hints == [run.pk]
    assert page.get(f"/drafting/{run.pk}/", headers={"HX-Request": "true"}).text.startswith('<div id="draft-run"')
    assert '<div id="draft-rows"' in page.get(RUNS).text
    assert page.get(RUNS, headers={"HX-Request": "true"}).text.startswith('<div id="draft-rows"')


@pytest.mark.django_db(transaction=True)
def test_a_failed_run_says_what_to_do(page, provider, admin):
    provider.default = error(401, "invalid_api_key", message="Incorrect key <b>sk-CANARY0123456789</b>")
    run = work(drafting.order(source_with(1), by=admin))
    text = page.get(f"/drafting/{run.pk}/").text
    assert "The provider refused the key" in text
    assert "CANARY" not in text
    assert "<b>sk" not in text


def test_other_languages_render(page, provider, admin):
    run = drafting.order(source_with(1), by=admin)
    for language, word in [("zh-hans", "起草"), ("zh-hant", "起草")]:
        page.cookies["django_language"] = language
        for url in (RUNS, ORDER, f"/drafting/{run.pk}/"):
            assert word in page.get(url).text


# --- the command and the beat -----------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_command_does_the_work_itself_when_no_worker_is_alive(provider, capsys):
    source = source_with(3)
    call_command("draft", source.slug, "--limit", "2")
    out = capsys.readouterr()
    assert "no worker has been seen" in out.err
    assert "succeeded: 2 of 2: 2 drafted, 0 failed, 0 unknown" in out.out
    assert Pair.objects.filter(status="pending").count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_command_leaves_the_work_to_a_live_worker_and_waits(provider, monkeypatch, capsys):
    Heartbeat.objects.create(queue="draft", seen_at=timezone.now())
    source = source_with(1)
    hinted = []
    monkeypatch.setattr("annotation.management.commands.draft.send_hint", lambda task, pk: hinted.append(pk) or drafting_work.work_off(pk))
    call_command("draft", source.slug)
    assert hinted == [DraftRun.objects.get().pk]
    assert "doing the work here" not in capsys.readouterr().err


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "no source"),
        (["s", "--limit", "0"], "bad_order"),
        (["s", "--budget", "1"], "price_unknown"),
        (["s", "--budget", "x"], "amount"),
    ],
)
def test_the_command_says_why_not(provider, arguments, said):
    make_source(slug="s")
    with pytest.raises(CommandError, match=said):
        call_command("draft", *arguments)


@pytest.mark.django_db(transaction=True)
def test_the_command_fails_with_the_sentence_of_the_run(provider):
    provider.default = error(401, "invalid_api_key")
    with pytest.raises(CommandError, match="bad_key"):
        call_command("draft", source_with(1).slug)


@pytest.mark.django_db(transaction=True)
def test_the_beat_mends_pairs_and_tells_of_due_runs(provider, admin, monkeypatch):
    told = []
    monkeypatch.setattr(tasks, "send_hints", lambda task, ids: told.extend(ids))
    make_post(make_source(reply="source"), status="kept", answer="原答")
    run = drafting.order(source_with(1), by=admin)
    tasks.draft_resend_hints()
    tasks.draft_resend_hints()
    assert told == [run.pk, run.pk]
    assert drafting_work.is_worker_alive()
    assert Pair.objects.filter(status="pending", output="原答").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_late_or_doubled_task_is_harmless(provider, admin):
    run = work(drafting.order(source_with(1), by=admin))
    tasks.draft_run(run.pk)
    tasks.draft_run(999_999)
    assert len(provider.seen) == 1
