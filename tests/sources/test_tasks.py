import io
from datetime import timedelta

import pytest
from django.utils import timezone

from sources import importing, tasks
from sources.models import Heartbeat, ImportRun
from tests.builders import make_post, make_run, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]


@pytest.fixture
def hints(monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "send_hint", lambda task, *ids: sent.append((task.name, *ids)))
    monkeypatch.setattr(tasks, "send_hints", lambda task, ids: sent.extend((task.name, pk) for pk in ids))
    return sent


def test_what_was_imported_is_screened_next_and_a_doubled_hint_does_nothing(hints):
    source = make_source()
    run, _ = importing.start_import(source, importing.store(io.BytesIO(b'{"title": "x"}'), "x.jsonl"), name="x.jsonl", by=None)
    tasks.import_file(run.pk)
    assert hints == [("sources.tasks.screen_source", source.pk)]
    tasks.screen_source(source.pk)
    tasks.import_file(run.pk)
    tasks.screen_source(source.pk)
    tasks.import_file(10**6)
    tasks.screen_source(10**6)
    assert list(source.posts.values_list("status", flat=True)) == ["kept"]


def test_due_rows_are_hinted_at_again_and_the_worker_says_that_it_lives(hints):
    waiting, lost, busy = make_source(), make_source(), make_source()
    queued = make_run(waiting, state="queued")
    orphan = make_run(lost, state="running", lease_until=timezone.now())
    make_run(busy, state="running", lease_until=timezone.now() + timedelta(minutes=1))
    make_post(busy)
    unscreened, done = make_post(make_source()), make_post(make_source(), status="kept")
    tasks.resend_hints()
    assert sorted(hints) == sorted(
        [
            ("sources.tasks.import_file", queued.pk),
            ("sources.tasks.import_file", orphan.pk),
            ("sources.tasks.screen_source", unscreened.source_id),
        ]
    )
    assert done.source_id not in [pk for _name, pk in hints]
    assert timezone.now() - Heartbeat.objects.get(queue="work").seen_at < timedelta(seconds=5)
    assert ImportRun.objects.get(pk=queued.pk).state == "queued"
