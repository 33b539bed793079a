"""An import of 20,000 rows, interrupted again and again by the worst that can happen, ends like an undisturbed one.

The worker is a process of its own, the process that reads is its child, the database is the real one. Strikes fall at random
moments (the seed is printed): kill -9 of the worker, kill -9 of its child, the end of its connection to the database.
"""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from sources import importing, screening
from sources.models import ImportRun, Post
from tests.builders import make_source

SCREENS = [
    {"screen": "duplicate"},
    {"screen": "length", "field": "title", "min": 4},
    {"screen": "near_duplicate", "field": "title", "across": False},
]
WORKER = """
import sys
import django
django.setup()
from sources import importing, readers
readers.BATCH = int(sys.argv[2])
importing.run_import(int(sys.argv[1]))
"""
WORDS = "月亮 雨伞 电梯 影子 闹钟 冰箱 围巾 邮筒 路灯 楼梯 橡皮 地图 风筝 帽子 钥匙 台灯 毛巾 杯子 镜子 书包"
COLUMNS = ("id", "title", "body", "votes")
MISSED = 3  # strikes without a batch in between after which a job has failed, and rightly so


def rows_of(count: int, dice: random.Random) -> list[dict[str, str]]:
    """3 % without any text, 5 % that are an earlier row again, 5 % with the text of an earlier row, 3 % that read much like another."""
    words, rows = WORDS.split(), list[dict[str, str]]()
    for number in range(count):
        chance = dice.random()
        if chance < 0.03:
            rows.append({"id": f"{number}", "title": "", "body": "", "votes": "3"})
        elif chance < 0.08 and rows:
            rows.append(dice.choice(rows))
        elif chance < 0.13 and rows:
            rows.append(dice.choice(rows) | {"id": f"{number}"})
        elif chance < 0.16:
            rare = "".join(chr(dice.randrange(0x4E00, 0x9FA0)) for _ in range(8))
            rows += [{"id": f"{number}{end}", "title": f"{rare}迟到了{end}", "body": "", "votes": "7"} for end in ("吗", "么")]
        else:
            title = "和".join(dice.choices(words, k=4)) + f"一起排到第{dice.randrange(5_000)}号，算不算{dice.choice(words)}迟到？"
            rows.append({"id": f"{number}", "title": title, "body": f"正文\n“{number}”", "votes": f"{dice.randrange(900)}"})
    return rows[:count]


def as_jsonl(rows: list[dict[str, str]]) -> bytes:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    return "\n".join(line if number % 500 else '{"broken' for number, line in enumerate(lines, 1)).encode()


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] + ["one too many"] * (number % 500 == 0) for number, row in enumerate(rows, 1))
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, str]]) -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), data, row_group_size=1_500)
    return data.getvalue()


def as_xlsx(rows: list[dict[str, str]]) -> bytes:
    book, data = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    sheet.append(COLUMNS)
    for row in rows:
        sheet.append([row[name] for name in COLUMNS])
    book.save(data)
    return data.getvalue()


FORMATS = {
    "jsonl": as_jsonl,
    "csv": as_csv,
    "json": lambda rows: json.dumps([row if n % 500 else n for n, row in enumerate(rows, 1)], ensure_ascii=False, indent=1).encode(),
    "parquet": as_parquet,
    "xlsx": as_xlsx,
}


def ordered(content: bytes, name: str) -> ImportRun:
    stored = importing.store(io.BytesIO(content), name)
    return importing.start_import(make_source(screens=SCREENS), stored, name=name, by=None)[0]


def outcome(run: ImportRun) -> dict[str, object]:
    """All that an import leaves behind; other posts are named by their rows."""
    run.refresh_from_db()
    row_of = dict(run.posts.values_list("pk", "row"))
    fields = ("row", "external_id", "title", "body", "votes", "content_hash", "status", "drop_reason", "drop_value", "cluster")
    posts = []
    for *found, reason, value, cluster in run.posts.order_by("pk").values_list(*fields):
        posts.append((*found, reason, row_of[int(value)] if reason.endswith("duplicate") else value, row_of.get(cluster)))
    return {
        "counts": (run.state, run.error_code, run.read, run.created, run.known, run.rejected, run.waiting), "posts": posts,
        "rejected": list(run.rejected_rows.order_by("row").values_list("row", "reason", "detail", "raw")),
    }  # fmt: skip


