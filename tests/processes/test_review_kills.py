"""kill -9 of web, worker, database and broker while people decide: what was answered 2xx is there, once, and the log adds up."""

import http.client
import itertools
import json
import os
import signal
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from tests.house import House, wait_for

pytestmark = pytest.mark.processes
DECISIONS, REVIEWERS = 500, 4
VICTIMS = ("gunicorn", "-Q work", "postgres", "broker", "gunicorn", "-Q draft", "postgres", "broker")
PEOPLE = f"""
import io, json
from accounts.models import ApiToken, User
from annotation.models import Draft, Pair
from sources.models import ImportRun, Post, Source
from sources.uploads import store
stored = store(io.BytesIO(b"[]"), "x.jsonl")
source = Source.objects.get(slug="ruozhiba")
run = ImportRun.objects.create(
    source=source, file_name="x.jsonl", size=stored.size, sha256=stored.sha256, state="succeeded", read={DECISIONS}, created={DECISIONS},
)
common = dict(source=source, run=run, status="kept")
numbers = range(1, {DECISIONS} + 1)
posts = [Post(row=n, external_id=str(n), title=f"第{{n}}问", content_hash=str(n), **common) for n in numbers]
Post.objects.bulk_create(posts)
pairs = [Pair(post=post, source=source, instruction=post.title, output="答曰不知。", status="pending") for post in posts]
Pair.objects.bulk_create(pairs)
Draft.objects.bulk_create(Draft(pair=pair, number=1, output=pair.output) for pair in pairs)
people = [User.objects.create(username=f"r{{n}}", role="reviewer", password="!") for n in range({REVIEWERS})]
print("TOKENS " + json.dumps([ApiToken.issue(one, "x")[1] for one in people]))
"""


def keep_asking(house: House, method: str, path: str, token: str, body: object = None, **headers: str) -> tuple[int, object]:
    """As a script with patience does: the same request with the same key until there is an answer that is one."""
    for _try in range(200):
        try:
            status, said = house.api(method, path, token, body, **headers)
        except (OSError, http.client.HTTPException):  # the latter: killed between an answer's head and its body
            time.sleep(0.3)
            continue
        if status < 500:
            return status, said
        time.sleep(0.3)
    raise AssertionError(f"{method} {path}: no answer in a minute")


def work_through(house: House, token: str, told: list[tuple[int, int]], odd: Counter) -> None:
    """Claim and decide until nothing is left. `told` are (pair, review) of each 201."""
    for turn in itertools.count():
        status, seat = keep_asking(house, "POST", "/assignments/", token, {})
        if status == 204:
            return
        assert status == 201, (status, seat)
        pair = seat["pair"]
        texts = {"instruction": pair["instruction"], "input": "", "output": pair["output"] + ("改。" if turn % 3 == 1 else "")}
        verdict = ("accept", "edit", "reject")[turn % 3]
        body = {"assignment": seat["id"], "token": seat["token"], "verdict": verdict, "draft": seat["drafts"][0]["id"], **texts}
        body |= {"reasons": ["off_topic"]} if verdict == "reject" else {}
        key = {"Idempotency-Key": str(uuid.uuid4())}
        status, made = keep_asking(house, "POST", f"/pairs/{pair['id']}/reviews/", token, body, **key)
        odd[status] += 1
        if status == 201:
            told.append((pair["id"], made["id"]))


def kill_broker(house: House) -> int:
    """It calls itself by its socket, not by the place of its data. Gives how many were hit."""
    socket = json.loads((house.var / "engines.json").read_text())["redis"].removeprefix("unix://")
    hit = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_server_of(entry, socket)]
    for pid in hit:
        os.kill(pid, signal.SIGKILL)
    return len(hit)


def _is_server_of(entry: Path, socket: str) -> bool:
    try:
        return f"unixsocket:{socket}".encode() in (entry / "cmdline").read_bytes()
    except OSError:
        return False


def test_every_decision_that_was_answered_is_there_once_whatever_was_killed(house: House):
    house.start()
    said = house.manage("shell", "-v", "0", "-c", PEOPLE).stdout
    tokens = json.loads(next(line for line in said.splitlines() if line.startswith("TOKENS "))[7:])
    told: list[tuple[int, int]] = []
    odd: Counter = Counter()
    threads = [threading.Thread(target=work_through, args=(house, token, told, odd)) for token in tokens]
    for thread in threads:
        thread.start()
    hit: Counter = Counter()
    for at, victim in enumerate(VICTIMS, 1):  # each at its share of the work, so that it hits
        share = min(DECISIONS - 20, at * DECISIONS // (len(VICTIMS) + 1))
        wait_for(lambda share=share: len(told) >= share, 120)
        hit[victim] += bool(kill_broker(house) if victim == "broker" else house.kill(victim))
    for thread in threads:
        thread.join(240)
        assert not thread.is_alive(), "a reviewer waits for ever"
    assert set(hit) == set(+hit) == set(VICTIMS), hit
    assert odd == {201: DECISIONS}
    kept = house.sql("SELECT pair_id, id FROM annotation_review")
    assert sorted(kept) == sorted(told)
    assert set(Counter(pair for pair, _review in kept).values()) == {1}
    assert house.one("SELECT count(*) FROM annotation_pair WHERE status = 'pending'") == 0
    assert house.manage("verify").returncode == 0
