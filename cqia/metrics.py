"""Figures for Prometheus at /metrics. What matters stands in rows, so most are asked of the database at each visit and are the same
whichever process answers; requests and tasks are counted by each process in files that all of this machine share."""

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from annotation.models import Assignment, DraftRun, ModelCall
from annotation.standing_models import StandingTally
from sources.jobs import Job
from sources.models import Heartbeat

from . import broker

__all__ = ["CONTENT_TYPE_LATEST", "note", "text"]
NOTES = ("verify", "backup")  # commands that leave figures


def text() -> bytes:
    """All of it, as Prometheus reads it."""
    rows, counted = CollectorRegistry(), CollectorRegistry()
    rows.register(FromRows())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    else:
        counted = REGISTRY
    return generate_latest(rows) + generate_latest(counted)


def note(name: str, **figures: Any) -> None:
    """Leave the figures of a command that has ended (`verify`, `backup`) where the next visit finds them."""
    path = settings.VAR / f"{name}.json"
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps({**figures, "at": time.time()}))
    aside.replace(path)


class FromRows:
    def collect(self) -> Iterator[Metric]:
        yield gauge("zhumo_broker_up", "Whether the broker answers", broker.answers())
        yield gauge("zhumo_disk_free_bytes", "Free under CQIA_VAR", shutil.disk_usage(settings.VAR).free)
        yield from _notes()
        try:
            yield from [found for question in QUESTIONS for found in question()]
            is_up = True
        except (DatabaseError, InterfaceError):
            is_up = False
        yield gauge("zhumo_database_up", "Whether the database answers", is_up)


def gauge(name: str, what: str, value: Any) -> Metric:
    return GaugeMetricFamily(name, what, value=float(value))


def family(name: str, what: str, labels: list[str], rows: Iterable[tuple[Any, ...]]) -> Metric:
    """The last of each row is the value, those before are its labels."""
    made = GaugeMetricFamily(name, what, labels=labels)
    for *said, value in rows:
        made.add_metric([str(one) for one in said], float(value))
    return made


def _notes() -> Iterator[Metric]:
    for name in NOTES:
        try:
            said = json.loads((settings.VAR / f"{name}.json").read_text())
        except (OSError, ValueError):
            continue
        for key, value in said.items():
            what = "When it last ended, in seconds since 1970" if key == "at" else f"{key} of the last {name}"
            yield gauge(f"zhumo_{name}_{'timestamp_seconds' if key == 'at' else key}", what, value)


def workers() -> Iterator[Metric]:
    now = timezone.now()
    ages = [(queue, (now - seen).total_seconds()) for queue, seen in Heartbeat.objects.order_by("queue").values_list("queue", "seen_at")]
    yield family("zhumo_worker_silent_seconds", "Since a worker was seen on the queue", ["queue"], ages)


def jobs() -> Iterator[Metric]:
    numbers, ages, now = [], [], timezone.now()
    for model in (model for model in apps.get_models() if issubclass(model, Job)):
        rows: Any = model.objects
        kind = model._meta.model_name
        for state, count in rows.filter(state__in=["queued", "running"]).values_list("state").annotate(Count("pk")).order_by("state"):
            numbers.append((kind, state, count))
        oldest = rows.due().aggregate(at=Min("created_at"))["at"]
        ages.append((kind, (now - oldest).total_seconds() if oldest else 0))
    yield family("zhumo_jobs", "Jobs that wait or run", ["kind", "state"], numbers)
    yield family("zhumo_job_oldest_due_seconds", "Age of the oldest job that nobody works on", ["kind"], ages)


def posts() -> Iterator[Metric]:
    rows = StandingTally.objects.order_by("status").values_list("status").annotate(n=Sum("n"))
    yield family("zhumo_posts", "Posts by where they stand", ["status"], rows)


def drafting() -> Iterator[Metric]:
    open_states = ["queued", "sending", "unknown"]
    calls = ModelCall.objects.filter(state__in=open_states).values_list("state").annotate(Count("pk")).order_by("state")
    yield family("zhumo_model_calls", "Calls to models that are not over, or of unknown fate", ["state"], calls)
    running = DraftRun.objects.filter(state="running", budget__gt=0).order_by("pk")
    shares = [(run.pk, (run.spent + run.reserved) / run.budget) for run in running if run.budget]
    yield family("zhumo_draft_run_budget_used_ratio", "Spent and reserved of the budget", ["run"], shares)


def reviewing() -> Iterator[Metric]:
    yield gauge("zhumo_live_seats", "Seats that reviewers hold", Assignment.objects.live().count())


def database() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        yield gauge("zhumo_database_bytes", "Size of the database", cursor.fetchone()[0])


QUESTIONS = (workers, jobs, posts, drafting, reviewing, database)
