"""The API of datasets, by its contract."""

import json

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.models import ApiToken, AuditEntry
from datasets import exporting, publishing, releasing
from datasets.models import Dataset, Version
from tests.builders import make_source

from .conftest import accepted, sha

pytestmark = pytest.mark.django_db
API = "/api/v1/datasets/"
FILE = f"{API}first/versions/1/files/train.cqia.jsonl"


@pytest.fixture
def sent(monkeypatch):
    ids = []
    monkeypatch.setattr("datasets.api.send_hint", lambda task, *args: ids.append((task.name, *args)))
    return ids


def api(user) -> Client:
    return Client(headers={"Authorization": f"Bearer {ApiToken.issue(user, 'test')[1]}"})


def post(user, path, body):
    return api(user).post(path, json.dumps(body), content_type="application/json")


def whole(response) -> bytes:
    return b"".join(response.streaming_content)


def test_a_dataset_is_made_frozen_and_read(admin, viewer, source, reviewer, sent):
    accepted(source, reviewer)
    made = post(admin, API, {"slug": "jokes", "name": "段子集", "sources": ["jokes"]})
    assert (made.status_code, made.json()) == (
        201,
        {"slug": "jokes", "name": "段子集", "sources": ["jokes"], "recipe": {}, "include_demo": False, "readers": []},
    )
    ordered = post(admin, f"{API}jokes/versions/", {})
    assert ordered.status_code == 202
    assert (ordered.json()["number"], ordered.json()["status"]) == (1, "building")
    version = Version.objects.get()
    assert sent == [("datasets.tasks.build_version", version.pk)]
    assert api(viewer).get(f"{API}jokes/versions/1/files/").json() == []

    publishing.build(version.pk)
    version.refresh_from_db()
    read = api(viewer).get(f"{API}jokes/versions/1/").json()
    expected = {"number": 1, "status": "ready", "records": 1, "sha256": version.sha256, "splits": {"train": 1}, "left_out": {}}
    assert read | expected == read
    assert (read["unknown_licence"], read["error"]) == (0, None)
    files = api(viewer).get(f"{API}jokes/versions/1/files/").json()
    assert [file["name"] for file in files] == ["train.cqia.jsonl", "train.alpaca.json", "train.messages.jsonl"]
    assert list(files[0]) == ["name", "schema", "format", "bytes", "sha256", "split", "rows"]
    assert [each["slug"] for each in api(viewer).get(API).json()["results"]] == ["jokes"]
    assert [each["number"] for each in api(viewer).get(f"{API}jokes/versions/").json()["results"]] == [1]


def test_an_empty_version_says_why(admin, source, reviewer, dataset, sent):
    accepted(source, reviewer, model="demo")
    post(admin, f"{API}first/versions/", {})
    publishing.build(Version.objects.get().pk)
    read = api(admin).get(f"{API}first/versions/1/", headers={"Accept-Language": "en"}).json()
    assert (read["status"], read["records"], read["sha256"], read["left_out"]) == ("failed", 0, "", {"demo": 1})
    assert read["error"]["code"] == "empty"
    assert read["error"]["detail"]
    post(admin, f"{API}first/versions/", {"include_demo": True})
    assert Version.objects.get(number=2).recipe["include_demo"] is True


@pytest.mark.parametrize(
    "body",
    [
        {"slug": "new", "name": "x"},
        {"slug": "../x", "name": "x"},
        {"slug": "x", "name": ""},
        {"slug": "x", "name": "x", "sources": ["nowhere"]},
        {"slug": "x", "name": "x", "recipe": {"include_unknown_license": False}},
        {"slug": "x", "name": "x", "recipe": {"include_unknown_licence": "no"}},
        {"slug": "x", "name": "x", "recipe": []},
        {"slug": "x", "name": "a\u0000b"},
        [],
    ],
)
def test_what_makes_no_sense_is_refused(admin, body):
    response = post(admin, API, body)
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert not Dataset.objects.exists()


def test_a_slug_is_taken_once(admin, dataset):
    response = post(admin, API, {"slug": "first", "name": "again"})
    assert (response.status_code, response.json()["code"]) == (409, "slug_taken")


def test_who_may_do_what(admin, lead, reviewer, viewer, ready, sent):
    for user, status in ((lead, 403), (reviewer, 403), (viewer, 403), (admin, 201)):
        assert post(user, API, {"slug": f"of-{user.role}", "name": "x"}).status_code == status
    for user, status in ((lead, 403), (reviewer, 403), (viewer, 403), (admin, 202)):
        assert post(user, f"{API}first/versions/", {}).status_code == status
    assert Version.objects.count() == 2
    viewer.is_active = False
    viewer.save()
    for path in (API, f"{API}first/versions/", f"{API}first/versions/1/", f"{API}first/versions/1/files/", FILE):
        assert Client().get(path).status_code == 401
        assert api(viewer).get(path).status_code == 401
        for user in (reviewer, lead, admin):
            assert api(user).get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "nowhere/versions/1/", "first/versions/2/", "first/versions/99999999999999999999/", "first/versions/1/files/other.jsonl",
        "first/versions/1/files/..%2F..%2Fsecret", "first/versions/1/files/%00", "first/versions/2/files/",
    ],
)  # fmt: skip
def test_what_is_not_there_is_404(viewer, ready, path):
    assert api(viewer).get(API + path).status_code == 404


