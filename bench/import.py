"""A large import as a user has it: `make bench-import`, or `python bench/import.py ROWS …`.

Posts like Zhihu's (see posts.py) go into the preset source `zhihu` of a product that runs with all its processes: stored, read,
cleaned, judged by all screens of the preset, exact and near duplicates among them, and searchable by title. The clock runs from the
upload's end until the last post is decided and the last title is found. Beside it stands a plain COPY of the same rows into
a table without indexes but its key, into the same database in the same run. The peak of memory is that of the largest process.

Files are made once, in the directory for temporary files.
"""

import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from bench.posts import write
from tests.house import House

SIZES = (100_000, 1_000_000)
GOAL, GOAL_LARGE, GOAL_MEMORY = 5_000, 0.7, 500  # rows/s; share of it at the largest size; MB
START = """
import os
from sources import importing, presets, tasks
from sources.jobs import send_hint
from sources.models import Source
presets.ensure("zhihu")
with open(os.environ["FILE"], "rb") as file:
    stored = importing.store(file, "posts.jsonl")
run, _ = importing.start_import(Source.objects.get(slug="zhihu"), stored, name="posts.jsonl", by=None)
send_hint(tasks.import_file, run.pk)
"""
OPEN = "SELECT count(*) FROM sources_importrun WHERE state IN ('queued', 'running') OR waiting > 0"
COLUMNS = {
    "id": "bigint PRIMARY KEY", "source_id": "bigint", "run_id": "bigint", "row": "int", "external_id": "text", "url": "text",
    "title": "text", "body": "text", "answer": "text", "votes": "int", "author": "text", "question_id": "text", "raw": "text",
    "content_hash": "text", "status": "text", "drop_reason": "text", "drop_value": "text", "created_at": "timestamptz",
}  # fmt: skip


PARTS = ("sources.reading.child", "-Q work", "-Q draft", "gunicorn", "beat", "postgres", "manage.py run")


class Memory(threading.Thread):
    """The peak of each process of a house, in MB, by what it is; and the processor's seconds that all of a kind took."""

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self.house, self.peaks, self.is_over = house, dict[str, int](), threading.Event()
        self.spent: dict[int, tuple[str, float]] = {}
        self.start()

    def run(self) -> None:
        while not self.is_over.wait(0.3):
            for pid, command, peak, seconds in processes(self.house.process.pid):
                name = next((part for part in PARTS if part in command), "other")
                self.peaks[name] = max(peak, self.peaks.get(name, 0))
                self.spent[pid] = name, seconds

    def seconds(self) -> dict[str, float]:
        found = dict[str, float]()
        for name, seconds in list(self.spent.values()):
            found[name] = round(found.get(name, 0) + seconds, 1)
        return found


