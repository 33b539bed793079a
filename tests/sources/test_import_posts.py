import io
import json
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from sources import importing
from sources.management.commands import import_posts
from sources.models import DryRun, Heartbeat, ImportRun, Post, Source
from tests.builders import make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]
ROWS = [
    {"title": "空腹抽血，要先把胃取出来吗？", "href": "/p/1", "n_reply": "80"},
    {"title": "短", "href": "/p/2", "n_reply": "90"},
    {"title": "睡着了再开，是不是就不疲劳了？", "href": "/p/3", "n_reply": "3"},
    {"title": "", "href": "/p/4", "n_reply": "3"},
]


@pytest.fixture
def posts(tmp_path):
    path = tmp_path / "titles.json"
    path.write_text(json.dumps(ROWS, ensure_ascii=False), "utf-8")
    return path


def run(*arguments, **options):
    out, err = io.StringIO(), io.StringIO()
    call_command("import_posts", *map(str, arguments), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_without_a_worker_the_command_does_the_work_and_says_what_became_of_every_row(posts):
    out, err = run("ruozhiba", posts)
    assert out.splitlines()[-1] == (
        "titles.json: read 4 = created 3 + known 0 + rejected 1; kept 1, dropped 2 (too_few_votes 1, too_short 1)"
    )
    assert "no worker" in err
    assert Source.objects.get().slug == "ruozhiba"
    assert not Post.objects.filter(status="new").exists()


def test_a_dry_run_says_beforehand_what_the_import_says_afterwards_and_leaves_nothing(posts):
    before, _ = run("ruozhiba", posts, "--dry-run")
    assert not (Post.objects.exists() | ImportRun.objects.exists() | DryRun.objects.exists())
    after, _ = run("ruozhiba", posts)
    assert before.splitlines()[-1].replace("would read", "read") == after.splitlines()[-1]


def test_a_dry_run_that_cannot_read_the_file_fails_like_the_import(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(CommandError, match=r"x\.jsonl: .*question"):
        run("exam", tmp_path / "x.jsonl", "--dry-run")


def test_the_same_file_again_says_so_and_creates_nothing(posts):
    run("ruozhiba", posts)
    out, _ = run("ruozhiba", posts)
    assert "imported before" in out
    assert (ImportRun.objects.count(), Post.objects.count()) == (1, 3)


def test_a_file_whose_import_was_cut_off_is_imported_to_its_end(posts):
    source = make_source("own", platform="tieba")
    with posts.open("rb") as file:
        interrupted, _ = importing.start_import(source, importing.store(file, posts.name), name=posts.name, by=None)
    ImportRun.claim(interrupted.pk)
    ImportRun.objects.filter(pk=interrupted.pk).update(lease_until=timezone.now())
    out, _ = run("own", posts)
    assert "is being imported already" in out
    assert "read 4 = created 3" in out
    assert ImportRun.objects.get().state == "succeeded"


def test_every_file_is_tried_and_a_failure_is_the_exit_and_its_sentence(posts, tmp_path):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(CommandError) as raised:
        run("ruozhiba", tmp_path / "empty.jsonl", tmp_path / "missing.jsonl", posts)
    assert importing.describe(ImportRun.objects.get(file_name="empty.jsonl")) in str(raised.value)
    assert "missing.jsonl" in str(raised.value)
    assert Post.objects.count() == 3


def test_a_source_that_is_neither_there_nor_a_preset_is_refused(posts):
    with pytest.raises(CommandError, match="ruozhiba"):
        run("ruozhibar", posts)
    assert not Source.objects.exists()


def test_a_source_of_ones_own_and_an_importer_by_name(tmp_path):
    source = make_source("own", platform="other")
    (tmp_path / "x.csv").write_text("title,body\n一,二\n", "utf-8")
    out, _ = run("own", tmp_path / "x.csv", importer="generic")
    assert "created 1" in out
    assert source.posts.get().body == "二"
    (tmp_path / "y.csv").write_text("title,body\n一,三\n", "utf-8")
    with pytest.raises(CommandError, match="qid"):
        run("own", tmp_path / "y.csv", importer="zhihu")


@pytest.mark.django_db(transaction=True)
def test_with_a_worker_alive_the_command_waits_for_it(posts, monkeypatch):
    Heartbeat.objects.create(queue="work", seen_at=timezone.now())
    hints = []
    monkeypatch.setattr(import_posts, "send_hint", lambda task, *ids: hints.append(ids))

    def worker():
        try:
            while not hints:
                threading.Event().wait(0.05)
            importing.run_import(*hints[0])
        finally:
            connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    out, err = run("ruozhiba", posts)
    thread.join()
    assert "created 3" in out
    assert err == ""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_falls_silent_is_not_waited_for(posts, monkeypatch):
    Heartbeat.objects.create(queue="work", seen_at=timezone.now() - timedelta(seconds=14.5))
    monkeypatch.setattr(import_posts, "send_hint", lambda task, *ids: None)
    out, err = run("ruozhiba", posts)
    assert "created 3" in out
    assert "no worker" in err


def test_the_annual_posts_of_ruozhiba(wild):
    out, _ = run("ruozhiba", wild("tieba/leymore_post_annual.json"))
    assert out.splitlines()[-1].endswith("read 1361 = created 1361 + known 0 + rejected 0; kept 1359, dropped 2 (duplicate 1, too_long 1)")


def test_a_text_in_another_encoding_is_read_when_somebody_says_so(tmp_path):
    path = tmp_path / "titles.json"
    path.write_text(json.dumps(ROWS, ensure_ascii=False), "gb18030")
    with pytest.raises(CommandError, match="UTF-8"):
        run("ruozhiba", path)
    out, _ = run("ruozhiba", path, encoding="gb18030")
    assert "read 4 = created 3" in out
    assert Post.objects.filter(title=ROWS[0]["title"]).exists()
