"""/metrics: what stands in rows and what processes counted, for those who may see it."""

import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from cqia import counters, metrics
from sources.models import Heartbeat
from tests.builders import make_pair, make_run, make_source

pytestmark = pytest.mark.django_db


def figures(**headers) -> dict[str, float]:
    response = Client(raise_request_exception=False).get("/metrics", headers=headers)
    assert response.status_code == 200
    lines = [line for line in response.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_rows_are_figures_whichever_process_is_asked():
    Heartbeat.objects.create(queue="work", seen_at=timezone.now() - timedelta(seconds=90))
    run = make_run(make_source(), state="queued")
    type(run).objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(minutes=7))
    make_pair()
    said = figures()
    assert 90 <= said['zhumo_worker_silent_seconds{queue="work"}'] < 120
    assert said['zhumo_jobs{kind="importrun",state="queued"}'] == 1
    assert 420 <= said['zhumo_job_oldest_due_seconds{kind="importrun"}'] < 450
    assert said['zhumo_posts{status="pending"}'] == 1
    assert said["zhumo_database_up"] == said["zhumo_broker_up"] == 1
    assert said["zhumo_disk_free_bytes"] > 0


def test_requests_are_counted_by_route_and_never_by_what_strangers_make_up():
    before = counters.REQUESTS.labels("GET", "healthz", 200)._value.get()
    client = Client()
    client.get("/healthz")
    client.get("/no/such/place/一二三")
    said = figures()
    assert said['zhumo_http_requests_total{method="GET",route="healthz",status="200"}'] == before + 1
    assert not [name for name in said if "such" in name]
    assert said['zhumo_http_request_seconds_count{route="healthz"}'] >= 1


def test_without_a_database_the_rest_is_still_told(monkeypatch):
    def gone():
        raise OperationalError("gone")

    monkeypatch.setattr(metrics, "QUESTIONS", (gone,))
    said = figures()
    assert said["zhumo_database_up"] == 0
    assert said["zhumo_broker_up"] == 1


def test_what_verify_and_backup_left_is_told():
    metrics.note("verify", findings=3)
    said = figures()
    assert said["zhumo_verify_findings"] == 3
    assert abs(said["zhumo_verify_timestamp_seconds"] - timezone.now().timestamp()) < 60


@pytest.mark.parametrize(
    ("token", "headers", "address", "status"),
    [
        ("", {}, "127.0.0.1", 200),
        ("", {}, "10.1.2.3", 404),
        ("", {"X-Forwarded-For": "1.2.3.4"}, "127.0.0.1", 404),
        ("a-token", {}, "127.0.0.1", 404),
        ("a-token", {"Authorization": "Bearer another"}, "127.0.0.1", 404),
        ("a-token", {"Authorization": "Bearer a-token"}, "10.1.2.3", 200),
    ],
)
def test_figures_are_for_this_machine_or_for_who_knows_the_token(settings, token, headers, address, status):
    settings.METRICS_TOKEN = token
    assert Client(REMOTE_ADDR=address).get("/metrics", headers=headers).status_code == status


@pytest.mark.parametrize("said", ["", "short", "x" * 65, 'forged" level="x', "abc-123_def.456"])
def test_every_answer_names_its_request_by_a_plain_id(said):
    given = Client().get("/healthz", headers={"X-Request-ID": said}).headers["X-Request-ID"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given)
    assert (given == said) == (said == "abc-123_def.456")


def test_counts_of_processes_that_are_no_more_are_dropped(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for pid in (1, 4_000_000):
        (tmp_path / f"counter_{pid}.db").touch()
    counters.forget_the_dead()
    assert [path.name for path in tmp_path.iterdir()] == ["counter_1.db"]
