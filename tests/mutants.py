"""`make test-mutants`: the code is broken on purpose in ten ways, and each time a named test must notice.

Each mutant is a text replaced in a copy of the checkout (what git knows of it, as it lies there). The named tests pass
before, and must fail after; a text that is no longer there, or there twice, fails as well. A suite that has not failed has not been tested.

    python tests/mutants.py [PART OF A NAME]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cqia import embedded

ROOT = Path(__file__).resolve().parent.parent


class Mutant(NamedTuple):
    name: str
    file: str
    changes: list[tuple[str, str]]
    test: str
    is_of_the_schema: bool = False  # needs a database of its own making: comes last


MUTANTS = [
    Mutant(
        "a version is marked as done before its files are there",
        "datasets/publishing.py",
        [
            (
                "    written = write_files(version)\n    with transaction.atomic():\n        version.finish(Version.State.READY)\n",
                "    version.finish(Version.State.READY)\n    written = write_files(version)\n    with transaction.atomic():\n",
            )
        ],
        "tests/datasets/test_publishing.py::test_a_build_killed_in_the_middle_is_made_anew_with_the_same_bytes",
    ),
    Mutant(
        "a decision on an earlier version of a pair is taken",
        "annotation/reviewing.py",
        [("if version is not None and version != pair.version:", "if False:")],
        "tests/annotation/test_seats_ahead.py::test_a_decision_on_an_earlier_version_is_refused_and_changes_nothing",
    ),
    Mutant(
        "for_user is skipped: everybody sees the pairs of every source",
        "annotation/models.py",
        [("return self.filter(source__in=Source.objects.for_user(user))", "return self.all()")],
        "tests/annotation/test_review_api.py::test_a_pair_of_a_source_of_others_is_404",
    ),
    Mutant(
        "images of strangers are shown",
        "annotation/rendering.py",
        [
            ('.enable("table").disable("image")', '.enable("table")'),
            ('TAGS = {"p",', 'TAGS = {"img", "p",'),
            ('"a": {"href"},', '"a": {"href"}, "img": {"src"},'),
        ],
        "tests/annotation/test_rendering.py::test_nothing_foreign_comes_out_of_markdown",
    ),
    Mutant(
        "redirects are followed wherever they lead",
        "sources/fetching.py",
        [
            ("wire = self._connect(address, deadline)", "wire = self._connect(address, deadline, vetted=_hop == 0)"),
            ("def _connect(self, address: Address, deadline: float)", "def _connect(self, address: Address, deadline: float, vetted=True)"),
            ("not all(self.is_public(ip) for ip in ips)", "(vetted and not all(self.is_public(ip) for ip in ips))"),
        ],
        "tests/sources/test_fetching.py::test_no_redirect_leads_inside",
    ),
    Mutant(
        "a file gets its name before its bytes are on the disk",
        "datasets/files.py",
        [("            os.fsync(out.fileno())\n", "")],
        "tests/datasets/test_files.py::test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_end",
    ),
    Mutant(
        "a reply that was cut off is a draft",
        "annotation/prompting.py",
        [('if finish == "length":', "if False:"), ('if finish != "stop" or not', "if not")],
        "tests/annotation/test_behaviours.py::test_each_way_of_answering_has_its_outcome",
    ),
    Mutant(
        "money is not set aside before a call",
        "annotation/budgets.py",
        [('fits = Q(budget=None) | Q(budget__gte=F("spent") + F("reserved") + amount)', "return True")],
        "tests/annotation/test_drafting.py::test_the_budget_is_never_passed_and_ends_the_run",
    ),
    Mutant(
        "htmx obeys what stands in a reply",
        "templates/annotation/_reply.html",
        [(" hx-disable>", ">")],
        "tests/cqia/test_house.py::test_where_markdown_of_strangers_is_shown_htmx_is_off",
    ),
    Mutant(
        "the unique index on seats is gone",
        "annotation/migrations/0001_initial.py",
        [
            (
                "models.UniqueConstraint(fields=('pair', 'seat'), name='seat_once')",
                "models.CheckConstraint(condition=models.Q(('pk__gte', 0)), name='seat_or_not')",
            )
        ],
        "tests/cqia/test_verify.py::test_so_is_an_empty_one",
        is_of_the_schema=True,
    ),
]


def main() -> None:
    wanted = [mutant for mutant in MUTANTS if (sys.argv[1] if len(sys.argv) > 1 else "") in mutant.name]
    with tempfile.TemporaryDirectory(prefix="zhumo-mutants-") as folder:
        engines = embedded.provide(Path(folder) / "var", fast=True)  # one database for all but those that change its schema
        copy = Path(folder) / "checkout"
        for name in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name, follow_symlinks=False)
        passed, said = run(copy, [mutant.test for mutant in wanted], "--create-db")
        if not passed:
            if engines:
                engines.stop()
            sys.exit(f"The tests do not pass as the code is:\n{said}")
        print(f"{'':<9}{'mutant':<64}{'seconds':>7}  noticed by", flush=True)
        alive = 0
        for mutant in wanted:
            verdict, seconds = try_out(copy, mutant)
            alive += verdict != "killed"
            print(f"{verdict:<9}{mutant.name:<64}{seconds:7.1f}  {mutant.test}", flush=True)
        if engines:
            engines.stop()
    print(f"{len(wanted) - alive} of {len(wanted)} killed")
    sys.exit(bool(alive))


def try_out(copy: Path, mutant: Mutant) -> tuple[str, float]:
    """killed | SURVIVED | STALE (its text is not, or not once, in the file)."""
    path = copy / mutant.file
    before = text = path.read_text()
    for old, new in mutant.changes:
        if text.count(old) != 1:
            return "STALE", 0.0
        text = text.replace(old, new)
    path.write_text(text)
    begun = time.monotonic()
    try:
        passed, _said = run(copy, [mutant.test], "--create-db" if mutant.is_of_the_schema else "--reuse-db")
    finally:
        path.write_text(before)
    return "SURVIVED" if passed else "killed", time.monotonic() - begun


def run(copy: Path, tests: list[str], *options: str) -> tuple[bool, str]:
    """Whether the tests pass. That something else than a test went wrong (no such test, a broken import) ends it all."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--reuse-db", *options, *tests]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode not in (0, 1):
        sys.exit(f"pytest could not run {tests}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.returncode == 0, done.stdout[-5000:]


if __name__ == "__main__":
    main()
