"""The Python client against the running server, and against one that misbehaves."""

import hashlib
import json
import re
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest

from accounts.models import ApiToken, User
from annotation.models import Pair, Review
from sources import tasks as source_tasks
from tests import builders
from tests.house import House

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "clients" / "python"))
from zhumo_client import (  # noqa: E402
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    RateLimited,
    ServerError,
    TookTooLong,
    Unreachable,
    WorkFailed,
    WrongBytes,
    Zhumo,
)

ROWS = [{"title": f"保温杯里装冰水，它该保谁的温？{n}", "answer": f"保的是杯里的温度，冰水也一样，第{n}次这样说。"} for n in range(3)]


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n{\n", "utf-8")
    return path


@pytest.fixture
def zhumo(live_server, settings, tmp_path, monkeypatch):
    """The work is done at once, where a worker would do it a moment later."""
    settings.DATASET_FILES, settings.UPLOADS = tmp_path / "datasets", tmp_path / "uploads"
    for module in ("sources.api", "sources.dry_api", "datasets.api", "datasets.file_api", "annotation.draft_api"):
        monkeypatch.setattr(f"{module}.send_hint", lambda task, pk: task(pk))
    with client_of("admin", live_server.url) as made:
        yield made


def client_of(role: str, address: str, **options) -> Zhumo:
    person = User.objects.filter(role=role).first() or User.objects.create_user(username=role, role=role)
    return Zhumo(address, ApiToken.issue(person, "script")[1], **options)


def against(answer, **options) -> Zhumo:
    """A client whose server is `answer`, and which does not sleep."""
    client = Zhumo("http://nowhere", "zm_x", transport=httpx.MockTransport(answer), **options)
    client.slept = []
    client.wire.sleep = client.slept.append
    return client


@pytest.mark.django_db(transaction=True)
def test_from_a_file_to_a_dataset(zhumo, file, tmp_path):
    zhumo.add_source("jokes", "段子", reply="source", licence="CC-BY-4.0")
    run = zhumo.wait_for_import(zhumo.import_file("jokes", file)["id"], 30)
    assert run["counts"] == {"read": 4, "created": 3, "known": 0, "rejected": 1}
    assert zhumo.import_file("jokes", file)["id"] == run["id"]
    assert [row["row"] for row in zhumo.rejected_rows(run["id"])] == [4]
    source_tasks.screen_source(builders.Source.objects.get().pk)
    for post in zhumo.posts(source="jokes", status="kept"):
        builders.make_draft(builders.make_pair(post=builders.Post.objects.get(pk=post["id"]), output=post["answer"]))
    seat = zhumo.take_seat("jokes")
    review = zhumo.review(seat, "accept", seconds=3)
    with pytest.raises(Conflict) as refused:
        zhumo.review(seat, "reject", reasons=["off_topic"])
    assert refused.value.code == "lost_seat"
    assert (Pair.objects.get(pk=seat["pair"]["id"]).status, Review.objects.count()) == ("accepted", 1)
    assert zhumo.undo(review["id"])["verdict"] == "undo"
    seat = zhumo.take_seat("jokes")
    zhumo.review(seat, "edit", output=seat["drafts"][-1]["output"] + "杯子不挑冷热。")
    zhumo.add_dataset("ours", "我们的", sources=["jokes"])
    version = zhumo.wait_for_version("ours", zhumo.freeze("ours", include_demo=True)["number"], 30)
    assert (version["status"], version["records"]) == ("ready", 1)
    got = zhumo.download("ours", 1, "train.cqia.jsonl", tmp_path / "train.jsonl")
    (listed,) = [each for each in zhumo.files("ours", 1) if each["name"] == "train.cqia.jsonl"]
    assert hashlib.sha256(got.read_bytes()).hexdigest() == listed["sha256"]
    assert not list(tmp_path.glob("*.part"))
    assert zhumo.funnel("jokes")["read"] == 4


@pytest.mark.django_db(transaction=True)
def test_pages_are_followed_to_the_end_and_no_row_comes_twice(zhumo):
    source = builders.make_source("jokes")
    made = {builders.make_pair(source).pk for _ in range(120)}
    found = [pair["id"] for pair in zhumo.pairs(source="jokes", status="pending")]
    assert (len(found), set(found)) == (120, made)


@pytest.mark.django_db(transaction=True)
def test_refusals_are_exceptions_that_say_why(zhumo, live_server):
    with client_of("viewer", live_server.url) as viewer, pytest.raises(Forbidden) as refused:
        viewer.take_seat()
    assert (refused.value.status, refused.value.code) == (403, "permission_denied")
    with pytest.raises(NotFound):
        zhumo.pair(2**63)
    with pytest.raises(Invalid) as wrong:
        zhumo.add_source("jokes", "x", reviews_wanted="many")
    assert list(wrong.value.errors) == ["reviews_wanted"]
    with pytest.raises(NotSignedIn):
        Zhumo(live_server.url, "zm_wrong").me()
    assert zhumo.take_seat() is None


@pytest.mark.django_db(transaction=True)
def test_an_account_is_looked_after(zhumo, live_server):
    link = zhumo.invite("reviewer", "王")
    assert link.startswith(f"{live_server.url}/accounts/link/")
    (invitation,) = zhumo.invitations()
    zhumo.withdraw_invitation(invitation["id"])
    assert (invitation["note"], list(zhumo.invitations())) == ("王", [])
    made = zhumo.make_token("nightly", days=7)
    with Zhumo(live_server.url, made["secret"]) as narrow, pytest.raises(Forbidden) as refused:
        narrow.invite("admin")
    assert refused.value.code == "read_only_token"
    zhumo.revoke_token(made["id"])
    assert {token["name"]: token["is_usable"] for token in zhumo.tokens()} == {"nightly": False, "script": True}
    with pytest.raises(NotSignedIn):
        Zhumo(live_server.url, made["secret"]).me()
    person = User.objects.create_user(username="lin", role="viewer").pk
    assert zhumo.change_role(person, "reviewer")["role"] == "reviewer"
    assert [zhumo.disable(person)["is_active"], zhumo.enable(person)["is_active"]] == [False, True]
    assert {each["username"]: each["role"] for each in zhumo.people()} == {"admin": "admin", "lin": "reviewer"}
    with pytest.raises(Conflict) as last:
        zhumo.disable(zhumo.me()["id"])
    assert last.value.code == "last_admin"
    assert [entry["action"] for entry in zhumo.audit(about="person lin")] == ["person_enabled", "person_disabled", "role_changed"]
    assert zhumo.password_link(person).startswith(f"{live_server.url}/accounts/link/")
    assert (zhumo.end_sessions(), list(zhumo.sessions())) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_what_is_typed_is_kept_and_days_are_counted(zhumo):
    builders.make_draft(builders.make_pair(builders.make_source("jokes")))
    seat = zhumo.take_seat("jokes")
    assert [zhumo.autosave(seat, seq, instruction="谁？", output=f"{seq}") for seq in (2, 1)] == [True, False]
    zhumo.review(seat, "accept", seconds=9)
    zhumo.set_goal(40)
    days = zhumo.my_days()
    assert (days["goal"], days["done"], days["days"][0]["decided"]) == (40, 1, 1)


def test_a_post_is_sent_again_with_the_same_key_and_after_the_pause_that_was_asked_for():
    keys, answers = (
        [],
        iter([httpx.Response(503, headers={"Retry-After": "7"}), httpx.ReadTimeout("slow"), httpx.Response(201, json={"slug": "x"})]),
    )

    def answer(request):
        keys.append(uuid.UUID(request.headers["Idempotency-Key"]))
        said = next(answers)
        if isinstance(said, Exception):
            raise said
        return said

    client = against(answer)
    assert client.add_dataset("x", "x") == {"slug": "x"}
    assert (len(keys), len(set(keys))) == (3, 1)
    assert client.slept == [7.0, 1.0]


def test_tries_end_and_what_was_wrong_is_not_tried_again():
    asked = []
    client = against(lambda request: asked.append(1) or httpx.Response(429, json={"code": "throttled"}, headers={"Retry-After": "600"}))
    with pytest.raises(RateLimited):
        client.me()
    assert (len(asked), client.slept) == (4, [30.0] * 3)
    with pytest.raises(Invalid):
        against(lambda request: httpx.Response(400, json={"code": "invalid"})).me()
    with pytest.raises(ServerError) as broken:
        against(lambda request: httpx.Response(500, text="<html>"), tries=1).me()
    assert (broken.value.code, broken.value.status) == ("", 500)

    def refuse(request):
        raise httpx.ConnectError("no")

    with pytest.raises(Unreachable, match="GET me/"):
        against(refuse).me()


def test_waiting_ends_and_failed_work_is_an_exception():
    with pytest.raises(TookTooLong, match="import 1 is running after 0 s"):
        against(lambda request: httpx.Response(200, json={"status": "running"})).wait_for_import(1, 0)
    with pytest.raises(WorkFailed) as failed:
        against(lambda request: httpx.Response(200, json={"status": "failed", "error": {"code": "damaged"}})).wait_for_import(1)
    assert failed.value.row["error"]["code"] == "damaged"


def test_bytes_that_are_not_those_of_the_checksum_leave_no_file(tmp_path):
    def answer(request):
        return (
            httpx.Response(200, json=[{"name": "a", "sha256": "0" * 64}])
            if request.url.path.endswith("files/")
            else httpx.Response(200, content=b"x")
        )

    with pytest.raises(WrongBytes):
        against(answer).download("d", 1, "a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
def test_the_example_goes_the_whole_way(tmp_path, file):
    """With the real processes, the demo's content and its own model."""
    house = House(tmp_path / "var", CQIA_DEMO_DELAY="0")
    try:
        house.start()
        token = house.manage("create_token", "admin").stdout.split()[-1]
        said = subprocess.run(
            [sys.executable, "example.py", house.url, token, "ruozhiba", str(file)], cwd=ROOT / "clients" / "python",
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert said.returncode == 0, said.stdout + said.stderr
        lines = said.stdout
        assert re.search(r"holds [1-9]\d* records", lines), lines
        assert "imported {'read': 4" in lines
        assert "reviewed" in lines
        assert "fetched" in lines
    finally:
        house.stop()
