"""`draft SOURCE [--limit N] [--budget X]`: orders drafts, waits, and prints what came of it."""

import time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import draft_progress, drafting, drafting_work, landing, ledger, offers
from annotation.models import DraftRun
from annotation.tasks import draft_run
from sources.jobs import send_hint
from sources.models import Source

OPEN = (DraftRun.State.QUEUED, DraftRun.State.RUNNING)


def amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"{text} is not an amount") from None


def default_models() -> list[str]:
    return [settings.OPENAI_MODEL] if settings.OPENAI_MODEL else []


class Command(BaseCommand):
    help = "Order drafts for the kept posts of a source and wait for them. Without a live worker the work is done here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the source's slug")
        parser.add_argument("--limit", type=int, help="at most so many pairs")
        parser.add_argument("--model", action="append", help="instead of OPENAI_MODEL; may be given several times")
        parser.add_argument("--prompt", help="name or number of a prompt version; else the newest")
        parser.add_argument("--candidates", type=int, default=1, help="drafts per pair and model")
        parser.add_argument("--budget", type=amount, help="stop before this is spent; needs the prices")
        parser.add_argument("--price-in", type=amount, help="per million tokens sent")
        parser.add_argument("--price-out", type=amount, help="per million tokens received")
        parser.add_argument("--currency", default="")
        parser.add_argument("--force", action="store_true", help="although the provider does not list a model")
        parser.add_argument("--retry-failed", action="store_true", help="also pairs whose replies were no good")

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        found = Source.objects.filter(slug=source).first()
        if found is None:
            raise CommandError(f"there is no source {source}")
        params = {name: options[name] for name in ("price_in", "price_out", "currency") if options[name] not in (None, "")}
        try:
            if not options["force"]:
                offers.check_offered(options["model"] or default_models())
            run = drafting.order(
                found, by=None, prompt=options["prompt"], models=options["model"], candidates=options["candidates"],
                limit=options["limit"], budget=options["budget"], params=params, retry_failed=options["retry_failed"],
            )  # fmt: skip
        except drafting.Refused as refused:
            raise CommandError(f"{refused.code}: {refused}") from None
        self.stdout.write(f"draft run {run.pk}: {run.calls.count()} calls")
        self.wait_for(run)
        self.report(run)

    def wait_for(self, run: DraftRun) -> None:
        """Until the run is over, or paused by somebody."""
        send_hint(draft_run, run.pk)
        said, told = "", False
        while run.state in OPEN:
            if not drafting_work.is_worker_alive():
                if not told:
                    self.stderr.write("no worker has been seen for 15 s: doing the work here")
                told = True
                ledger.expire()
                landing.land_stored()
                drafting_work.work_off(run.pk)
            line = progress_line(run)
            if line != said:
                self.stdout.write(line)
            said = line
            time.sleep(0.5)
            run.refresh_from_db()

    def report(self, run: DraftRun) -> None:
        found = draft_progress.figures(run)
        self.stdout.write(f"{run.state}: {progress_line(run)}")
        for code, count in found["failures"].items():
            self.stdout.write(f"  {code}: {count}")
        cost = "unknown" if found["cost"] is None else f"{found['cost']} {run.currency}".strip()
        self.stdout.write(f"  tokens: {found['tokens_in']} in, {found['tokens_out']} out; cost: {cost}")
        if run.state == DraftRun.State.FAILED:
            raise CommandError(f"{run.error_code}: {draft_progress.RUN_ERRORS.get(run.error_code, '')} {run.error_detail}".strip())


def progress_line(run: DraftRun) -> str:
    found = draft_progress.figures(run)
    failed = sum(found["failures"].values())
    return f"{found['ended']} of {found['calls']}: {found['drafted']} drafted, {failed} failed, {found['unknown']} unknown"
