"""Faults all over the house while four people review, a file is imported, drafts are written and versions frozen: nothing that was
answered is lost, nothing is done twice, nothing stays stuck.

`make test-faults` is 60 faults in eight minutes; with SEED=… the same again (as far as the machine's own timing allows).
"""

import json
import os
import random
import threading
import time
import urllib.error
import uuid
from collections import Counter

import pytest

from tests.engines import Postgres, Redis
from tests.house import House, wait_for
from tests.processes import test_review_kills
from tests.processes.conftest import Provider
from tests.processes.faults import ALL, FEW, Faults
from tests.processes.test_main_job import START_IMPORT, annual

pytestmark = pytest.mark.soak
REVIEWERS, PACE = 4, 0.25
JOBS = ("sources_importrun", "annotation_draftrun", "datasets_version")


class Asking:
    """One person's patience: the same request with the same key until there is an answer that is one."""

    def __init__(self, house: House, token: str) -> None:
        self.house, self.token, self.odd = house, token, Counter()
        self.told: list[tuple[int, int]] = []

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, object]:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                status, said = self.house.api(method, path, self.token, body, **headers)
            except (OSError, urllib.error.URLError, ValueError, EOFError):
                status, said = 0, None
            except Exception as error:
                status, said = 0, repr(error)
            if status and status < 500:
                return status, said
            self.odd[status] += 1
            time.sleep(0.3)
        raise AssertionError(f"{method} {path}: no answer in two minutes")

    def review(self, over: threading.Event) -> None:
        turn = 0
        while not over.is_set():
            status, seat = self.ask("POST", "/assignments/", {"source": "ruozhiba"})
            if status != 201:
                self.odd[f"claim {status}"] += 1
                time.sleep(1)
                continue
            pair, draft, turn = seat["pair"], seat["drafts"][0], turn + 1
            body = {"assignment": seat["id"], "token": seat["token"], "draft": draft["id"], "instruction": pair["instruction"], "input": ""}
            body |= {"verdict": ("accept", "edit")[turn % 2], "output": draft["output"] + ("改。" if turn % 2 else "")}
            key = {"Idempotency-Key": str(uuid.uuid4())}
            status, made = self.ask("POST", f"/pairs/{pair['id']}/reviews/", body, **key)
            if status == 201:
                self.told.append((pair["id"], made["id"]))
            else:
                self.odd[f"submit {status}"] += 1
            time.sleep(PACE)


