"""`load_demo`: the preset sources, the sample posts of demo/ through the real importers, and a dataset to publish them in.

Only into a database without posts and imports (or with --force); CQIA_DEMO=0 leaves the sources empty. Twice is as once:
the same bytes are not imported again, and pairs that are there are not ordered again.
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from annotation import drafting
from annotation.models import DEMO_MODEL, DraftRun, Pair
from datasets import publishing
from sources import importing, presets, screening
from sources.models import ImportRun, Post, Reply, Source

DEMO = Path(settings.BASE_DIR) / "demo"
FILES = {
    "ruozhiba": "ruozhiba.json",
    "zhihu": "zhihu.jsonl",
    "xiaohongshu": "xiaohongshu.json",
    "douban": "douban.csv",
    "baike": "baike.jsonl",
    "exam": "exam.json",
}
LICENCE = "示例文本为本项目自撰：Apache-2.0"


class Command(BaseCommand):
    help = "Add the preset sources and, to an empty database, the demo's posts and dataset."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="also into a database that has posts")

    def handle(self, *args: Any, force: bool, **options: Any) -> None:
        if os.environ.get("CQIA_DEMO") == "0":
            presets.ensure()
            self.stdout.write("CQIA_DEMO=0: the preset sources are there, without posts")
        elif not force and (Post.objects.exists() or ImportRun.objects.exists()):
            presets.ensure()
            self.stdout.write("There are posts or imports already: nothing added (--force adds the demo to them)")
        else:
            self._load()

    def _load(self) -> None:
        runs = order_imports()
        for run in runs:
            importing.run_import(run.pk)
            run.refresh_from_db()
            self.stdout.write(f"{run.file_name}: {run.read} rows, {run.created} new, {run.known} known, {run.rejected} rejected")
        sources = Source.objects.filter(slug__in=FILES)
        for source in sources:
            screening.screen(source)
        drafts = self._draft()  # first in, first reviewed: the posts with a draft are what this is about
        for source in sources.filter(reply=Reply.SOURCE):
            drafting.make_pairs(source)
        to_review = Pair.objects.filter(source__slug__in=FILES).pending().count()
        kept = Post.objects.filter(source__slug__in=FILES).kept().count()
        self.stdout.write(f"{kept} posts kept, {to_review} pairs to review. {drafts}")

    def _draft(self) -> str:
        """Order the drafts that cost nothing. A real model is for a person to order."""
        sources = Source.objects.filter(slug__in=FILES, reply=Reply.MODEL)
        if not settings.OPENAI_MODEL:
            return "No drafts are ordered: no model is set up (`make run` brings the demo's own)"
        if settings.OPENAI_MODEL != DEMO_MODEL:
            return f"No drafts are ordered: {settings.OPENAI_MODEL} may cost money (`manage.py draft ruozhiba` orders them)"
        try:
            orders = [order for source in sources if (order := order_drafts(source))]
        except drafting.Refused as refused:
            return f"No drafts are ordered: {refused}"
        return f"{sum(run.calls.count() for run in orders)} drafts are ordered of the demo's own model"


@transaction.atomic
def order_imports() -> list[ImportRun]:
    """Sources, dataset and imports in one commit: whoever is interrupted after it leaves the rest to the workers."""
    presets.ensure()
    Source.objects.filter(slug__in=FILES, licence="", posts=None).update(licence=LICENCE)  # never of somebody else's texts
    publishing.ensure_demo()
    runs = []
    for slug, name in FILES.items():
        with (DEMO / name).open("rb") as file:
            stored = importing.store(file, name)
        runs.append(importing.start_import(Source.objects.get(slug=slug), stored, name=name, by=None)[0])
    return runs


def order_drafts(source: Source) -> DraftRun | None:
    """None when every pair of the source has its draft, or an order for it. Raises Refused for any other reason."""
    try:
        return drafting.order(source, by=None, models=[DEMO_MODEL])
    except drafting.Refused as refused:
        if refused.code == "nothing_to_draft":
            return None
        raise