def processes(root: int) -> list[tuple[int, str, int, float]]:
    """Number, command, peak of memory and processor's seconds of a process and all that it started."""
    parents, found = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            status, command = (folder / "status").read_text(), (folder / "cmdline").read_bytes()
            parents[int(folder.name)] = int(status.split("PPid:")[1].split()[0])
            ticks = (folder / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
            name, peak = command.replace(b"\0", b" ").decode(), int(status.split("VmHWM:")[1].split()[0]) // 1024
            found[int(folder.name)] = int(folder.name), name, peak, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return [found[pid] for pid in family if pid in found]


def quiet(memory: Memory) -> dict[str, float]:
    """Wait until a house that has just started does nothing more."""
    while True:
        before = sum(memory.seconds().values())
        time.sleep(2)
        if sum(memory.seconds().values()) - before < 0.4:
            return memory.seconds()


def measure(rows: int) -> dict[str, object]:
    file = write(Path(tempfile.gettempdir()) / "zhumo-bench" / f"posts-{rows}.jsonl", rows)
    with tempfile.TemporaryDirectory() as var:
        house = House(Path(var) / "var", CQIA_DEMO="0")
        house.start()
        try:
            return _measured(house, file, rows)
        finally:
            house.stop()


def _measured(house: House, file: Path, rows: int) -> dict[str, object]:
    memory = Memory(house)
    begun_with = quiet(memory)
    house.manage("shell", "-c", START, seconds=600, FILE=str(file))
    begun = house.one("SELECT extract(epoch FROM created_at) FROM sources_importrun")
    read = 0.0
    while house.one(OPEN) or house.one("SELECT EXISTS (SELECT FROM sources_post WHERE status = 'new')"):
        if not read and house.one("SELECT state FROM sources_importrun") != "running":
            read = time.time() - float(begun)
        time.sleep(0.1)
    seconds = time.time() - float(begun)
    state, *counts = house.sql("SELECT state, read, created, known, rejected FROM sources_importrun")[0]
    assert (state, counts[0]) == ("succeeded", rows), (state, counts)
    verdicts = dict(house.sql("SELECT coalesce(nullif(drop_reason, ''), status), count(*) FROM sources_post GROUP BY 1 ORDER BY 2 DESC"))
    title = house.one("SELECT title FROM sources_post ORDER BY id DESC LIMIT 1")
    token = house.manage("create_token", "admin").stdout.strip()
    found = house.api("GET", f"/posts/?source=zhihu&search={_quoted(title[:12])}", token)[1]["results"]
    assert any(post["title"] == title for post in found), "the last title is not found"
    memory.is_over.set()
    plain = copy(house)
    print(f"{rows:>9,} rows: {rows / seconds:7,.0f} rows/s ({seconds:.1f} s, of which {seconds - read:.1f} s comparing); "
          f"plain COPY {rows / plain:,.0f} rows/s, {seconds / plain:.1f} times as fast")  # fmt: skip
    print(f"          {verdicts}")
    print(f"          peaks in MB: {memory.peaks}")
    print(f"          processor's seconds: {memory.seconds()}, of {begun_with} before", flush=True)
    return {
        "rows": rows, "bytes": file.stat().st_size, "rows_per_second": round(rows / seconds), "seconds": round(seconds, 1),
        "copy_rows_per_second": round(rows / plain), "times_copy": round(seconds / plain, 1), "verdicts": verdicts,
        "peak_mb": max(memory.peaks.values()), "peaks_mb": memory.peaks,
    }  # fmt: skip


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


def copy(house: House) -> float:
    """Seconds of a plain COPY of the same rows, which lie in memory a part at a time."""
    address = json.loads((house.var / "engines.json").read_text())["database"]
    seconds, at, names = 0.0, 0, ", ".join(COLUMNS)
    with psycopg.connect(address, autocommit=True) as source, psycopg.connect(address, autocommit=True) as target:
        target.execute(f"CREATE TABLE plain ({', '.join(map(' '.join, COLUMNS.items()))})")
        while True:
            query = f"COPY (SELECT {names} FROM sources_post WHERE id > {at} ORDER BY id LIMIT 20000) TO STDOUT"
            with source.cursor().copy(query) as part:
                data = b"".join(part)
            if not data:
                return seconds
            at = int(data.rstrip(b"\n").rsplit(b"\n", 1)[-1].split(b"\t", 1)[0])
            begun = time.perf_counter()
            with target.cursor().copy(f"COPY plain ({names}) FROM STDIN") as into:
                into.write(data)
            seconds += time.perf_counter() - begun


def main() -> int:
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    found = [measure(size) for size in sizes]
    first, last = found[0], found[-1]
    share = last["rows_per_second"] / first["rows_per_second"]  # type: ignore[operator]
    holds = first["rows_per_second"] >= GOAL and share >= GOAL_LARGE and max(each["peak_mb"] for each in found) < GOAL_MEMORY  # type: ignore[operator]
    print(json.dumps({"bench": "import", "runs": found, "share_of_the_rate_at_the_largest": round(share, 2),
                      "goals": {"rows_per_second": GOAL, "share": GOAL_LARGE, "peak_mb": GOAL_MEMORY}, "holds": holds}))  # fmt: skip
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
