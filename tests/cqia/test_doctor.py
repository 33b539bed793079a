"""`manage.py doctor` names what is missing, says how to mend it, and keeps secrets to itself."""

import re
from collections import namedtuple
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from cqia.management.commands import doctor
from sources.models import Heartbeat

pytestmark = pytest.mark.django_db


def ask(capsys) -> tuple[int, str]:
    try:
        call_command("doctor")
        return 0, capsys.readouterr().out
    except SystemExit as ended:
        return ended.code, capsys.readouterr().out


def alive(queue: str, ago: float = 0) -> None:
    Heartbeat.objects.create(queue=queue, seen_at=timezone.now() - timedelta(seconds=ago))


def test_a_healthy_house_gets_ok_on_every_line(capsys, admin):
    alive("work")
    alive("draft")
    code, said = ask(capsys)
    assert code == 0
    assert {line.split()[0] for line in said.splitlines()} == {"ok"}


def test_a_silent_worker_is_named_with_its_queue(capsys, admin):
    alive("work", 200)
    code, said = ask(capsys)
    assert code == 0
    assert re.search(r"^warn  No worker on: work \(silent for 20\d s\), draft \(never seen\)", said, re.MULTILINE)


def test_no_admin_is_a_warning_with_the_command_that_makes_one(capsys, reviewer):
    assert "create_user admin --role admin" in ask(capsys)[1]


def test_pending_migrations_fail_and_name_the_command(capsys):
    MigrationRecorder.Migration.objects.filter(app="datasets").latest("name").delete()
    code, said = ask(capsys)
    assert code == 1
    assert "fail  1 migrations are pending. Run: manage.py migrate" in said


def test_a_broker_that_is_away_fails_without_its_password(capsys, settings):
    settings.REDIS_URL = "redis://user:hunter2@127.0.0.1:1/0"
    code, said = ask(capsys)
    assert code == 1
    assert "fail  The broker does not answer" in said
    assert "hunter2" not in said


def test_a_broker_that_evicts_fails(monkeypatch, settings):
    monkeypatch.setattr(doctor.redis.Redis, "config_get", lambda self, name: {name: "allkeys-lru"})
    assert doctor.broker().level == "fail"
    assert "noeviction" in doctor.broker().mend


def test_a_database_that_is_away_fails_and_the_rest_is_still_looked_at(capsys, monkeypatch):
    def refuse():
        raise DatabaseError("connection failed: FATAL: the database system is starting up")

    monkeypatch.setattr(doctor.connection, "cursor", refuse)
    code, said = ask(capsys)
    assert code == 1
    assert "fail  The database does not answer: connection failed" in said
    assert "The broker answers" in said


@pytest.mark.parametrize(
    ("number", "encoding", "level"), [(140_010, "UTF8", "fail"), (150_000, "UTF8", "ok"), (180_004, "SQL_ASCII", "fail")]
)
def test_an_old_or_wrongly_made_database_fails(monkeypatch, number, encoding, level):
    class Cursor:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def execute(self, _):
            return None

        def fetchone(self):
            return number, encoding

    monkeypatch.setattr(doctor.connection, "cursor", Cursor)
    assert doctor.database().level == level


@pytest.mark.parametrize("key", ["short", "a" * 60, "django-insecure-" + "abcdefgh" * 8])
def test_a_weak_key_fails_and_is_not_printed(capsys, settings, key):
    settings.SECRET_KEY = key
    code, said = ask(capsys)
    assert code == 1
    assert "fail  SECRET_KEY is weak" in said
    assert key not in said


@pytest.mark.parametrize(("free", "level"), [(100, "fail"), (1024**3, "warn"), (50 * 1024**3, "ok")])
def test_a_full_disk_is_seen_before_it_hurts(monkeypatch, free, level):
    usage = namedtuple("usage", "free")(free)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    assert doctor.disk().level == level


@pytest.mark.parametrize(
    ("key", "url", "model", "level"),
    [
        ("", "", "", "ok"),
        ("sk-abcdefgh12345678", "", "gpt", "ok"),
        ("sk-abcdefgh12345678", "", "", "fail"),
        ("", "http://user:hunter2@llm.example/v1", "qwen", "warn"),
        ("sk-abcdefgh12345678", "https://user:hunter2@llm.example/v1", "qwen", "ok"),
    ],
)
def test_a_provider_is_whole_or_something_is_said(monkeypatch, settings, key, url, model, level):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = url, model
    finding = doctor.provider()
    assert finding.level == level
    assert "abcdefgh" not in str(finding)
    assert "hunter2" not in str(finding)


def test_files_that_are_not_collected_fail(settings, monkeypatch):
    def missing(name):
        raise ValueError("Missing staticfiles manifest entry")

    assert doctor.static_files().level == "ok"
    monkeypatch.setattr(doctor.staticfiles_storage, "url", missing)
    assert doctor.static_files().mend.startswith("Run: manage.py collectstatic")


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (3, "warn"), (-3, "warn"), (600, "fail")])
def test_a_clock_that_goes_wrong_is_seen(monkeypatch, ahead, level):
    there = doctor.time.time
    monkeypatch.setattr(doctor.time, "time", lambda: there() + ahead)
    finding = doctor.clock()
    assert finding.level == level
    assert ("time server" in finding.mend) == (level != "ok")
