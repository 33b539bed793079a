"""The API of dry runs: from a file to what would become of it, row by row, and to the import."""

import json

import pytest
from rest_framework.test import APIClient

from sources.dry_running import run_dry
from sources.importing import run_import
from sources.models import DryRun, ImportRun, Post
from tests.builders import make_source
from tests.sources.test_api import jsonl, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]
ROWS = [
    {"title": "影子会不会怕黑？", "votes": 3},
    {"title": "如图", "votes": 90},
    {"title": "药一天吃三次，另外两次陪谁吃？", "votes": 100},
    {"x": 1},
    {"title": "加我 13812345678", "votes": 1},
]
SCREENS = [{"screen": "personal_data", "drop": True}, {"screen": "length", "field": "title", "min": 6}]


@pytest.fixture
def api(admin):
    client = APIClient()
    client.force_authenticate(admin)
    return client


def tried(api, source=None, **more):
    answer = upload(api, source or make_source(screens=SCREENS), jsonl(*ROWS), dry_run="true", **more)
    assert answer.status_code == 202
    run_dry(answer.json()["id"])
    return f"/api/v1/dry-runs/{answer.json()['id']}/"


def test_it_says_what_would_become_of_every_row_and_imports_nothing(api):
    at = tried(api)
    said = api.get(at).json()
    assert (said["status"], said["percent"], said["importer"], said["error"], said["import_id"]) == (
        "succeeded",
        100,
        "generic",
        None,
        None,
    )
    assert said["counts"] == {
        "read": 5, "through": 2, "known": 0, "rejected": {"no_text": 1}, "dropped": {"too_short": 1, "personal_data": 1}, "unread": {},
        "displaced": 0,
    }  # fmt: skip
    rows = {row["row"]: row for row in api.get(f"{at}rows/").json()["results"]}
    assert [rows[n]["outcome"] for n in range(1, 6)] == ["passed", "dropped", "passed", "rejected", "dropped"]
    assert rows[2].items() >= {"reason": "too_short", "value": "2", "title": "如图", "votes": 90}.items()
    assert rows[4]["raw"] == '{"x": 1}'
    assert [row["row"] for row in api.get(f"{at}rows/?outcome=dropped&reason=too_short").json()["results"]] == [2]
    assert api.get(f"{at}rows/?outcome=else").status_code == 400
    assert not (Post.objects.exists() | ImportRun.objects.exists())


def test_screens_may_be_tried_that_are_not_the_sources(api):
    at = tried(api, screens=json.dumps([{"screen": "votes", "min": 50}]))
    assert api.get(at).json()["counts"]["dropped"] == {"too_few_votes": 2}
    for bad in ("{", '{"screen": "votes"}', "[1]", '[{"screen": "made_up"}]', '[{"screen": "votes", "min": "x"}]'):
        answer = upload(api, make_source(), jsonl(*ROWS), dry_run="true", screens=bad)
        assert answer.status_code == 400, bad


def test_a_row_is_kept_and_the_import_is_what_was_tried(api, admin):
    at = tried(api)
    assert api.post(f"{at}rows/2/keep/").json()["kept"] is True
    for row, status, code in ((5, 409, "personal_data"), (1, 409, "not_dropped"), (77, 404, "no_such_row")):
        refused = api.post(f"{at}rows/{row}/keep/")
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    answer = api.post(f"{at}import/")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    run_import(answer.json()["id"])
    assert Post.objects.get(row=2).rescued_by == admin
    assert api.get(at).json()["import_id"] == answer.json()["id"]
    assert api.post(f"{at}import/").status_code == 200


def test_it_is_paused_goes_on_and_is_stopped_and_imported_only_when_it_ended_or_is_skipped(api):
    at = f"/api/v1/dry-runs/{upload(api, make_source(), jsonl(*ROWS), dry_run='true').json()['id']}/"
    assert [api.post(f"{at}{act}/").json()["status"] for act in ("pause", "pause", "resume", "stop", "resume")] == [
        "paused", "paused", "queued", "stopped", "stopped",
    ]  # fmt: skip
    assert api.post(f"{at}import/").json()["code"] == "not_over"
    assert api.post(f"{at}import/", {"skip": True}, format="json").status_code == 202


def test_the_same_file_again_gives_the_import_that_there_was(api):
    source = make_source(screens=SCREENS)
    run = api.post(f"{tried(api, source)}import/").json()
    again = upload(api, source, jsonl(*ROWS), dry_run="true")
    assert (again.status_code, again.json()["id"]) == (200, run["id"])
    assert DryRun.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_it_is_for_admins(api, make_user, role):
    at = tried(api)
    client = APIClient()
    client.force_authenticate(make_user(role))
    asked = [client.get(at), client.get(f"{at}rows/"), *(client.post(f"{at}{act}/") for act in ("pause", "resume", "stop", "import"))]
    assert {answer.status_code for answer in [*asked, client.post(f"{at}rows/2/keep/")]} == {403}
