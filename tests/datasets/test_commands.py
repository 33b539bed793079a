"""`publish` and `export`."""

import json
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from datasets import publishing
from datasets.models import Version
from sources.models import Heartbeat

from .conftest import accepted, sha

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    monkeypatch.setattr("datasets.management.commands.publish.send_hint", lambda *args: None)


def test_publish_does_the_work_itself_when_no_worker_is_there(dataset, source, reviewer, capsys):
    accepted(source, reviewer)
    accepted(source, reviewer, model="demo")
    call_command("publish", "first")
    said = capsys.readouterr()
    version = Version.objects.get()
    assert said.out == f"first version 1: 1 records, 1 left out (demo), sha256 {version.sha256}\n"
    assert "no worker is running" in said.err
    call_command("publish", "first", "--include-demo")
    assert "first version 2: 2 records, sha256" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_publish_waits_for_the_worker_that_is_there(dataset, source, reviewer, capsys):
    accepted(source, reviewer)
    Heartbeat.objects.create(queue="work", seen_at=timezone.now())

    def worker():
        try:
            while not (due := Version.objects.due().first()):
                time.sleep(0.05)
            publishing.build(due.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    call_command("publish", "first")
    thread.join()
    said = capsys.readouterr()
    assert "first version 1: 1 records" in said.out
    assert "no worker" not in said.err


@pytest.mark.parametrize("name", ["first", "nowhere"])
def test_publish_says_why_there_is_nothing(dataset, name):
    with pytest.raises(CommandError):
        call_command("publish", name)


def test_export_prints_the_path_and_copies(ready, capsys, tmp_path):
    call_command("export", "first", "v1")
    path = capsys.readouterr().out.strip()
    with open(path, "rb") as file:
        assert sha(file.read()) == ready.files.get(schema="cqia").sha256
    call_command("export", "first", "1", "--schema", "messages", "--format", "json", "--output", str(tmp_path / "out.json"))
    assert capsys.readouterr().out.strip() == str(tmp_path / "out.json")
    assert len(json.loads((tmp_path / "out.json").read_bytes())) == 3
    assert ready.files.filter(name="train.messages.json").exists()


def test_export_refuses_what_is_not_frozen(dataset, tmp_path):
    with pytest.raises(CommandError, match="no version 1"):
        call_command("export", "first", "1")
    publishing.freeze(dataset, by=None)
    with pytest.raises(CommandError, match="queued"):
        call_command("export", "first", "1")
