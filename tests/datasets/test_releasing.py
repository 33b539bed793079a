"""What becomes of a frozen version, and what its doors say at each step."""

import pytest

from accounts.models import AuditEntry
from datasets import differences, exporting, publishing, releasing, tasks
from datasets.exporting import Refused
from datasets.models import Export, Preference, Record, Version
from tests.builders import make_source

from .conftest import accepted, take_back
from .test_api import API, api, post
from .test_publishing import made

pytestmark = pytest.mark.django_db
ONE = f"{API}first/versions/1/"


def test_a_draft_is_released_and_withdrawn_and_the_log_knows_who_did_it(ready, admin, viewer):
    assert post(viewer, f"{ONE}release/", {}).status_code == 403
    released = post(admin, f"{ONE}release/", {"changelog": "首次发布"}).json()
    assert (released["status"], released["changelog"]) == ("released", "首次发布")
    assert post(admin, f"{ONE}release/", {}).json()["code"] == "wrong_state"
    assert post(admin, f"{ONE}withdraw/", {"reason": " "}).status_code == 400
    withdrawn = post(admin, f"{ONE}withdraw/", {"reason": "十二条侵权"}).json()
    assert (withdrawn["status"], withdrawn["withdrawal"]) == ("withdrawn", "十二条侵权")
    assert api(viewer).get(f"{ONE}files/train.cqia.jsonl").status_code == 404
    assert api(viewer).get(f"{ONE}records/").json()["results"] == []
    assert list(AuditEntry.objects.filter(by=admin).order_by("pk").values_list("action", flat=True)) == [
        "version_released",
        "version_withdrawn",
    ]
    with pytest.raises(Refused, match="withdrawn"):
        exporting.order(Version.objects.get(), "alpaca", "csv", by=admin)


def test_unknown_licences_are_released_only_knowingly(dataset, reviewer, admin):
    accepted(make_source("nobody-knows"), reviewer)
    version = publishing.freeze(dataset, by=admin, include_unknown_licence=True)
    publishing.build(version.pk)
    refused = post(admin, f"{ONE}release/", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "unknown_licence")
    assert post(admin, f"{ONE}release/", {"unknown_licence": True}).json()["status"] == "released"
    assert AuditEntry.objects.get(action="version_released").detail["unknown_licence"] == 1


def test_a_build_can_be_stopped_and_leaves_nothing(dataset, source, reviewer, admin, monkeypatch, folder):
    from datasets import freezing

    monkeypatch.setattr(freezing, "PAGE", 2)
    for n in range(6):
        accepted(source, reviewer, draft=f"第{n}声雷。")
    version, whole = publishing.freeze(dataset, by=None), freezing._page

    def stopped_meanwhile(start):
        if start == 4:
            assert publishing.cancel(version, by=admin)
        return whole(start)

    monkeypatch.setattr(freezing, "_page", stopped_meanwhile)
    publishing.build(version.pk)
    version.refresh_from_db()
    assert (version.state, version.records.count()) == ("cancelled", 4)
    tasks.resend_hints()
    assert not Record.objects.exists()
    assert not [path for path in folder.rglob("*") if path.is_file()]
    assert not publishing.cancel(version, by=admin)


def test_two_versions_are_compared_pair_by_pair_with_the_reason(dataset, source, reviewer, admin):
    stays, undone, gone, moved = (accepted(source, reviewer, draft=f"第{n}只鸟没有飞走。") for n in range(4))
    first = made(dataset)
    take_back(undone, reviewer)
    releasing.take_down(gone.post, by=admin, reason="侵权")
    take_back(moved, reviewer)
    from annotation.models import Pair
    from tests.builders import make_review

    review = make_review(moved, by=reviewer, verdict="edit", output="第三只鸟后来改了主意。", draft=moved.drafts.get())
    Pair.objects.filter(pk=moved.pk).update(status="accepted", decision=review)
    new = accepted(source, reviewer, draft="新来的一只。")
    second = made(dataset)
    counted = differences.compare(first, second)
    assert (counted.added, counted.removed, counted.edited) == (1, 2, 1)
    assert [(change.pair, change.why) for change in differences.changes(first, second, "added")] == [(new.pk, "decided")]
    removed = {change.pair: change.why for change in differences.changes(first, second, "removed")}
    assert removed == {undone.pk: "reopened", gone.pk: "takedown"}
    [edited] = differences.changes(first, second, "edited")
    assert (edited.pair, edited.why, edited.before.data["output"]) == (moved.pk, "decided", "第3只鸟没有飞走。")
    assert ("delete", "3") in edited.segments
    assert "".join(part.text for part in edited.segments if part.kind != "delete").endswith("第三只鸟后来改了主意。")
    assert stays.pk not in removed
    answer = api(admin).get(f"{API}first/versions/2/changes/").json()
    assert answer == {"from": 1, "added": 1, "removed": 2, "edited": 1}
    listed = api(admin).get(f"{API}first/versions/2/changes/?kind=removed&from=1").json()
    assert {row["pair"]: row["why"] for row in listed} == removed
    assert api(admin).get(f"{API}first/versions/1/changes/").json()["code"] == "nothing_to_compare"


