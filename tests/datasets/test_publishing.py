"""Freezing and building: one snapshot, the same bytes for ever, nothing half done."""

import json
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from annotation.models import Review
from datasets import exporting, freezing, publishing, tasks
from datasets.models import File, Record, Version
from datasets.records import KEYS, NO_COPYRIGHT
from datasets.selecting import preview, recipe_of
from tests.builders import make_pair, make_source

from .conftest import accepted, sha, take_back

pytestmark = pytest.mark.django_db


def made(dataset, **order) -> Version:
    version = publishing.freeze(dataset, by=None, **order)
    publishing.build(version.pk)
    version.refresh_from_db()
    return version


def lines(version, name="train.cqia.jsonl") -> list[dict]:
    return [json.loads(line) for line in exporting.path_of(version.files.get(name=name)).read_text("utf-8").split("\n")[:-1]]


def test_a_version_holds_exactly_the_accepted_pairs_as_they_were_decided(dataset, source, reviewer):
    kept = accepted(source, reviewer, draft="草稿是这样写的，一共有不少字。", output="草稿是那样写的，一共有不少字。", instruction="问一")
    own = accepted(source, reviewer, model="", draft="帖子自己的回答。", instruction="问二", input="材料")
    for status in ("pending", "rejected", "drafting"):
        make_pair(source, status=status, by=reviewer)
    version = made(dataset)
    rows = lines(version)
    assert [list(row) for row in rows] == [list(KEYS)] * 2
    assert [(row["instruction"], row["input"], row["output"], row["answer_from"]) for row in rows] == [
        ("问一", "", "草稿是那样写的，一共有不少字。", "llm"),
        ("问二", "材料", "帖子自己的回答。", "human"),
    ]
    assert [row["copyright"] for row in rows] == ["CC-BY-4.0"] * 2
    assert all(row["human_verified"] is True and row["task_type"]["minor"] == ["逻辑问答"] for row in rows)
    assert list(version.records.values_list("pair", "review__pair")) == [(kept.pk, kept.pk), (own.pk, own.pk)]
    assert (version.state, version.records_count, version.splits, version.left_out) == ("ready", 2, {"train": 2}, {})


