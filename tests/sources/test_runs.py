"""What an admin does with a run that is over: going on, and taking it back."""

import io
import json

import pytest

from accounts.models import AuditEntry
from sources import importing, readers, runs, screening
from sources.importing import run_import, start_import
from sources.models import ImportRun, Post, RejectedRow
from tests.builders import make_pair, make_run, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]


def ordered(source, rows, **given):
    stored = importing.store(io.BytesIO("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()), "x.jsonl")
    return start_import(source, stored, name="x.jsonl", by=None, **given)[0]


def imported(source, rows):
    run = ordered(source, rows)
    run_import(run.pk)
    screening.screen(source)
    run.refresh_from_db()
    return run


def jokes(count, start=0):
    words = "伞灯锅门窗桌椅杯碗筷"
    return [{"title": f"{words[n % 10]}第{n}回自己走丢了算不算{n * 7919}号离家出走？"} for n in range(start, start + count)]


class TestResume:
    def test_a_cancelled_run_goes_on_where_it_stopped_and_ends_like_an_uninterrupted_one(self, monkeypatch):
        monkeypatch.setattr(readers, "BATCH", 500)
        rows = jokes(1200)
        run, write = ordered(make_source(), rows), importing.write

        def cancel_after_the_first(run, *args):
            write(run, *args)
            importing.cancel(ImportRun.objects.get(pk=run.pk))

        monkeypatch.setattr(importing, "write", cancel_after_the_first)
        run_import(run.pk)
        monkeypatch.setattr(importing, "write", write)
        run.refresh_from_db()
        assert (run.state, run.read) == ("cancelled", 500)

        assert runs.resume(run)
        assert (run.state, run.resumed_at_row, run.finished_at) == ("queued", 500, None)
        run_import(run.pk)
        run.refresh_from_db()
        assert (run.state, run.read, run.created) == ("succeeded", 1200, 1200)
        assert list(run.posts.order_by("row").values_list("title", flat=True)) == [row["title"] for row in rows]

    def test_a_failed_run_forgets_its_error(self):
        run = make_run(make_source(), state="failed", error_code="worker_lost", attempts=3)
        assert runs.resume(run)
        assert (run.state, run.error_code, run.attempts) == ("queued", "", 0)

    @pytest.mark.parametrize("state", ["queued", "running", "succeeded", "rolled_back"])
    def test_a_run_that_is_not_broken_off_stays_as_it_is(self, state):
        run = make_run(make_source(), state=state)
        assert not runs.resume(run)
        assert run.state == state

    def test_not_while_another_run_has_the_same_bytes(self):
        old = make_run(make_source(), state="cancelled")
        make_run(old.source, sha256=old.sha256)
        assert not runs.resume(old)
        assert old.state == "cancelled"


class TestRollBack:
    def test_posts_without_pairs_go_and_the_bytes_can_be_imported_again(self, admin):
        source = make_source()
        rows = [*jokes(3), {"nothing": 1}]
        run = imported(source, rows)
        assert (run.created, run.rejected) == (3, 1)
        assert runs.roll_back(run, by=admin) == {"deleted": 3, "dropped": 0, "stayed": 0}
        assert (run.state, run.read, run.created, run.rejected) == ("rolled_back", 0, 0, 0)
        assert not Post.objects.filter(source=source).exists()
        assert not RejectedRow.objects.filter(run=run).exists()
        entry = AuditEntry.objects.get(action="import_rolled_back")
        assert entry.detail == {"counts": {"read": 4, "created": 3, "known": 0, "rejected": 1}, "deleted": 3, "dropped": 0, "stayed": 0}
        again = imported(source, rows)
        assert (again.pk != run.pk, again.created) == (True, 3)

    def test_what_people_decided_stays_and_what_has_a_pair_is_dropped(self, admin, reviewer):
        source = make_source()
        run = imported(source, jokes(3))
        reviewed, paired, _bare = run.posts.order_by("row")
        make_pair(post=reviewed, status="accepted", by=reviewer)
        make_pair(post=paired, status="pending")
        assert runs.roll_back(run, by=admin) == {"deleted": 1, "dropped": 1, "stayed": 1}
        left = dict(run.posts.values_list("pk", "status"))
        assert left == {reviewed.pk: "kept", paired.pk: "dropped"}
        assert (run.read, run.created) == (2, 2)
        assert run.posts.get(pk=paired.pk).drop_reason == "rolled_back"
        screening.rescreen(source, by=admin)
        screening.screen(source)
        assert run.posts.get(pk=paired.pk).status == "dropped", "a screen does not bring back what was taken back"

    def test_duplicates_of_what_goes_come_back(self, admin):
        source = make_source(screens=[{"screen": "duplicate"}, {"screen": "near_duplicate", "across": False}])
        first = imported(source, [{"title": "影子会不会怕黑，天黑了它去哪里？"}, {"title": "保温杯里装冰水，它该保谁的温？"}])
        second = imported(source, [
            {"title": "影子会不会怕黑,天黑了它去哪里?!", "id": "same"},
            {"title": "保温杯里装着冰水，它该保谁的温？", "id": "near"},
        ])  # fmt: skip
        assert list(second.posts.order_by("row").values_list("drop_reason", flat=True)) == ["duplicate", "near_duplicate"]
        runs.roll_back(first, by=admin)
        screening.screen(source)
        assert list(second.posts.values_list("status", flat=True)) == ["kept", "kept"]

    @pytest.mark.parametrize("state", ["queued", "running", "rolled_back"])
    def test_only_of_a_run_that_is_over(self, admin, state):
        with pytest.raises(screening.StaleState):
            runs.roll_back(make_run(make_source(), state=state), by=admin)
        assert not AuditEntry.objects.filter(action="import_rolled_back").exists()


class TestKeptAllTheSame:
    def test_rows_that_somebody_wants_are_edited_but_never_dropped(self, admin):
        screens = [
            {"screen": "length", "field": "title", "min": 6},
            {"screen": "personal_data"},
            {"screen": "near_duplicate", "across": False},
        ]
        source = make_source(screens=screens)
        rows = [
            {"title": "如图"},
            {"title": "太短"},
            {"title": "保温杯里装冰水，它该保谁的温？"},
            {"title": "保温杯里装了冰水，它该保谁的温？打 13812345678"},
        ]
        stored = importing.store(io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode()), "x.jsonl")
        run, _ = start_import(source, stored, name="x.jsonl", by=admin, kept=[1, 4])
        run_import(run.pk)
        screening.screen(source)
        found = list(run.posts.order_by("row").values_list("row", "status", "drop_reason", "rescued_by"))
        assert found == [
            (1, "kept", "", admin.pk),
            (2, "dropped", "too_short", None),
            (3, "dropped", "near_duplicate", None),
            (4, "kept", "", admin.pk),
        ]
        assert "[手机号]" in run.posts.get(row=4).title