def test_a_licence_that_was_written_down_since_is_an_edit_of_metadata(dataset, source, reviewer):
    accepted(source, reviewer)
    first = made(dataset)
    source.licence = "CC0-1.0"
    source.save()
    second = made(dataset)
    assert [change.why for change in differences.changes(first, second, "edited")] == ["metadata"]


def test_takedowns_by_the_api_list_the_versions_that_contain_the_post(ready, admin, viewer):
    gone = ready.records.first().pair.post
    assert post(viewer, "/api/v1/takedowns/", {"post": gone.pk, "reason": "x"}).status_code == 403
    answer = post(admin, "/api/v1/takedowns/", {"post": gone.pk, "reason": "作者要求"})
    assert (answer.status_code, answer.json()["versions"]) == (201, [{"dataset": "first", "number": 1, "status": "ready"}])
    assert api(admin).delete(f"/api/v1/takedowns/{answer.json()['id']}/").status_code == 204
    assert AuditEntry.objects.filter(action__in=["post_taken_down", "takedown_lifted"]).count() == 2


def test_only_its_readers_see_a_dataset_with_readers(ready, admin, lead, viewer, make_user):
    stranger = make_user("viewer", "stranger")
    asked = api(admin).patch(f"{API}first/", '{"readers": ["viewer"]}', content_type="application/json")
    assert (asked.status_code, asked.json()["readers"]) == (200, ["viewer"])
    paths = [f"{API}first/", ONE, f"{ONE}files/", f"{ONE}files/train.cqia.jsonl", f"{ONE}records/", f"{ONE}changes/"]
    for path in paths:
        assert api(stranger).get(path).status_code == 404, path
    assert api(stranger).get(API).json()["results"] == []
    for user in (viewer, lead, admin):
        assert api(user).get(f"{ONE}files/train.cqia.jsonl").status_code == 200
    assert "readers" not in api(viewer).get(f"{API}first/").json()
    assert AuditEntry.objects.get(action="dataset_changed").detail["readers"] == ["viewer"]


def test_further_files_are_ordered_written_once_and_listed(ready, viewer, monkeypatch):
    monkeypatch.setattr("datasets.file_api.send_hint", lambda *args: None)
    ordered = post(viewer, f"{ONE}files/", {"schema": "alpaca", "format": "csv.gz"})
    assert (ordered.status_code, ordered.json()["status"]) == (202, "queued")
    assert post(viewer, f"{ONE}files/", {"schema": "alpaca", "format": "csv.gz"}).json()["id"] == ordered.json()["id"]
    exporting.run(ordered.json()["id"])
    done = api(viewer).get(f"{ONE}exports/{ordered.json()['id']}/").json()
    assert (done["status"], done["rows"]) == ("succeeded", 3)
    assert "train.alpaca.csv.gz" in [file["name"] for file in api(viewer).get(f"{ONE}files/").json()]
    assert post(viewer, f"{ONE}files/", {"schema": "../x", "format": "jsonl"}).status_code == 422
    assert post(viewer, f"{ONE}files/", {"schema": "dpo", "format": "jsonl"}).json()["code"] == "no_rows"


def test_an_export_can_be_stopped_and_a_full_disk_is_said(ready, viewer, monkeypatch, folder):
    job = exporting.order(ready, "sharegpt", "json", by=viewer)

    def full(self, out, pages, example):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("datasets.writers.Json.write", full)
    exporting.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.error_detail) == ("failed", "disk", "No space left on device")
    again = exporting.order(ready, "sharegpt", "json", by=viewer)
    assert exporting.cancel(again)
    exporting.run(again.pk)
    assert Export.objects.get(pk=again.pk).state == "cancelled"
    assert not list(folder.rglob("*sharegpt*"))


def test_records_are_read_by_the_api_with_filters(ready, viewer):
    found = api(viewer).get(f"{ONE}records/?search=第1层&answer_from=llm&split=train&source=jokes").json()["results"]
    assert [record["data"]["output"] for record in found] == ["第1层没有人按铃，电梯自己来的。"]
    for nothing in ("answer_from=human", "split=test", "source=other", "search=没有这样的话"):
        assert api(viewer).get(f"{ONE}records/?{nothing}").json()["results"] == []


def test_preferences_and_removals_refuse_to_be_changed_too(ready):
    from django.db import DatabaseError, connection, transaction

    record = ready.records.first()
    Preference.objects.create(version=ready, kind="edit", position=0, pair=record.pair, review=record.review, draft=record.review.draft)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM datasets_preference")
