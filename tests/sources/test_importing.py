import io
import json
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from sources import importing, readers, storing, wording
from sources.batches import Recipe
from sources.converting import Converter
from sources.jobs import LostLease
from sources.models import ImportRun, Post
from tests.builders import make_run, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]


def start(source, content, name="posts.jsonl", **options):
    stored = importing.store(io.BytesIO(content if isinstance(content, bytes) else content.encode()), name)
    return importing.start_import(source, stored, name=name, by=None, **options)


def imported(source, content, name="posts.jsonl", **options):
    run, _ = start(source, content, name, **options)
    importing.run_import(run.pk)
    run.refresh_from_db()
    assert run.read == run.created + run.known + run.rejected
    return run


def annual(count, **fields):
    rows = [
        {"author": "某某", "content": f"{n}、第 {n} 个问题，杯子问水：谁装着谁？", "l_num": n, "ctime": "2018-12-24 00:02", **fields}
        for n in range(count)
    ]
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"


def outcome(run):
    run.refresh_from_db()
    posts = list(run.posts.order_by("id").values_list("row", "external_id", "title", "author", "content_hash", "raw"))
    rejected = list(run.rejected_rows.order_by("id").values_list("row", "reason", "detail", "raw"))
    return (run.state, run.read, run.created, run.known, run.rejected, run.cursor, run.error_code, posts, rejected)


def test_rows_become_posts_without_their_author(uploads):
    run = imported(make_source(platform="tieba"), annual(3), "annual.json")
    assert (run.state, run.importer, run.read, run.created) == ("succeeded", "tieba", 3, 3)
    post = run.posts.first()
    assert (post.row, post.title, post.status) == (1, "第 0 个问题，杯子问水：谁装着谁？", "kept")
    assert sorted(post.raw) == ["content", "ctime", "l_num"]
    assert len(post.author) == 32
    assert len({each.author for each in run.posts.all()}) == 1
    assert [path.name for path in uploads.iterdir()] == [run.sha256]


def test_the_pseudonym_depends_on_platform_and_key(settings):
    one = storing.pseudonym("tieba", "某某")
    assert one != storing.pseudonym("zhihu", "某某")
    settings.SECRET_KEY = "another key of more than fifty characters, for a test alone"
    assert one != storing.pseudonym("tieba", "某某")
    assert storing.pseudonym("tieba", "") == ""


def test_the_same_bytes_again_are_the_earlier_run():
    source = make_source()
    run = imported(source, '{"title": "一"}')
    assert start(source, '{"title": "一"}', "other name.jsonl") == (run, False)
    assert start(make_source(), '{"title": "一"}')[1] is True
    assert Post.objects.count() == 1


def test_the_same_rows_in_other_bytes_are_known():
    source = make_source()
    imported(source, annual(20), "a.json")
    again = imported(source, annual(20) + "\n", "a.json")
    assert (again.read, again.created, again.known) == (20, 0, 20)


def test_equal_rows_within_a_file_are_one_post():
    run = imported(make_source(), '{"title": "一"}\n' * 1200)
    assert (run.read, run.created, run.known) == (1200, 1, 1199)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_after_a_failure_the_same_bytes_may_be_tried_again(state):
    source = make_source()
    run, _ = start(source, '{"title": "一"}')
    ImportRun.objects.filter(pk=run.pk).update(state=state)
    assert imported(source, '{"title": "一"}').created == 1


@pytest.mark.parametrize(
    ("content", "name", "code", "words"),
    [
        (b"", "x.jsonl", "empty_file", []),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "x.jsonl", "not_text", []),
        (b'{"a": "\xd6\xd0"}', "x.jsonl", "not_utf8", ["UTF-8"]),
        (b'{"foo": 1, "bar": 2}', "x.jsonl", "missing_column", ["title", "foo", "bar"]),
        (b"author,l_num,ctime\nx,1,2018-12-24 00:02\n", "x.csv", "missing_column", ["content", "author"]),
        (b"title,body\n", "x.csv", "no_rows", []),
        (b"[]", "x.json", "no_rows", []),
        (b",,\n1,2,3\n", "x.csv", "no_header", []),
        (b"not json\nat all\n", "x.jsonl", "no_usable_rows", []),
        (b"x", "x.doc", "unknown_format", [".doc"]),
    ],
)
def test_a_file_of_no_use_fails_whole_with_a_sentence_in_the_readers_language(content, name, code, words):
    run = imported(make_source(platform="tieba"), content, name)
    assert (run.state, run.error_code, run.read, run.posts.count(), run.rejected_rows.count()) == ("failed", code, 0, 0, 0)
    sentences = set()
    for language in ("zh-hans", "zh-hant", "en"):
        with translation.override(language):
            sentence = importing.describe(run)
        sentences.add(sentence)
        assert all(word in sentence for word in words), sentence
        assert "%(" not in sentence
        assert sentence != code
    assert len(sentences) == 3