class Siege:
    """A house with everything going on."""

    def __init__(self, folder, provider: Provider, decisions: int, rows: int, drafts: int) -> None:
        self.postgres, self.broker, self.rows = Postgres(folder / "postgres"), Redis(folder / "redis"), rows
        self.postgres.start()
        self.broker.start()
        urls = {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.broker.url}
        self.house = House(folder / "var", CQIA_DEMO="0", **urls, **provider.environment())
        self.house.start(seconds=300)
        people = test_review_kills.PEOPLE.replace(f"{test_review_kills.DECISIONS}", str(decisions))
        said = self.house.manage("shell", "-v", "0", "-c", people).stdout
        tokens = json.loads(next(line for line in said.splitlines() if line.startswith("TOKENS "))[7:])
        self.reviewers = [Asking(self.house, token) for token in tokens[:REVIEWERS]]
        self.admin = Asking(self.house, self.house.manage("create_token", "admin").stdout.strip())
        self.over = threading.Event()
        self.folder, self.drafts = folder, drafts

    def begin(self) -> None:
        self.house.manage("import_posts", "ruozhiba", str(annual(self.folder / "first.json", self.drafts, seed=3)))
        assert self.admin.ask("POST", "/sources/ruozhiba/draft-runs/", {})[0] == 202
        self.house.manage("shell", "-c", START_IMPORT, seconds=120, FILE=str(annual(self.folder / "annual.json", self.rows, seed=8)))
        assert self.admin.ask("POST", "/datasets/", {"slug": "first", "name": "第一份", "sources": ["ruozhiba"]})[0] == 201
        self.threads = [threading.Thread(target=one.review, args=(self.over,)) for one in self.reviewers]
        for thread in self.threads:
            thread.start()

    def freeze(self) -> None:
        """Order a version of what is decided by now; one that is being built may be the answer."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        self.admin.ask("POST", "/datasets/first/versions/", {"include_unknown_licence": True}, **key)

    def end(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(180)
            assert not thread.is_alive(), "a reviewer waits for ever"

    def stuck(self) -> list[tuple[str, int]]:
        counted = [(table, self.house.one(f"SELECT count(*) FROM {table} WHERE state IN ('queued', 'running')")) for table in JOBS]
        counted.append(("drafting", self.house.one("SELECT count(*) FROM annotation_pair WHERE status = 'drafting'")))
        counted.append(("sending", self.house.one("SELECT count(*) FROM annotation_modelcall WHERE state IN ('queued', 'sending')")))
        return [(name, count) for name, count in counted if count]

    def stop(self) -> None:
        self.over.set()
        self.house.stop()
        self.postgres.stop()
        self.broker.stop()


@pytest.mark.parametrize(
    ("deeds", "seconds", "decisions", "rows", "drafts"),
    [(FEW, 45, 2_000, 8_000, 150), pytest.param(ALL, 480, 9_000, 40_000, 2_000, marks=pytest.mark.soak)],
    ids=["6-faults", "60-faults"],
)
def test_nothing_is_lost_doubled_or_stuck_whatever_fails(tmp_path, provider: Provider, deeds, seconds, decisions, rows, drafts):
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    dice = random.Random(seed)
    print(f"\nSEED={seed}")  # noqa: T201 - to play it again
    siege = Siege(tmp_path, provider, decisions, rows, drafts)
    try:
        siege.begin()
        hit = strike(siege, dice, dice.sample(deeds, len(deeds)), seconds)
        siege.end()
        siege.freeze()
        wait_for(lambda: not siege.stuck(), 120)
        judge(siege, provider)
        assert set(hit) == set(+hit), f"faults that hit nothing: {hit}"
    finally:
        siege.stop()


def strike(siege: Siege, dice: random.Random, deeds, seconds: float) -> Counter:
    faults, hit, begun = Faults(siege.house, siege.postgres, siege.broker, dice), Counter(), time.monotonic()
    for at, deed in enumerate(deeds):
        time.sleep(max(0.0, begun + at * seconds / len(deeds) - time.monotonic()))
        if at % 5 == 0:
            threading.Thread(target=siege.freeze, daemon=True).start()
        hit[deed.__name__] += wait_for(lambda deed=deed: deed(faults), 60, every=0.5)  # a process may be about to be started again
        print(f"{time.monotonic() - begun:6.1f} s  {deed.__name__}: {sum(len(one.told) for one in siege.reviewers)} decided", flush=True)  # noqa: T201
    return hit


def judge(siege: Siege, provider: Provider) -> None:
    house, told = siege.house, [pair for one in siege.reviewers for pair in one.told]
    kept = house.sql("SELECT pair_id, id FROM annotation_review WHERE verdict IN ('accept', 'edit', 'reject')")
    odd = sum((one.odd for one in [*siege.reviewers, siege.admin]), Counter())
    figures = {"decided": len(told), "lost": len(set(told) - set(kept)), "odd": dict(odd)}
    figures["doubled"] = sum(n > 1 for n in Counter(pair for pair, _review in kept).values())
    ledger = house.sql("SELECT key, count(*) FROM annotation_modelcall WHERE state IN ('sending', 'done', 'unknown') GROUP BY key")
    figures |= {"paid_twice": sum(number > 1 for _key, number in ledger), "calls": len(ledger), "seen": len(provider.requests())}
    figures["versions"] = house.one("SELECT count(*) FROM datasets_version WHERE state = 'ready'")
    print(json.dumps(figures))  # noqa: T201
    assert figures["decided"] > 50
    assert (figures["lost"], figures["doubled"], figures["paid_twice"]) == (0, 0, 0)
    assert figures["seen"] <= figures["calls"]
    assert not odd[500], "a server error"
    assert figures["versions"] >= 1
    run = house.sql("SELECT state, read, created, known + rejected FROM sources_importrun ORDER BY id DESC LIMIT 1")[0]
    assert run == ("succeeded", siege.rows, siege.rows, 0)
    assert house.manage("verify").returncode == 0
