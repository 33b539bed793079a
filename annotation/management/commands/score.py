"""`score SOURCE [--limit N] [--budget X]`: has posts judged that wait for a score, waits, and prints what came of it."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation import drafting, offers, scoring
from sources.models import Source

from . import draft


class Command(draft.Command):
    help = "Have a model judge the posts of a source that wait for a score. Without a live worker the work is done here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the source's slug")
        parser.add_argument("--limit", type=int, help="at most so many posts")
        parser.add_argument("--model", help="the judge, instead of OPENAI_MODEL")
        parser.add_argument("--prompt", help="name or number of a prompt version for scores; else the newest")
        parser.add_argument("--budget", type=draft.amount, help="stop before this is spent; needs the prices")
        parser.add_argument("--force", action="store_true", help="although the provider does not list the model")

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        found = Source.objects.filter(slug=source).first()
        if found is None:
            raise CommandError(f"there is no source {source}")
        models = [options["model"]] if options["model"] else None
        try:
            if not options["force"]:
                offers.check_offered(models or draft.default_models())
            run = scoring.order_scores(
                found, by=None, models=models, prompt=options["prompt"], limit=options["limit"], budget=options["budget"]
            )
        except drafting.Refused as refused:
            raise CommandError(f"{refused.code}: {refused}") from None
        self.stdout.write(f"score run {run.pk}: {run.calls.count()} calls")
        self.wait_for(run)
        self.report(run)
