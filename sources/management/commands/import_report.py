"""`import_report FILE…`: what an import of each file would make, as a Markdown table. Nothing is stored."""

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sources import readers
from sources.importers import IMPORTERS, Importer, Rejected, lacking, recognise
from sources.importers.threads import SAMPLE, Threads, plan
from sources.models import Floors
from sources.rows import BadRow

HEAD = ("file", "read as", "rows", "posts", "the same again", "left out", "why")


@dataclass
class Report:
    """rows = posts + the same again + left out"""

    importer: str = ""
    rows: int = 0
    posts: set[str] = field(default_factory=set)
    again: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def cells(self, name: str) -> tuple[object, ...]:
        why = ", ".join(f"{reason} {n}" for reason, n in self.left_out.most_common())
        return name, self.importer, self.rows, len(self.posts), self.again, self.left_out.total(), why


class Command(BaseCommand):
    help = "Read files without storing anything, and print as a Markdown table what an import of each would make."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--floors", choices=Floors.values, default=Floors.AUTO, help="what the floors of a thread are")

    def handle(self, *args: Any, files: list[Path], floors: str, **options: Any) -> None:
        self._line(HEAD)
        self._line("---" if n < 2 or n == len(HEAD) - 1 else "--:" for n in range(len(HEAD)))
        failures = []
        for path in files:
            try:
                self._line(report(path, floors).cells(path.name))
            except readers.BadFile as bad:
                failures.append(f"{path}: {bad.code}")
                self._line((path.name, f"not read: {bad.code}", *[""] * (len(HEAD) - 2)))
        if failures:
            raise CommandError("\n".join(failures))

    def _line(self, cells: Iterable[object]) -> None:
        shown = [str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells]
        self.stdout.write(f"| {' | '.join(shown)} |".replace("  ", " "))


def report(path: Path, floors: str = Floors.AUTO) -> Report:
    """What an import of the file would make, by the importer that its first rows suggest. Raises BadFile."""
    found = Report()
    with closing(readers.Reading(path, path.name).rows()) as rows:
        first = list(islice(rows, SAMPLE))
        threads = _threads([row.value for row in first if isinstance(row.value, dict)], floors)
        found.importer = _named(threads)
        for row in chain(first, rows):
            _count(found, threads, row.value)
    return found


def _threads(sample: list[dict[str, Any]], floors: str) -> Threads:
    name = recognise(sample[:50])
    if not name or lacking(IMPORTERS[name](), sample[:50]):
        raise readers.BadFile("missing_column")
    importer = IMPORTERS[name]()
    return Threads(importer, *plan(importer, sample, floors, str), str)


def _named(threads: Threads) -> str:
    name = next(name for name, kind in IMPORTERS.items() if kind is type(threads.importer))
    return name if type(threads.importer).floor is Importer.floor or not threads.state else f"{name}, floors: {threads.mode}"


def _count(found: Report, threads: Threads, row: dict[str, Any] | BadRow) -> None:
    found.rows += 1
    if isinstance(row, BadRow):
        found.left_out[row.reason] += 1
        return
    try:
        post = threads.read(row)
    except Rejected as error:
        found.left_out[error.reason] += 1
        return
    found.again += post.external_id in found.posts
    found.posts.add(post.external_id)