# --- downloads --------------------------------------------------------------------------------------------------------


def test_a_file_is_an_attachment_with_its_checksum(viewer, ready):
    file = ready.files.get(schema="cqia")
    response = api(viewer).get(FILE, headers={"Accept": "application/jsonl"})
    body = whole(response)
    assert response.status_code == 200
    assert (sha(body), len(body)) == (file.sha256, int(response["Content-Length"]))
    assert response["ETag"] == f'"{file.sha256}"'
    assert response["Content-Disposition"] == 'attachment; filename="first-v1.train.cqia.jsonl"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Accept-Ranges"] == "bytes"
    assert "private" in response["Cache-Control"]
    entry = AuditEntry.objects.get(action="file_downloaded")
    assert (entry.by, entry.subject) == (viewer, "dataset first version 1")
    assert entry.detail == {"file": "train.cqia.jsonl", "sha256": file.sha256, "version_sha256": ready.sha256}


@pytest.mark.parametrize(("tag", "status"), [('"{}"', 304), ('W/"{}"', 304), ("*", 304), ('"a", "{}"', 304), ('"a"', 200), ("{}", 200)])
def test_who_has_the_file_already_is_told_so(viewer, ready, tag, status):
    sha256 = ready.files.get(schema="cqia").sha256
    response = api(viewer).get(FILE, headers={"If-None-Match": tag.format(sha256)})
    assert (response.status_code, response["ETag"]) == (status, f'"{sha256}"')
    assert AuditEntry.objects.filter(action="file_downloaded").count() == (status == 200)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)), ("bytes=5-", slice(5, None)), ("bytes=-7", slice(-7, None)), ("bytes=0-0", slice(0, 1)),
        ("bytes=10-99999999", slice(10, None)), ("bytes=-99999999", slice(0, None)),
    ],
)  # fmt: skip
def test_a_part_of_the_file(viewer, ready, asked, part):
    data = exporting.path_of(ready.files.get(schema="cqia")).read_bytes()
    response = api(viewer).get(FILE, headers={"Range": asked})
    body = whole(response)
    assert (response.status_code, body) == (206, data[part])
    start, stop, _ = part.indices(len(data))
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(data)}"
    assert int(response["Content-Length"]) == len(body)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_part_that_is_not_there(viewer, ready, asked):
    response = api(viewer).get(FILE, headers={"Range": asked})
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{ready.files.get(schema='cqia').bytes}")


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "lines=0-1", "bytes=" + "9" * 400 + "-", "bytes=a-b"])
def test_a_range_that_is_none_is_answered_with_the_whole(viewer, ready, asked):
    response = api(viewer).get(FILE, headers={"Range": asked})
    assert (response.status_code, len(whole(response))) == (200, ready.files.get(schema="cqia").bytes)


def test_a_part_of_another_file_is_not_mixed_in(viewer, ready):
    response = api(viewer).get(FILE, headers={"Range": "bytes=3-", "If-Range": '"another"'})
    assert response.status_code == 200
    etag = response["ETag"]
    assert api(viewer).get(FILE, headers={"Range": "bytes=3-", "If-Range": etag}).status_code == 206


def test_only_the_head(viewer, ready):
    response = api(viewer).head(FILE)
    assert (response.status_code, int(response["Content-Length"])) == (200, ready.files.get(schema="cqia").bytes)
    assert not AuditEntry.objects.filter(action="file_downloaded").exists()


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_file_that_is_not_whole_is_not_served(viewer, ready, harm):
    path = exporting.path_of(ready.files.get(schema="cqia"))
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    response = api(viewer).get(FILE)
    assert (response.status_code, response.json()["code"]) == (503, "file_missing")
    assert str(path.parent) not in response.json()["detail"]
    assert not AuditEntry.objects.filter(action="file_downloaded").exists()


def test_a_withdrawn_version_is_listed_without_downloads(viewer, ready):
    releasing.withdraw(ready, by=None, reason="某人要求")
    assert api(viewer).get(f"{API}first/versions/1/").json()["status"] == "withdrawn"
    assert api(viewer).get(f"{API}first/versions/1/files/").json() == []
    assert api(viewer).get(FILE).status_code == 404


def test_the_counts_say_how_many_licences_are_unknown(viewer, dataset, reviewer):
    accepted(make_source("nobody-knows"), reviewer)
    publishing.build(publishing.freeze(dataset, by=None, include_unknown_licence=True).pk)
    assert api(viewer).get(f"{API}first/versions/1/").json()["unknown_licence"] == 1


def test_the_api_describes_itself(db):
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    version = "/api/v1/datasets/{slug}/versions/{number}/"
    below = ("", "cancel/", "changes/", "exports/{id}/", "files/", "files/{name}", "records/", "release/", "withdraw/")
    whole = {"/api/v1/datasets/", "/api/v1/datasets/{slug}/", "/api/v1/datasets/{slug}/preview/", "/api/v1/datasets/{slug}/versions/"}
    assert {path for path in paths if "/datasets/" in path} == whole | {version + name for name in below}
    assert "202" in paths["/api/v1/datasets/{slug}/versions/"]["post"]["responses"]
