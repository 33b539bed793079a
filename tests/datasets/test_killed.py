"""kill -9 while a version is frozen and while its files are written, and a disk that is full: with real worker processes."""

import os
import random
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone, translation

from cqia import invariants
from datasets import exporting, files, publishing, storage
from datasets.models import Export, Version
from datasets.wording import why_failed
from tests.builders import make_source

from .conftest import accepted, sha
from .workers import WORKER, ended_well, worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
# Each page and each block takes its time, so that there is a middle in which to strike.
SLOWLY = WORKER.replace(
    "what, pk",
    """
import time
from datasets import files, freezing
copy, put = freezing._copy, files.Ahead._put
freezing._copy = lambda rows: (time.sleep(0.05), copy(rows))
files.Ahead._put = lambda self, block: (time.sleep(0.05), put(self, block))
what, pk""",
    1,
)


@pytest.fixture
def dataset(reviewer):
    source = make_source("cups", licence="CC0-1.0")
    for n in range(60):
        accepted(source, reviewer, draft=f"第{n}层没有人按铃，电梯自己来的。")
    return publishing.create_dataset(slug="all", name="全部", by=None, recipe={"splits": {"train": 0.8, "test": 0.2}})


def progressed(version: Version) -> bool:
    """Whether the worker that has it now has written records: a commit of its own takes the attempts back to none."""
    mine = Version.objects.filter(pk=version.pk, state="running", attempts=0, lease_until__gt=timezone.now())
    return mine.filter(records_count__gt=0).exists()


def struck(what: str, job: Version | Export, var: Path, when, dice: random.Random) -> bool:
    """Start a worker and kill it in the moment `when`. Whether it died of that, and not by itself before."""
    process = worker(what, job.pk, var, page=4, program=SLOWLY)
    deadline = time.monotonic() + 120
    while process.poll() is None and not when() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(dice.random() * 0.04)
    process.kill()
    errors = process.communicate()[1].decode()
    assert process.returncode in (0, -signal.SIGKILL), errors[-2000:]
    type(job).objects.filter(pk=job.pk, state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    return process.returncode == -signal.SIGKILL


def named(folder: Path) -> set[str]:
    """Everything that has its name is whole: it begins with its own checksum."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != files.ASIDE]
    assert all(path.name.startswith(sha(path.read_bytes())[:12]) for path in found)
    return {path.relative_to(folder).as_posix() for path in found}


def aside(folder: Path) -> list[Path]:
    return list((folder / storage.ASIDE).glob(".*"))


def swept(folder: Path) -> bool:
    """Whether the next worker that looks around removes what the dead ones left."""
    for path in aside(folder):
        os.utime(path, (0, 0))
    publishing.tidy()
    return not aside(folder)


def test_a_worker_that_is_killed_while_it_freezes_and_writes_leaves_nothing_half(dataset, tmp_path, folder):
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    dice, deaths = random.Random(seed), []
    undisturbed, version = publishing.freeze(dataset, by=None), publishing.freeze(dataset, by=None)
    ended_well(worker("build", undisturbed.pk, tmp_path))
    before = named(folder)
    for moment in ["records"] * 3 + ["files"] * 3:
        known = len(aside(folder))
        moments = {"records": lambda: progressed(version), "files": lambda known=known: len(aside(folder)) > known}
        if struck("build", version, tmp_path, moments[moment], dice):
            deaths.append(moment)
        if Version.objects.get(pk=version.pk).state == "running":
            assert not version.files.exists(), seed
        named(folder)
    ended_well(worker("build", version.pk, tmp_path))
    for each in (undisturbed, version):
        each.refresh_from_db()
    assert (version.state, version.sha256, version.splits) == ("ready", undisturbed.sha256, undisturbed.splits), seed
    assert named(folder) - before == {exporting.key_of(file) for file in version.files.select_related("version__dataset")}
    left = len(aside(folder))
    assert swept(folder)
    assert [*invariants.versions(), *invariants.files()] == []
    print(f"seed {seed}: killed at {deaths}, {left} halves left aside and swept")  # noqa: T201
    assert {"records", "files"} <= set(deaths)
    assert left > 0


def test_a_worker_that_is_killed_while_it_writes_a_bundle_leaves_no_half_bundle(dataset, tmp_path, folder):
    dice, version = random.Random(), publishing.freeze(dataset, by=None)
    ended_well(worker("build", version.pk, tmp_path))
    version.refresh_from_db()
    before, job = named(folder), exporting.order(version, "bundle", "zip", by=None)
    assert struck("export", job, tmp_path, lambda: any(path.stat().st_size for path in aside(folder)), dice)
    assert named(folder) == before
    assert not version.files.filter(schema="bundle").exists()
    ended_well(worker("export", job.pk, tmp_path))
    job.refresh_from_db()
    assert (job.state, len(named(folder) - before)) == ("succeeded", 1)
    assert swept(folder)
    assert list(invariants.files()) == []


def test_a_disk_that_is_full_fails_with_a_sentence_and_nothing_is_lost(dataset, tmp_path, folder):
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))\n" + WORKER
    version = publishing.freeze(dataset, by=None)
    ended_well(worker("build", version.pk, tmp_path, program=full))
    version.refresh_from_db()
    assert (version.state, version.error_code) == ("failed", "disk")
    with translation.override("en"):
        assert "make room on the server's disk" in why_failed(version)
    assert named(folder) == set()
    assert aside(folder) == []
    again = publishing.freeze(dataset, by=None)
    ended_well(worker("build", again.pk, tmp_path))
    again.refresh_from_db()
    job = exporting.order(again, "bundle", "zip", by=None)
    ended_well(worker("export", job.pk, tmp_path, program=full))
    job.refresh_from_db()
    assert (job.state, job.error_code, aside(folder)) == ("failed", "disk", [])
    assert [*invariants.versions(), *invariants.files()] == []