def test_a_mapped_column_that_is_not_there_is_named():
    run = imported(make_source(), "subj,text\n一,二\n", "x.csv", mapping={"title": "subject", "body": "text"})
    assert run.error_code == "missing_column"
    assert json.loads(run.error_detail) == {"missing": ["subject"], "present": ["subj", "text"]}


def test_mapped_columns_are_taken_and_the_importer_that_is_asked_for():
    run = imported(make_source(), "subj,text\n一,二\n", "x.csv", mapping={"title": "subj", "body": "text", "votes": ""})
    assert list(run.posts.values_list("title", "body")) == [("一", "二")]
    run = imported(make_source(), annual(2), "x.json", importer="zhihu")
    assert run.error_code == "missing_column"


def test_bad_rows_are_rejected_by_number_and_reason_and_the_rest_goes_on():
    lines = [
        '{"title": "一", "author": "某某"}',
        '{"title": "二", "author": "某某", "body": "cut',
        '{"title": "a\\u0000"}',
        "[1]",
        '{"title": ""}',
        '{"title": {"a": 1}}',
        '{"title": "三", "votes": 99999999999999999999}',
        '{"title": "四", "time": "9999-99-99", "url": "javascript:x"}',
    ]
    run = imported(make_source(), "\n".join(lines))
    assert (run.state, run.read, run.created, run.rejected) == ("succeeded", 8, 2, 6)
    rejected = list(run.rejected_rows.values_list("row", "reason"))
    assert rejected == [
        (2, "bad_json"),
        (3, "nul_character"),
        (4, "not_an_object"),
        (5, "no_text"),
        (6, "not_a_text"),
        (7, "number_out_of_range"),
    ]
    assert all(wording.row_reason(reason) != reason for _row, reason in rejected)
    assert "某某" not in run.rejected_rows.get(row=2).raw
    assert run.rejected_rows.get(row=2).raw.startswith('{"title": "二"')


def test_hostile_values_are_stored_as_they_are_or_rejected(uploads):
    rows = [
        {"title": "<script>alert(1)</script>"},
        {"title": "'; DROP TABLE x; --"},
        {"title": "%s %(x)s {title}"},
        {"title": "ok", "id": "x" * 5000},
        {"title": "ok2", "pk": 1, "status": "kept", "source_id": 99, "__proto__": {}},
        {"title": "ok3", **{f"k{n}": n for n in range(5000)}},
        {"title": "ok4", "k" * 10_000: 1},
        {"title": "\u202egnp.exe"},
    ]
    run = imported(make_source(), "\n".join(map(json.dumps, rows)), "a\r\nb\u202e<img>" + "名" * 400 + ".jsonl")
    assert (run.state, run.created, run.rejected_rows.get().reason) == ("succeeded", len(rows) - 1, "too_many_columns")
    assert set(run.posts.values_list("status", flat=True)) == {"kept"}
    assert run.file_name.endswith(".jsonl")
    assert len(run.file_name) == 300


def test_an_array_that_breaks_off_is_imported_as_far_as_it_goes_and_says_so():
    run = imported(make_source(), json.dumps([{"title": f"{n}"} for n in range(700)])[:-5], "x.json")
    assert (run.state, run.read, run.created, run.rejected, run.error_code) == ("succeeded", 700, 699, 1, "cut_short")
    assert "700" in importing.describe(run)


def test_a_row_that_the_importer_did_not_think_of_fails_no_batch(monkeypatch):
    def read(self, row):
        if row["title"] == "二":
            raise AttributeError("oops")
        return original(self, row)

    original = importing.IMPORTERS["generic"].read
    monkeypatch.setattr(importing.IMPORTERS["generic"], "read", read)
    made = Converter(Recipe("generic", {}, "auto", "", [], {}), list)
    for number, title in enumerate("一二三", 1):
        made.add(number, {"title": title})
    batch = made.take(3, 3)
    assert [head.row for head in batch.posts] == [1, 3]
    assert [found[:3] for found in batch.rejected] == [(2, "importer_failed", "AttributeError")]


def test_the_file_itself_may_be_gone(uploads):
    run, _ = start(make_source(), '{"title": "一"}')
    (uploads / run.sha256).unlink()
    importing.run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "file_gone")


def test_too_large_a_file_leaves_nothing_behind(uploads, monkeypatch):
    monkeypatch.setattr("sources.readers.MAX_FILE", 2 * 2**20)
    with pytest.raises(importing.Refused) as raised:
        importing.store(io.BytesIO(bytes(2 * 2**20 + 1)), "x.jsonl")
    assert raised.value.code == "too_large"
    assert "2 MB" in str(raised.value).replace("\xa0", " ")
    assert list(uploads.iterdir()) == []