class Worker:
    """A process that does the work of a run."""

    def __init__(self, run: ImportRun, var: Path, batch: int) -> None:
        self.run = run
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        environment = os.environ | {
            "DATABASE_URL": database, "CQIA_VAR": str(var), "SECRET_KEY": django_settings.SECRET_KEY,
            "DJANGO_SETTINGS_MODULE": "cqia.settings", "CQIA_PROCESS": "worker",
        }  # fmt: skip
        ImportRun.objects.filter(pk=run.pk, state="running").update(lease_until=timezone.now())  # the time of the dead is over
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(run.pk), str(batch)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> bool:
        self.process.kill()
        return True

    def kill_child(self) -> bool:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == self.process.pid:
                os.kill(int(stat.parent.name), signal.SIGKILL)
                return True
        return False

    def cut_off(self) -> bool:
        """Its connections, which are all but ours."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return bool(cursor.fetchone()[0])


def disturbed(run: ImportRun, var: Path, *, strikes: int, rows: int, batch: int, dice: random.Random) -> list[str]:
    """Do the work of the run, and strike so many times. Gives what happened."""
    worker, happened, before, missed = Worker(run, var, batch), list[str](), -1, 0
    at = sorted(dice.randrange(rows // 2) for _ in range(strikes))  # the other half leaves time for all of them to fall
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.state not in ("queued", "running"):
            worker.process.communicate()
            return happened
        if worker.is_over():
            errors = worker.process.communicate()[1].decode()
            assert "Traceback" not in errors or "connection" in errors.rsplit("\n", 2)[-2], errors
            worker = Worker(run, var, batch)
        may_strike = run.state == "running" and len(happened) < strikes and run.read >= at[len(happened)]
        if may_strike and (run.read > before or missed + 1 < MISSED):
            time.sleep(dice.random() * 0.05)
            strike = dice.choice((worker.kill, worker.kill_child, worker.cut_off))
            if strike():
                happened.append(strike.__name__)
                missed = 0 if run.read > before else missed + 1
                before = run.read
        time.sleep(0.005)
    worker.kill()
    raise AssertionError(f"not over: {run.state} at row {run.read} after {happened}")


def check(name: str, tmp_path: Path, settings, *, rows: int, strikes: int, batch: int) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"seed {seed}")  # noqa: T201
    dice = random.Random(seed)
    settings.UPLOADS = tmp_path / "uploads"
    content = FORMATS[name](rows_of(rows, dice))
    undisturbed = ordered(content, f"x.{name}")
    importing.run_import(undisturbed.pk)
    screening.screen(undisturbed.source)
    run = ordered(content, f"x.{name}")
    happened = disturbed(run, tmp_path, strikes=strikes, rows=rows, batch=batch, dice=dice)
    screening.screen(run.source)
    assert len(happened) == strikes, (seed, happened)
    mine, theirs = outcome(run), outcome(undisturbed)
    different = [pair for pair in zip(mine["posts"], theirs["posts"], strict=False) if pair[0] != pair[1]]
    assert not different, (seed, different[:3])
    assert mine == theirs, seed
    kinds = {kind: happened.count(kind) for kind in sorted(set(happened))}
    reasons = list(run.posts.order_by("drop_reason").values_list("drop_reason", flat=True).distinct())
    print(f"{name}: {rows} rows, {strikes} strikes {kinds}: {outcome(run)['counts']} {reasons}")  # noqa: T201
    assert reasons == ["", "duplicate", "near_duplicate"]
    assert run.known
    assert run.rejected
    assert not Post.objects.filter(status="new").exists()


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", FORMATS)
def test_an_import_that_is_struck_down_again_and_again_ends_like_any_other(name, tmp_path, settings):
    check(name, tmp_path, settings, rows=2_000, strikes=4, batch=100)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", FORMATS)
def test_an_import_of_20000_rows_that_is_struck_down_25_times_ends_like_any_other(name, tmp_path, settings):
    check(name, tmp_path, settings, rows=20_000, strikes=25, batch=100)
