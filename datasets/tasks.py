"""Celery's door: ids in, work done. Losing or doubling a message changes nothing."""

from celery import shared_task

from sources.jobs import send_hints

from . import exporting, publishing
from .models import Export, Version


@shared_task
def build_version(version_id: int) -> None:
    publishing.build(version_id)


@shared_task
def export_files(export_id: int) -> None:
    exporting.run(export_id)


@shared_task
def resend_hints() -> None:
    publishing.tidy()
    send_hints(build_version, Version.objects.due().values_list("pk", flat=True))
    send_hints(export_files, Export.objects.due().values_list("pk", flat=True))