def test_a_finished_or_cancelled_run_is_not_read_again():
    run = imported(make_source(), '{"title": "一"}')
    before = outcome(run)
    importing.run_import(run.pk)
    assert outcome(run) == before
    cancelled, _ = start(make_source(), '{"title": "一"}')
    assert importing.cancel(cancelled) is True
    importing.run_import(cancelled.pk)
    assert (outcome(cancelled)[0], cancelled.posts.count()) == ("cancelled", 0)
    assert importing.cancel(run) is False
    assert run.state == "succeeded"


class Killed(BaseException):
    """What no handler catches, as no handler catches kill -9."""


def kill_at(monkeypatch, write, *, number):
    """The process goes in the middle of the `number`th batch: what is not committed is lost."""
    calls = iter(range(1, 100))

    def dying(*args):
        with transaction.atomic():
            write(*args)
            if next(calls) == number:
                raise Killed

    monkeypatch.setattr(importing, "write", dying)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["array", "lines", "table"])
def test_an_import_that_is_interrupted_anywhere_ends_like_any_other(monkeypatch, kind):
    rows = [{"title": f"题 {n % 90}", "body": f"文\n{n % 90}"} if n % 7 else {"title": "", "body": ""} for n in range(123)]
    content = {
        "array": json.dumps(rows, indent=1),
        "lines": "\n".join(map(json.dumps, rows)) + '\n{"bad',
        "table": "title,body\n" + "".join(f'"{row["title"]}","{row["body"]}"\n' for row in rows),
    }[kind]
    name = {"array": "x.json", "lines": "x.jsonl", "table": "x.csv"}[kind]
    monkeypatch.setattr(readers, "BATCH", 10)
    undisturbed = imported(make_source(), content, name)
    run, _ = start(make_source(), content, name)
    write = importing.write
    for number in (1, 2, 3, 1, 4):
        kill_at(monkeypatch, write, number=number)
        with pytest.raises(Killed):
            importing.run_import(run.pk)
        importing.run_import(run.pk)  # the lease of the dead is not over yet
        ImportRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())
        run.refresh_from_db()
        assert run.read == run.created + run.known + run.rejected == run.posts.count() + run.rejected_rows.count() + run.known
    monkeypatch.setattr(importing, "write", write)
    importing.run_import(run.pk)
    assert outcome(run) == outcome(undisturbed)
    assert run.created == 90 - len({n % 90 for n in range(123)} - {n % 90 for n in range(123) if n % 7})


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_import_stops_after_the_batch_at_hand(monkeypatch):
    monkeypatch.setattr(readers, "BATCH", 10)
    run, _ = start(make_source(), annual(100), "x.json")
    write = importing.write

    def cancelling(*args):
        write(*args)
        if ImportRun.objects.get(pk=run.pk).read == 30:
            importing.cancel(ImportRun.objects.get(pk=run.pk))

    monkeypatch.setattr(importing, "write", cancelling)
    importing.run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.read, run.posts.count()) == ("cancelled", 30, 30)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_replaced_writes_nothing_more(monkeypatch):
    monkeypatch.setattr(readers, "BATCH", 10)
    run, _ = start(make_source(), annual(30), "x.json")
    late = ImportRun.claim(run.pk)
    ImportRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())
    importing.run_import(run.pk)
    before = outcome(run)
    with pytest.raises(LostLease):
        importing._read(late)
    assert outcome(run) == before
    assert run.posts.count() == 30


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_rows_at_once_count_each_post_once(monkeypatch):
    monkeypatch.setattr(readers, "BATCH", 20)
    source = make_source()
    contents = [annual(200), annual(200) + "\n", annual(200) + "\n\n"]
    runs = [start(source, content, "x.json")[0] for content in contents]

    def work(run):
        try:
            importing.run_import(run.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        run.refresh_from_db()
        assert (run.state, run.read, run.created + run.known) == ("succeeded", 200, 200)
    assert sum(run.created for run in runs) == source.posts.count() == 200


def test_three_workers_lost_end_the_run_with_a_sentence():
    run = make_run(make_source(), state="queued", file_name="x.json")
    for _ in range(3):
        assert ImportRun.claim(run.pk)
        ImportRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())
    importing.run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker_lost")
    assert importing.describe(run) != "worker_lost"


def test_the_annual_posts_of_ruozhiba_as_they_were_published(wild):
    source = make_source(platform="tieba")
    content = wild("tieba/leymore_post_annual.json").read_bytes()
    run = imported(source, content, "leymore_post_annual.json")
    assert (run.read, run.created, run.known, run.rejected) == (1361, 1361, 0, 0)
    assert not run.posts.filter(title__contains="151、").exists()
    assert run.posts.filter(title__regex=r"^[0-9]{1,3}[、. ]").count() == 0
    assert start(source, content, "again.json") == (run, False)
    again = imported(source, content + b"\n", "copy.json")
    assert (again.read, again.created, again.known, again.rejected) == (1361, 0, 1361, 0)
