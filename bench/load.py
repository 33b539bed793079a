"""A busy afternoon: 50 reviewers at one action per 5 s, two imports, a draft run and an export, in a house of 100,000 pairs, for three
minutes. `make bench-load`.

The whole product runs as `make run` starts it, with the demo's own provider. Half of the pairs are accepted already: the export freezes
them. Reviewers claim and submit by the API and look at pages in turn; times are theirs. Memory is that of all processes but the
engines, and its slope a straight line through the second half of the time, of the processes that stay (where it would be a leak).

    --pairs 100000 --seconds 180 --reviewers 50
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.posts import write
from bench.review import PEOPLE, REVIEWERS, Reviewer, fill, p95
from tests.house import House, wait_for
from tests.processes.test_main_job import annual

PAGES = ("/review/?source=ruozhiba", "/review/items/", "/datasets/", "/accounts/password/")
GOALS = {"claim_p95_ms": 150, "submit_p95_ms": 200, "page_p95_ms": 400, "errors": 0, "memory_mb_per_min": 5.0}
EVERY = 5.0  # seconds between two actions of one person
ROWS, DRAFTS = 20_000, 500  # of each import; posts of the draft run, three candidates each
ACCEPT = (
    "SET session_replication_role = replica",
    """INSERT INTO annotation_review (verdict, instruction, input, output, before, shown, task_type, domain, reasons, comment, bypassed,
       seconds, pair_version, op_id, op_digest, at, by_id, draft_id, pair_id)
       SELECT 'accept', p.instruction, '', p.output, '{}', '[]', p.task_type, p.domain, '[]', '', '[]', 9, 1, gen_random_uuid(), 'x', now(),
       (SELECT min(id) FROM accounts_user), d.id, p.id FROM annotation_pair p JOIN annotation_draft d ON d.pair_id = p.id
       WHERE p.id % 2 = 0""",
    "UPDATE annotation_pair p SET status = 'accepted', decision_id = r.id, version = 2 FROM annotation_review r WHERE r.pair_id = p.id",
)


class Person(Reviewer):
    """One action every few seconds, at no fixed beat: a decision (claim and submit), or a look at a page."""

    def spend(self, until: float, dice: random.Random) -> None:
        time.sleep(dice.uniform(0, EVERY))
        while time.monotonic() < until:
            begun = time.monotonic()
            try:
                if dice.random() < 0.7:
                    self.decide_by_api()
                else:
                    self.look(dice.choice(PAGES))
            except OSError as error:
                self.refused[type(error).__name__] += 1
                self.line.close()
            time.sleep(max(0.0, dice.uniform(0.5, 1.5) * EVERY - (time.monotonic() - begun)))

    def look(self, path: str) -> None:
        begun = time.perf_counter()
        self.line.request("GET", path, headers={"Cookie": f"sessionid={self.session}"})
        answer = self.line.getresponse()
        answer.read()
        self.times["page"].append((time.perf_counter() - begun) * 1000)
        if answer.status != 200:
            self.refused[f"{path} {answer.status}"] += 1


def memory(house: House) -> dict[int, float]:
    """Megabytes of each process of web, workers, beat and supervisor."""
    found = {}
    for pid, command in house.pids().items():
        if "gunicorn" in command or "celery" in command or "manage.py run" in command:
            with suppress(OSError):
                found[pid] = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    return found


def growth(points: list[tuple[float, dict[int, float]]]) -> dict[str, float]:
    """Megabytes a minute: of the processes that stay, where it would be a leak, and of all, children that read a file included."""
    stay = set.intersection(*(set(by_pid) for _at, by_pid in points))
    staying = [(at, sum(by_pid[pid] for pid in stay)) for at, by_pid in points]
    return {
        "memory_mb_per_min": round(slope(staying), 1),
        "with_children_mb_per_min": round(slope([(at, sum(by_pid.values())) for at, by_pid in points]), 1),
    }


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line through the points, per minute."""
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _y in points)
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def prepare(house: House, folder: Path, pairs: int, reviewers: int) -> tuple[list[list[str]], str]:
    said = house.manage("shell", "-v", "0", "-c", PEOPLE.replace(f"range({REVIEWERS})", f"range({reviewers})")).stdout
    people = json.loads(next(line for line in said.splitlines() if line.startswith("PEOPLE "))[7:])
    fill(house, 1, pairs)
    with psycopg.connect(json.loads((house.var / "engines.json").read_text())["database"], autocommit=True) as connection:
        for statement in ACCEPT:
            connection.execute(statement)
    admin = house.manage("create_token", "admin").stdout.strip()
    house.manage("import_posts", "ruozhiba", str(annual(folder / "drafted.json", DRAFTS)), seconds=600)
    house.api("POST", "/datasets/", admin, {"slug": "load", "name": "load", "sources": ["ruozhiba"]})
    for seed in (1, 2):
        write(folder / f"{seed}.jsonl", ROWS, seed)
    return people, admin