def test_the_checksums_can_be_computed_again_from_page_and_files(ready):
    assert publishing.recompute(ready) == ready.sha256
    assert exporting.is_whole(ready)
    for file in ready.files.all():
        data = exporting.path_of(file).read_bytes()
        assert (len(data), sha(data)) == (file.bytes, file.sha256)
    canonical = b"".join(
        (json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode() for row in lines(ready)
    )
    assert sha(canonical) == ready.sha256
    assert [file.name for file in exporting.in_order(ready)] == ["train.cqia.jsonl", "train.alpaca.json", "train.messages.jsonl"]


def test_the_same_pairs_give_the_same_version(ready, dataset):
    again = made(dataset)
    assert again.number == 2
    assert again.sha256 == ready.sha256
    assert set(again.files.values_list("name", "sha256")) == set(ready.files.values_list("name", "sha256"))


def test_records_stand_in_the_order_of_sources_and_pairs(dataset, reviewer):
    first, second = make_source("a", licence="CC0-1.0"), make_source("b", licence="CC0-1.0")
    pairs = [accepted(source, reviewer) for source in (second, first, second, first)]
    expected = [pairs[i].pk for i in (1, 3, 0, 2)]
    version = made(dataset)
    assert list(version.records.order_by("position").values_list("position", "pair")) == list(enumerate(expected))


def test_only_the_chosen_sources_as_they_were_chosen_when_it_was_frozen(dataset, source, reviewer):
    accepted(source, reviewer)
    other = accepted(make_source("other", licence="CC0-1.0"), reviewer)
    dataset.sources.set([other.source])
    version = publishing.freeze(dataset, by=None)
    dataset.sources.set([source])
    publishing.build(version.pk)
    assert list(version.records.values_list("pair", flat=True)) == [other.pk]


def test_demo_drafts_stay_out_unless_asked_for(dataset, source, reviewer):
    real = accepted(source, reviewer)
    demos = [
        accepted(source, reviewer, model="demo"),
        accepted(source, reviewer, model="demo", output="改得面目全非，和草稿已经没有任何关系了，一个字也不剩。"),
        accepted(source, reviewer, model="demo", named=False),
    ]
    assert preview(recipe_of(dataset)) == {"": 1, "demo": 3}
    version = made(dataset)
    assert list(version.records.values_list("pair", flat=True)) == [real.pk]
    assert version.left_out == {"demo": 3}
    assert version.recipe["include_demo"] is False

    version = made(dataset, include_demo=True)
    assert list(version.records.values_list("pair", flat=True)) == [pair.pk for pair in (real, *demos)]
    assert version.left_out == {}
    assert dataset.include_demo is False


def test_unknown_licences_are_left_out_unless_somebody_says_otherwise_and_that_is_logged(dataset, source, reviewer, admin):
    known, unknown = accepted(source, reviewer), accepted(make_source("nobody-knows"), reviewer)
    version = made(dataset)
    assert list(version.records.values_list("pair", flat=True)) == [known.pk]
    assert version.left_out == {"licence": 1}
    assert version.facts["unknown_licence"] == 0

    version = publishing.freeze(dataset, by=admin, include_unknown_licence=True)
    publishing.build(version.pk)
    version.refresh_from_db()
    assert {record.pair_id: record.data["copyright"] for record in version.records.all()} == {
        known.pk: "CC-BY-4.0",
        unknown.pk: NO_COPYRIGHT,
    }
    assert version.facts["unknown_licence"] == 1
    entry = AuditEntry.objects.get(action="version_frozen", by=admin)
    assert (entry.detail["include_unknown_licence"], entry.detail["overridden"]) == (True, ["include_unknown_licence"])


def test_the_log_names_only_what_goes_against_the_recipe(dataset, source, reviewer, admin):
    publishing.update_dataset(dataset, by=None, include_demo=True)
    orders = [{}, {"include_demo": True, "include_unknown_licence": False}, {"include_demo": False, "include_unknown_licence": True}]
    for order in orders:
        publishing.freeze(dataset, by=admin, **order)
    entries = AuditEntry.objects.filter(action="version_frozen", by=admin).order_by("pk")
    assert [entry.detail["overridden"] for entry in entries] == [[], [], ["include_demo", "include_unknown_licence"]]


def test_a_licence_is_frozen_with_the_version(ready, source):
    source.licence = "proprietary"
    source.save()
    assert {row["copyright"] for row in lines(ready)} == {"CC-BY-4.0"}
    assert publishing.recompute(ready) == ready.sha256


@pytest.mark.parametrize(("model", "left_out"), [("demo", {"demo": 1}), (None, {})])
def test_a_version_without_records_fails_and_says_so(dataset, source, reviewer, model, left_out):
    if model:
        accepted(source, reviewer, model=model)
    version = made(dataset)
    assert (version.state, version.error_code, version.left_out) == ("failed", "empty", left_out)
    assert not File.objects.exists()


def test_versions_count_on_and_the_same_order_twice_is_one_version(dataset, admin):
    first = publishing.freeze(dataset, by=admin, number=1)
    assert publishing.freeze(dataset, by=admin, number=1) == first
    assert publishing.freeze(dataset, by=admin).number == 2
    assert [entry.subject for entry in AuditEntry.objects.filter(by=admin).order_by("pk")] == [
        "dataset first version 1",
        "dataset first version 2",
    ]


def test_a_dataset_that_is_there_is_left_as_it_is(dataset):
    assert publishing.ensure_dataset("first", "别的名字", include_demo=True) == dataset
    dataset.refresh_from_db()
    assert (dataset.name, dataset.include_demo) == ("第一份", False)
    assert publishing.ensure_demo().include_demo is True


class Killed(BaseException):
    """As far as the database and the disk can tell, the worker is gone."""


@pytest.mark.parametrize("step", ["records", "file"])
def test_a_build_killed_in_the_middle_is_made_anew_with_the_same_bytes(dataset, source, reviewer, monkeypatch, folder, step):
    monkeypatch.setattr(freezing, "PAGE", 2)
    for n in range(7):
        accepted(source, reviewer, draft=f"第{n}只猫没有回答。")
    expected = made(dataset)
    version = publishing.freeze(dataset, by=None)
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        with pytest.raises(Killed):
            publishing.build(version.pk)
    version.refresh_from_db()
    assert version.state == "running"
    assert version.records.count() == {"records": 4, "file": 7}[step]
    assert version.files.count() == 0

    publishing.build(version.pk)
    version.refresh_from_db()
    assert version.state == "running", "its worker may still be alive"
    Version.objects.filter(pk=version.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    publishing.build(version.pk)
    version.refresh_from_db()
    assert (version.state, version.sha256) == ("ready", expected.sha256)
    assert set(version.files.values_list("name", "sha256")) == set(expected.files.values_list("name", "sha256"))
    assert not list(folder.rglob("*.tmp"))


def kill_at(patch, step: str) -> None:
    calls = Counter()
    if step == "records":
        whole = freezing._page

        def two_batches(*args):
            calls["batches"] += 1
            if calls["batches"] > 2:
                raise Killed
            return whole(*args)

        patch.setattr(freezing, "_page", two_batches)
    else:

        def half(self, out, pages, example):
            out.write(next(iter(pages))[:10])
            raise Killed

        patch.setattr("datasets.writers.Jsonl.write", half)


def test_a_worker_that_lost_its_job_writes_nothing_more(dataset, source, reviewer, monkeypatch):
    accepted(source, reviewer)
    version, whole = publishing.freeze(dataset, by=None), freezing._page

    def taken_over_meanwhile(*args):
        Version.objects.filter(pk=version.pk).update(lease_token="00000000-0000-0000-0000-000000000000")
        return whole(*args)

    monkeypatch.setattr(freezing, "_page", taken_over_meanwhile)
    publishing.build(version.pk)
    version.refresh_from_db()
    assert (version.state, version.records.count(), version.files.count()) == ("running", 0, 0)


def test_a_full_disk_fails_the_version_and_leaves_no_file(dataset, source, reviewer, monkeypatch, folder):
    accepted(source, reviewer)

    def full(self, out, pages, example):
        out.write(b"[")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("datasets.writers.Json.write", full)  # the second file: the first is written by then
    version = made(dataset)
    assert (version.state, version.error_code, version.error_detail) == ("failed", "disk", "No space left on device")
    assert not [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "change",
    ["UPDATE datasets_record SET data = '{}'", "UPDATE datasets_record SET position = position + 10", "DELETE FROM datasets_record"],
)
def test_frozen_records_refuse_to_be_changed(ready, change):
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert publishing.recompute(ready) == ready.sha256


def test_a_changed_row_is_noticed(ready):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE datasets_record DISABLE TRIGGER datasets_record_no_change")
        cursor.execute("""UPDATE datasets_record SET data = jsonb_set(data::jsonb, '{output}', '"别的"')::json WHERE position = 1""")
        cursor.execute("ALTER TABLE datasets_record ENABLE TRIGGER datasets_record_no_change")
    assert not exporting.is_whole(ready)
    assert publishing.recompute(ready) != ready.sha256
    exporting.path_of(ready.files.get(schema="cqia")).unlink()
    with pytest.raises(exporting.Refused, match="no longer give the bytes"):
        exporting.export(ready, "cqia", "jsonl")


def test_a_lost_file_is_written_again_byte_for_byte(ready):
    file = ready.files.get(schema="cqia")
    before = exporting.path_of(file).read_bytes()
    exporting.path_of(file).unlink()
    assert exporting.export(ready, "cqia", "jsonl") == [file]
    assert exporting.path_of(file).read_bytes() == before


def test_a_further_layout_is_written_once(ready):
    [file] = exporting.export(ready, "cqia", "json")
    assert json.loads(exporting.path_of(file).read_bytes()) == lines(ready)
    assert exporting.export(ready, "cqia", "json") == [file]
    with pytest.raises(exporting.Refused):
        exporting.export(ready, "../cqia", "json")


def test_hints_are_sent_again_for_what_is_due(dataset, source, reviewer, monkeypatch, django_capture_on_commit_callbacks):
    waiting, done = publishing.freeze(dataset, by=None), publishing.freeze(dataset, by=None)
    publishing.build(done.pk)
    sent = []
    monkeypatch.setattr(tasks.build_version, "apply_async", lambda args: sent.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.resend_hints()
    assert sent == [(waiting.pk,)]


# --- with real transactions -------------------------------------------------------------------------------------------


def in_thread(work) -> threading.Thread:
    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_freezing_at_the_same_time_gives_each_a_number_of_its_own(dataset):
    barrier, numbers = threading.Barrier(6), []

    def freeze():
        barrier.wait()
        numbers.append(publishing.freeze(dataset, by=None).number)

    for thread in [in_thread(freeze) for _ in range(6)]:
        thread.join()
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db(transaction=True)
def test_what_happens_after_the_snapshot_is_not_in_the_version(dataset, source, reviewer, monkeypatch):
    monkeypatch.setattr(freezing, "PAGE", 2)
    pairs = [accepted(source, reviewer, draft=f"第{n}把伞没有打开。") for n in range(6)]
    reached, go_on, whole = threading.Event(), threading.Event(), freezing._page

    def slowly(start):
        if start == 2:
            reached.set()
            assert go_on.wait(20)
        return whole(start)

    monkeypatch.setattr(freezing, "_page", slowly)
    version = publishing.freeze(dataset, by=None)
    builder = in_thread(lambda: publishing.build(version.pk))
    assert reached.wait(20)
    last = Review.objects.latest("pk").pk
    take_back(pairs[5], reviewer)  # people go on reviewing: nothing is locked while records are written
    accepted(source, reviewer, draft="后来才通过的。")
    go_on.set()
    builder.join()
    version.refresh_from_db()
    assert (version.state, version.log_position) == ("ready", last)
    assert list(version.records.order_by("position").values_list("pair", flat=True)) == [pair.pk for pair in pairs]


@pytest.mark.django_db(transaction=True)
def test_the_snapshot_waits_for_the_review_that_is_being_written(dataset, source, reviewer):
    """A review's number is drawn before its commit: without the wait, the log position would claim a review not seen."""
    accepted(source, reviewer)
    written, commit = threading.Event(), threading.Event()

    def review():
        with transaction.atomic():
            accepted(source, reviewer, draft="还没提交。")
            written.set()
            assert commit.wait(20)

    slow = in_thread(review)
    assert written.wait(20)
    accepted(source, reviewer, draft="号码更大，却先提交。")
    version = publishing.freeze(dataset, by=None)
    builder = in_thread(lambda: publishing.build(version.pk))
    builder.join(0.5)
    assert builder.is_alive(), "it did not wait"
    commit.set()
    slow.join()
    builder.join()
    version.refresh_from_db()
    assert version.records_count == 3
    folded = Review.objects.filter(pk__lte=version.log_position, verdict="accept").values_list("pair", flat=True)
    assert set(folded) == set(Record.objects.filter(version=version).values_list("pair", flat=True))


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_hint_build_it_once(dataset, source, reviewer):
    for n in range(20):
        accepted(source, reviewer, draft=f"{n} 个枕头一起失眠。")
    version = publishing.freeze(dataset, by=None)
    barrier = threading.Barrier(4)

    def build():
        barrier.wait()
        publishing.build(version.pk)

    for thread in [in_thread(build) for _ in range(4)]:
        thread.join()
    version.refresh_from_db()
    assert (version.state, version.records.count(), version.attempts) == ("ready", 20, 0)
