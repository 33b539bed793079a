"""`publish DATASET`: freezes the accepted pairs into the next version, waits, and prints what it holds."""

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from datasets import publishing, releasing, tasks
from datasets.exporting import Refused
from datasets.models import Dataset, Version
from datasets.wording import why_failed
from sources.jobs import send_hint
from sources.models import Heartbeat

QUIET_AFTER = 15  # seconds without a word from a worker: we do its work


class Command(BaseCommand):
    help = "Freeze the accepted pairs of a dataset into its next version; prints number, records and sha256."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("--include-demo", action="store_true", default=None, help="pairs that answer with demo drafts, too")
        parser.add_argument("--include-unknown-licence", action="store_true", default=None, help="sources without a licence, too")
        parser.add_argument("--changelog", default="", help="what is new, in a sentence or two")
        parser.add_argument("--release", action="store_true", help="release it when it is built")

    def handle(self, *args: Any, dataset: str, **options: Any) -> None:
        found = Dataset.objects.filter(slug=dataset).first()
        if not found:
            known = ", ".join(Dataset.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"there is no dataset {dataset} (there are: {known})")
        order = {key: options[key] for key in ("include_demo", "include_unknown_licence", "changelog")}
        version = publishing.freeze(found, by=None, **order)
        send_hint(tasks.build_version, version.pk)
        self.wait_for(version)
        if version.state == Version.State.FAILED:
            raise CommandError(f"version {version.number} failed: {why_failed(version)}")
        if version.state == Version.State.CANCELLED:
            raise CommandError(f"version {version.number} was cancelled")
        if options["release"]:
            try:
                releasing.release(version, by=None, unknown_licence=bool(options["include_unknown_licence"]))
            except Refused as refused:
                raise CommandError(f"version {version.number} is built, but not released: {refused}") from refused
        left_out = "".join(f", {n} left out ({reason})" for reason, n in sorted(version.left_out.items()))
        self.stdout.write(f"{dataset} version {version.number}: {version.records_count} records{left_out}, sha256 {version.sha256}")

    def wait_for(self, version: Version) -> None:
        """Until it is built: by a worker, or by us when none is there."""
        told, shown = False, None
        while version.is_open:
            if not worker_is_alive():
                if not told:
                    self.stderr.write("no worker is running: building it here")
                told = True
                publishing.build(version.pk)
            version.refresh_from_db()
            if version.is_open:
                if version.records_count and version.records_count != shown:
                    shown = version.records_count
                    self.stderr.write(f"{shown} of {sum(version.splits.values())} records")
                time.sleep(0.3)


def worker_is_alive() -> bool:
    return Heartbeat.objects.filter(queue="work", seen_at__gt=timezone.now() - timedelta(seconds=QUIET_AFTER)).exists()
