"""`import_posts SOURCE FILE…`: imports files into a source, waits, and prints what became of every row."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count
from django.utils import timezone

from sources import dry_orders, dry_running, importing, policy, presets, screening
from sources.importers import IMPORTERS
from sources.jobs import send_hint
from sources.models import DryRun, Heartbeat, ImportRun, Post, Source
from sources.readers import ENCODINGS
from sources.screens import BadScreen
from sources.tasks import dry_run, import_file

ALIVE = timedelta(seconds=15)  # a worker that was silent for longer is not waited for
OPEN = (ImportRun.State.QUEUED, ImportRun.State.RUNNING)


class Command(BaseCommand):
    help = "Import files into a source (a preset one is added when it is missing), wait, and print the counts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the slug of the source")
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--importer", choices=sorted(IMPORTERS), default="", help="instead of the one that the first rows suggest")
        parser.add_argument("--encoding", choices=ENCODINGS, default="", help="of a text that is not in UTF-8")

        parser.add_argument("--dry-run", action="store_true", help="only say what the import would do, and write nothing of it")

    def handle(self, *args: Any, source: str, files: list[Path], importer: str, encoding: str, **options: Any) -> None:
        found = self._source(source)
        act = self._try if options["dry_run"] else self._import
        failures = [sentence for path in files if (sentence := act(found, path, importer=importer, encoding=encoding))]
        if failures:
            raise CommandError("\n".join(failures))

    def _source(self, slug: str) -> Source:
        if slug in presets.PRESETS:
            presets.ensure(slug)
        source = Source.objects.filter(slug=slug).first()
        if source is None:
            known = ", ".join(sorted({*presets.PRESETS, *Source.objects.values_list("slug", flat=True)}))
            raise CommandError(f"there is no source {slug}. There are: {known}")
        return source

    def _import(self, source: Source, path: Path, **given: Any) -> str:
        """What went wrong, as a sentence, or nothing."""
        try:
            stored = _stored(path)
        except (OSError, importing.Refused) as error:
            return f"{path}: {error}"
        run, is_new = importing.start_import(source, stored, name=path.name, by=None, **given)
        if not is_new:
            said = "is being imported already" if run.state in OPEN else "was imported before; nothing new is created"
            self.stdout.write(f"{path.name}: the same file {said} (import {run.pk})")
        self._wait(run, import_file, importing.run_import)
        if run.state != ImportRun.State.SUCCEEDED:
            return f"{path}: {importing.describe(run) or run.get_state_display()}"
        if run.error_code:
            self.stderr.write(f"{path}: {importing.describe(run)}")
        try:
            while not screening.screen(source) and screening.unscreened().filter(pk=source.pk).exists():
                time.sleep(0.3)  # a worker is at it
        except BadScreen as error:
            return f"{path}: {error}"
        self.stdout.write(f"{path.name}: {outcome(run)}")
        return ""

    def _try(self, source: Source, path: Path, **given: Any) -> str:
        """The same, of a dry run."""
        try:
            stored = _stored(path)
            dry = dry_orders.order(source, stored, name=path.name, by=None, **given)
        except (OSError, importing.Refused, policy.BadPolicy) as error:
            return f"{path}: {error}"
        if dry_orders.imported_before(source, stored.sha256):
            self.stdout.write(f"{path.name}: the same file was imported before; an import would create nothing new")
        self._wait(dry, dry_run, dry_running.run_dry)
        if dry.state == DryRun.State.SUCCEEDED:
            self.stdout.write(f"{path.name}: {outlook(dry)}")
        failure = "" if dry.state == DryRun.State.SUCCEEDED else f"{path}: {dry_running.describe(dry) or dry.get_state_display()}"
        dry.delete()
        return failure

    def _wait(self, run: ImportRun | DryRun, task: Any, work: Callable[[int], None]) -> None:
        """Until the run is over: a worker does it, or this process where none is alive."""
        send_hint(task, run.pk)
        has_told = False
        while run.state in OPEN:
            if not worker_is_alive():
                if not has_told:
                    self.stderr.write("no worker is alive: this process does the work")
                    has_told = True
                work(run.pk)
            run.refresh_from_db()
            if run.state in OPEN:
                self._show(f"{run.file_name}: {run.read} rows, {run.percent} %")
                time.sleep(0.3)
        self._show("")

    def _show(self, line: str) -> None:
        """Progress, for people who watch: the line is written over by the next."""
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[K{line}", ending="")
            self.stdout.flush()


def _stored(path: Path) -> importing.StoredFile:
    with path.open("rb") as file:
        return importing.store(file, path.name)


def worker_is_alive() -> bool:
    return Heartbeat.objects.filter(queue="work", seen_at__gte=timezone.now() - ALIVE).exists()


def outcome(run: ImportRun) -> str:
    """`read 1361 = created 1361 + known 0 + rejected 0; kept 1359, dropped 2 (duplicate 1, too_long 1)`"""
    counted = Post.objects.filter(run=run).values_list("status", "drop_reason").annotate(n=Count("id")).order_by("-n", "drop_reason")
    dropped = {reason: n for status, reason, n in counted if status == Post.Status.DROPPED}
    kept = sum(n for status, _reason, n in counted if status == Post.Status.KEPT)
    reasons = ", ".join(f"{reason} {n}" for reason, n in dropped.items())
    lost = f"dropped {sum(dropped.values())}" + (f" ({reasons})" if dropped else "")
    return f"read {run.read} = created {run.created} + known {run.known} + rejected {run.rejected}; kept {kept}, {lost}"


def outlook(dry: DryRun) -> str:
    """`read 1361 = created 1361 + known 0 + rejected 0; kept 1359, dropped 2 (duplicate 1, too_long 1)`, as `outcome` will say it."""
    rejected, dropped = sum(dry.counts["rejected"].values()), sum(dry.counts["dropped"].values())
    created = dry.through + dropped
    reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(dry.counts["dropped"].items(), key=lambda item: (-item[1], item[0])))
    lost = f"dropped {dropped}" + (f" ({reasons})" if reasons else "")
    return f"would read {dry.read} = created {created} + known {dry.counts['known']} + rejected {rejected}; kept {dry.through}, {lost}"
