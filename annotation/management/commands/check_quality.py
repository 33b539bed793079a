"""How good the automatic checks are, on texts of our own: `manage.py check_quality`, with --markdown as the page docs/checks.md."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import override

from annotation.checks import CHECKS, ERROR
from annotation.checks.quality import LEAST_PRECISION, LEAST_RECALL, Quality, of_all
from annotation.wording import LABELS, LOOKS_FOR

CASES = Path(settings.BASE_DIR) / "tests" / "annotation" / "check_cases"
SETS = ("seen", "held_out")
HEAD = f"""# Automatic checks

Before a pair is kept, these checks look at it. An error blocks; a warning can be overruled by pressing the key a second time, and that is
counted (the page *Checks*, for leads). This page is written by `manage.py check_quality --markdown`.

A check is judged by texts of our own (`tests/annotation/check_cases`): some it should find something in, some it should leave alone,
harder ones among them. *Held out* are texts that were written after the check was last changed. Below a precision of {LEAST_PRECISION}
or a recall of {LEAST_RECALL} over all of them, a check is on trial: it says what it finds, and nobody is asked twice.

| check | name | looks for | level | texts | precision | recall | held out: texts | precision | recall |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


class Command(BaseCommand):
    help = "Precision and recall of each automatic check, on labelled texts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--markdown", action="store_true", help="as docs/checks.md")
        parser.add_argument("--misses", action="store_true", help="with the texts that a check got wrong")
        parser.add_argument("--cases", type=Path, default=CASES, help="a folder with the folders seen and held_out")

    def handle(self, *args: Any, **options: Any) -> None:
        folders = [options["cases"] / name for name in SETS]
        if not all(folder.is_dir() for folder in folders):
            raise CommandError(f"No labelled texts at {options['cases']}: they come with the source code, not with an installation.")
        rows = list(zip(of_all(folders), of_all(folders[1:]), strict=True))
        with override("en"):
            text = HEAD + "".join(_row(*row) for row in rows) if options["markdown"] else "".join(_line(*row) for row in rows)
        self.stdout.write(text, ending="")
        if options["misses"]:
            for every, _held in rows:
                for what, cases in (("missed", every.missed), ("wrong", every.wrong)):
                    for case in cases:
                        self.stdout.write(f"{every.check} {what}: {case.texts.instruction!r} → {case.texts.output!r}")


def _line(every: Quality, held: Quality) -> str:
    trial = "  on trial" if CHECKS[every.check].experimental else ""
    return (
        f"{every.check:<16} n={every.bad + every.good:<4} precision={every.precision:.2f} recall={every.recall:.2f}"
        f"   held out: n={held.bad + held.good:<3} precision={held.precision:.2f} recall={held.recall:.2f}{trial}\n"
    )


def _row(every: Quality, held: Quality) -> str:
    check = CHECKS[every.check]
    level = "blocks" if check.level == ERROR else "on trial" if check.experimental else "warns"
    cells = [
        f"`{every.check}`", LABELS[every.check], LOOKS_FOR[every.check], level, every.bad + every.good, f"{every.precision:.2f}",
        f"{every.recall:.2f}", held.bad + held.good, f"{held.precision:.2f}", f"{held.recall:.2f}",
    ]  # fmt: skip
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"
