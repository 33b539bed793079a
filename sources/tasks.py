"""Work of the queue `work`. A message is a hint: each task looks at the rows, and does nothing when nothing is due."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from . import tallies
from .downloading import run_fetch
from .dry_orders import forget_old
from .dry_running import run_dry
from .importing import run_import
from .indexing import POSTS, catch_up, is_due
from .jobs import ending, send_hint, send_hints
from .models import DryRun, Fetch, Heartbeat, ImportRun, Preview, Source
from .previewing import run_preview
from .screening import screen, unscreened


@shared_task
def import_file(run_id: int) -> None:
    run_import(run_id)
    for source_id in ImportRun.objects.filter(pk=run_id, state="succeeded").values_list("source_id", flat=True):
        send_hint(screen_source, source_id)


@shared_task
def dry_run(dry_run_id: int) -> None:
    run_dry(dry_run_id)


@shared_task
def fetch_url(fetch_id: int) -> None:
    if (came := run_fetch(fetch_id)) is not None:
        send_hint(dry_run if isinstance(came, DryRun) else import_file, came.pk)


@shared_task
def screen_source(source_id: int) -> None:
    for source in Source.objects.filter(pk=source_id):
        screen(source)


@shared_task
def preview_screens(preview_id: int) -> None:
    run_preview(preview_id)


@shared_task
def index_posts() -> None:
    if catch_up(POSTS):  # its slice of time is over, and work is left
        send_hint(index_posts)


@shared_task
def resend_hints() -> None:
    """Say again what is due, and that somebody works here."""
    Heartbeat.objects.update_or_create(queue="work", defaults={"seen_at": timezone.now()})
    tallies.fold()
    forget_old()
    send_hints(fetch_url, Fetch.objects.due().values_list("pk", flat=True))
    send_hints(dry_run, DryRun.objects.due().values_list("pk", flat=True))
    send_hints(import_file, ImportRun.objects.due().values_list("pk", flat=True))
    send_hints(preview_screens, Preview.objects.due().values_list("pk", flat=True))
    send_hints(screen_source, unscreened().values_list("pk", flat=True))
    if is_due(POSTS):
        send_hint(index_posts)


@worker_shutting_down.connect
def wind_down(**kwargs: Any) -> None:
    """Celery waits for running tasks: an import ends after the batch at hand, and another worker goes on at once."""
    ending.set()
