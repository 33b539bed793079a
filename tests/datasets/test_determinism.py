"""The same version is the same bytes: whoever builds it, wherever, however many at once, and while people go on reviewing."""

import itertools
import os
import random
import subprocess
from collections import Counter

import pytest
from django.db import connection

from annotation.models import Pair
from cqia import embedded
from datasets import exporting, publishing
from datasets.models import Version
from sources.models import Post
from tests.builders import make_review, make_source

from .conftest import accepted, draft_by, take_back
from .test_preferences import DRAFT, EDITED, rejected
from .workers import ended_well, worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
soak = pytest.mark.soak
ZONES = ("UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago")
LOCALES = ("C", "C.UTF-8", "POSIX", "en_US.UTF-8", "tr_TR.UTF-8", "zh_TW.Big5")
RECIPE = {
    "splits": {"train": 0.7, "validation": 0.1, "test": 0.2}, "seed": 11, "mixture": {"lamps": {"take": 12}}, "decided_from": "2020-01-01",
    "min_reviews": 1,
}  # fmt: skip


@pytest.fixture
def dataset(reviewer):
    """Of three sources: clusters, edits, candidates, rejections, things taken back."""
    sources = [
        make_source(slug, name=slug, licence="CC-BY-4.0", platform=where)
        for slug, where in zip(("cups", "lamps", "doors"), ("tieba", "zhihu", "exam"), strict=True)
    ]
    for n, source in zip(range(54), itertools.cycle(sources), strict=False):
        output = f"{EDITED}{n}" if n % 4 == 1 else None
        pair = accepted(source, reviewer, draft=f"{DRAFT}\u2028“{n}”\t", output=output, raw={"qid": n, "answer_id": str(n), "year": "2022"})
        if n % 6 == 5:
            draft_by(pair, "b-model", f"另一份草稿，一共有不少字，第{n}份。")
            take_back(pair, reviewer)
            pair.refresh_from_db()
            review = make_review(pair, by=reviewer, draft=pair.drafts.get(number=1))
            Pair.objects.filter(pk=pair.pk).update(status="accepted", decision=review)
    for source in sources:
        rejected(source, reviewer, ["missed_joke"])
        together = list(Post.objects.filter(source=source).order_by("pk")[:5])
        Post.objects.filter(pk__in=[post.pk for post in together]).update(cluster_id=together[0].pk)
    return publishing.create_dataset(slug="all", name="全部", by=None, recipe=RECIPE)


def said(version) -> tuple:
    """All that must be the same: checksums of the whole, of each file, of all that is frozen beside."""
    version.refresh_from_db()
    assert version.state == "ready", version.error_detail
    files = sorted(version.files.values_list("name", "bytes", "sha256"))
    beside = sorted(version.preference_rows.values_list("kind", "position", "pair", "review", "draft", "split"))
    return version.sha256, tuple(version.splits.items()), tuple(files), tuple(beside), str(version.facts)


def surroundings(dice: random.Random) -> dict[str, str]:
    return {
        "PYTHONHASHSEED": str(dice.randrange(2**32)),
        "TZ": dice.choice(ZONES),
        "LC_ALL": dice.choice(LOCALES),
        "LANG": dice.choice(LOCALES),
    }


@pytest.mark.parametrize("builds", [5, pytest.param(20, marks=soak)])
def test_the_same_version_is_the_same_bytes_in_any_surroundings(dataset, tmp_path, builds):
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    dice, found, workers = random.Random(seed), Counter(), Counter()
    for n in range(builds):
        version, crew = publishing.freeze(dataset, by=None), n % 4 + 1
        around, page = surroundings(dice), dice.choice([5, 7, 1000])
        for process in [worker("build", version.pk, tmp_path, page=page, **around) for _ in range(crew)]:
            ended_well(process)
        found[said(version)] += 1
        workers[crew] += 1
        assert publishing.recompute(version) == version.sha256
    assert len(found) == 1, seed
    print(f"seed {seed}: {builds} builds by {dict(workers)} workers: {len(found) - 1} differing")  # noqa: T201


def test_a_restored_dump_gives_the_same_bytes(dataset, tmp_path):
    version = publishing.freeze(dataset, by=None)
    ended_well(worker("build", version.pk, tmp_path))
    again = publishing.freeze(dataset, by=None)
    binaries, name = embedded._postgres_binaries(), f"{connection.settings_dict['NAME']}_restored"
    here, there = (os.environ["DATABASE_URL"].replace("/zhumo?", f"/{each}?") for each in (connection.settings_dict["NAME"], name))
    dump = tmp_path / "dump"
    subprocess.run([binaries / "pg_dump", "-Fc", "-f", dump, here], check=True, capture_output=True)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'")
    try:
        subprocess.run([binaries / "pg_restore", "--no-owner", "-d", there, dump], check=True, capture_output=True)
        ended_well(worker("build", again.pk, tmp_path / "other", database=name, TZ="Asia/Shanghai"))
        ended_well(worker("build", again.pk, tmp_path))
        query = "SELECT sha256 FROM datasets_version WHERE id = " + str(again.pk)
        rebuilt = subprocess.run([binaries / "psql", "-At", "-c", query, there], check=True, capture_output=True, text=True).stdout.strip()
        theirs = {path.name: path.read_bytes() for path in (tmp_path / "other").rglob("*.*") if path.is_file()}
        assert rebuilt == Version.objects.get(pk=again.pk).sha256 == Version.objects.get(pk=version.pk).sha256
        mine = {path.name: path.read_bytes() for path in exporting.path_of(again.files.first()).parent.iterdir()}
        assert mine == theirs
        assert len(mine) >= 6
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