def begin(house: House, folder: Path, admin: str) -> list[threading.Thread]:
    """Two imports, the draft run and the export, all at once."""
    assert house.api("POST", "/sources/ruozhiba/draft-runs/", admin, {"candidates": 3})[0] == 202
    assert house.api("POST", "/datasets/load/versions/", admin, {"include_unknown_licence": True})[0] == 202
    imports = [
        threading.Thread(target=house.manage, args=("import_posts", "zhihu", str(folder / f"{n}.jsonl")), kwargs={"seconds": 900})
        for n in (1, 2)
    ]
    for thread in imports:
        thread.start()
    return imports


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--pairs", type=int, default=100_000)
    asked.add_argument("--seconds", type=float, default=180)
    asked.add_argument("--reviewers", type=int, default=50)
    sizes = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        house = House(folder / "var", CQIA_DEMO="0")
        house.start(seconds=300)
        people, admin = prepare(house, folder, sizes.pairs, sizes.reviewers)
        address = urllib.parse.urlsplit(house.url).netloc
        persons = [Person(address, token, session, "ruozhiba") for token, session in people]
        print(f"{sizes.pairs:,} pairs, {sizes.reviewers} reviewers", flush=True)
        imports = begin(house, folder, admin)
        begun, points = time.monotonic(), []
        threads = [threading.Thread(target=one.spend, args=(begun + sizes.seconds, random.Random(n))) for n, one in enumerate(persons)]
        for thread in threads:
            thread.start()
        while (now := time.monotonic() - begun) < sizes.seconds:
            points.append((now, memory(house)))
            time.sleep(1)
        for thread in [*threads, *imports]:
            thread.join()
        wait_for(lambda: house.one("SELECT count(*) FROM datasets_version WHERE state IN ('queued', 'running')") == 0, 300)
        figures = judged(house, persons, points, sizes.seconds)
        house.stop()
    held = {key: figures[key] <= goal for key, goal in GOALS.items()}
    print(json.dumps({"bench": "load", "pairs": sizes.pairs, **figures, "goals": GOALS, "held": held}))


def judged(house: House, persons: list[Person], points: list[tuple[float, dict[int, float]]], seconds: float) -> dict[str, Any]:
    times = {kind: [took for one in persons for took in one.times[kind]] for kind in ("claim", "submit", "page")}
    refused = sum((one.refused for one in persons), Counter())
    kept = Counter(pair for (pair,) in house.sql("SELECT pair_id FROM annotation_review"))
    made = [pair for one in persons for pair in one.made]
    return {
        **{f"{kind}_p95_ms": p95(took) for kind, took in times.items() if len(took) > 1},
        "errors": refused.total(), "refused": dict(refused),
        "actions": sum(map(len, times.values())), "actions_per_s": round(sum(map(len, times.values())) / seconds, 1),
        "lost": len(set(made) - set(kept)), "doubled": sum(n > 1 for n in kept.values()),
        "memory_mb": round(sum(points[-1][1].values())), **growth([point for point in points if point[0] >= seconds / 2]),
        "drafted": house.one("SELECT count(*) FROM annotation_modelcall WHERE state = 'done'"),
        "imported": house.one("SELECT coalesce(sum(created), 0) FROM sources_importrun WHERE sha256 <> 'x'"),
        "frozen": house.one("SELECT coalesce(max(records_count), 0) FROM datasets_version"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
