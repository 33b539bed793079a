"""The main job with everything real: engines, gunicorn, celery, a provider over HTTP. Posts in, a dataset out."""

import hashlib
import json
import random
import uuid
from collections import Counter
from pathlib import Path

import pytest

from tests.house import House, wait_for
from tests.processes.conftest import Provider

pytestmark = pytest.mark.processes

KEYS = ["instruction", "input", "output", "task_type", "domain", "metadata", "answer_from", "human_verified", "copyright"]
WORDS = [
    "月亮",
    "雨伞",
    "电梯",
    "影子",
    "闹钟",
    "冰箱",
    "围巾",
    "邮筒",
    "路灯",
    "楼梯",
    "橡皮",
    "地图",
    "风筝",
    "帽子",
    "钥匙",
    "台灯",
    "毛巾",
    "杯子",
    "镜子",
    "书包",
]


def annual(path: Path, count: int, seed: int = 7) -> Path:
    """A yearly list as a moderator of the forum posts it: one joke a floor, with its rank in front."""
    dice = random.Random(seed)
    rows = []
    for rank in range(count, 0, -1):
        joke = f"{dice.choice(WORDS)}和{dice.choice(WORDS)}排队第{rank}天，算不算第{dice.randrange(10**6)}次迟到的{dice.choice(WORDS)}？"
        rows.append({"author": "吧务甲", "content": f"{rank}、{joke}", "l_num": count - rank + 2, "ctime": "2019-12-24 00:02"})
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=0), "utf-8")
    return path


def counts(house: House) -> dict[str, int]:
    read, created, known, rejected = house.sql("SELECT read, created, known, rejected FROM sources_importrun ORDER BY id DESC LIMIT 1")[0]
    return {"read": read, "created": created, "known": known, "rejected": rejected}


def statuses(house: House) -> Counter:
    return Counter(dict(house.sql("SELECT status, count(*) FROM annotation_pair GROUP BY status")))


@pytest.fixture
def at_work(tmp_path, provider: Provider):
    """A running house that drafts with llmock, and an admin's token."""
    house = House(tmp_path / "var", CQIA_DEMO="0", **provider.environment())
    house.start()
    house.token = house.manage("create_token", "admin").stdout.strip()
    yield house
    assert house.manage("verify").returncode == 0
    house.stop()


def test_from_a_file_to_a_downloaded_dataset(at_work: House, provider: Provider, tmp_path):
    house, posts = at_work, annual(tmp_path / "annual.json", 60)
    said = house.manage("import_posts", "ruozhiba", str(posts)).stdout
    assert "read 60 = created 60 + known 0 + rejected 0" in said
    assert house.one("SELECT count(*) FROM sources_post WHERE title ~ '^[0-9]+、'") == 0
    house.manage("import_posts", "ruozhiba", str(posts))
    assert house.one("SELECT count(*) FROM sources_post") == 60

    house.manage("draft", "ruozhiba", "--limit", "50")
    assert statuses(house)["pending"] == 50
    assert len(provider.requests()) == 50 == house.one("SELECT count(*) FROM annotation_modelcall WHERE sent_at IS NOT NULL")

    status, seat = house.api("POST", "/assignments/", house.token, {"source": "ruozhiba"})
    assert status == 201
    pair, draft = seat["pair"], seat["drafts"][0]
    body = {"assignment": seat["id"], "token": seat["token"], "verdict": "accept", "draft": draft["id"], "reasons": [], "comment": ""}
    body |= {"instruction": pair["instruction"], "input": pair["input"], "output": draft["output"], "seconds": 9}
    status, review = house.api("POST", f"/pairs/{pair['id']}/reviews/", house.token, body, **{"Idempotency-Key": str(uuid.uuid4())})
    assert status == 201, review

    assert house.api("POST", "/datasets/", house.token, {"slug": "first", "name": "第一份", "sources": ["ruozhiba"]})[0] == 201
    assert house.api("POST", "/datasets/first/versions/", house.token, {"include_unknown_licence": True})[0] == 202
    version = wait_for(lambda: ready_version(house), 30)
    assert version["records"] == 1
    _, files = house.api("GET", "/datasets/first/versions/1/files/", house.token)
    assert house.api("GET", "/datasets/first/versions/1/files/train.cqia.jsonl", house.token)[0] == 200
    [record] = [json.loads(line) for line in house.last_bytes.splitlines()]
    assert list(record) == KEYS
    assert (record["instruction"], record["output"]) == (body["instruction"], body["output"])
    assert files[0]["sha256"] == hashlib.sha256(house.last_bytes).hexdigest()


def ready_version(house: House) -> dict | None:
    status, version = house.api("GET", "/datasets/first/versions/1/", house.token)
    return version if status == 200 and version["status"] == "ready" else None


def test_the_worker_killed_in_the_middle_of_importing_loses_and_doubles_nothing(at_work: House, tmp_path):
    house, count = at_work, 12_000
    posts = annual(tmp_path / "annual.json", count)
    house.manage("shell", "-c", START_IMPORT, seconds=60, FILE=str(posts))
    kills = 0
    for threshold in (1_500, 5_000, 8_500):
        wait_for(lambda t=threshold: counts(house)["read"] >= t, 60, every=0.02)
        kills += house.kill("-Q work")
    wait_for(lambda: house.one("SELECT state FROM sources_importrun") == "succeeded", 120)
    assert kills == 3
    assert counts(house) == {"read": count, "created": count, "known": 0, "rejected": 0}
    assert house.one("SELECT count(DISTINCT row) FROM sources_post") == count
    wait_for(lambda: not house.one("SELECT count(*) FROM sources_post WHERE status = 'new'"), 60)


START_IMPORT = """
import os
from sources import importing, presets, tasks
from sources.jobs import send_hint
from sources.models import Source
presets.ensure("ruozhiba")
with open(os.environ["FILE"], "rb") as file:
    stored = importing.store(file, "annual.json")
run, _ = importing.start_import(Source.objects.get(slug="ruozhiba"), stored, name="annual.json", by=None)
send_hint(tasks.import_file, run.pk)
"""


def test_the_worker_killed_in_the_middle_of_drafting_pays_nothing_twice(at_work: House, provider: Provider, tmp_path):
    house = at_work
    house.manage("import_posts", "ruozhiba", str(annual(tmp_path / "annual.json", 300)))
    status, run = house.api("POST", "/sources/ruozhiba/draft-runs/", house.token, {})
    assert status == 202, run
    for threshold in (15, 100, 200):
        wait_for(lambda t=threshold: len(provider.requests()) >= t, 60, every=0.02)
        wait_for(lambda: house.kill("-Q draft") == 1, 60, every=0.02)  # calls go out by the handful: it may not be back yet
    kept = house.one("SELECT count(*) FROM annotation_pair")
    wait_for(lambda: statuses(house)["drafting"] == 0, 90)

    said = statuses(house)
    assert said["pending"] + said["failed"] == kept
    ledger = house.sql("SELECT key, count(*) FROM annotation_modelcall WHERE sent_at IS NOT NULL GROUP BY key")
    assert max(number for _, number in ledger) == 1, "a pair was paid for twice"
    # What was under way when the worker died is known by name; the provider may have seen it, or the kill came before.
    unknown = house.one("SELECT count(*) FROM annotation_modelcall WHERE state = 'unknown'")
    assert said["failed"] == unknown == house.one("SELECT count(*) FROM annotation_pair WHERE failure = 'unknown_call'")
    assert len(ledger) - unknown <= len(provider.requests()) <= len(ledger)
    assert house.one("SELECT count(*) FROM annotation_draft") == said["pending"]
