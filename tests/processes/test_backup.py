"""A backup that is made while people work becomes an equal installation elsewhere, and a browser that knows more is told so."""

import json
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import pytest

from tests.house import House, wait_for
from tests.processes import test_review_kills
from tests.processes.test_main_job import annual

pytestmark = pytest.mark.soak
KEY = {"SECRET_KEY": "of a house that is moved, and longer than the fifty characters that are asked for"}
PEOPLE = (
    test_review_kills.PEOPLE
    + """
from tests.browser.desk import cookie_for
print("SESSION " + cookie_for(people[0], "")["value"])
"""
)
ROWS = "import json; from cqia.backing_up import manifest; print(json.dumps(manifest()['rows']))"


def decide(house: House, token: str, seat: dict) -> tuple[int, dict]:
    pair, draft = seat["pair"], seat["drafts"][0]
    body = {"assignment": seat["id"], "token": seat["token"], "verdict": "accept", "draft": draft["id"], "output": draft["output"]}
    body |= {"instruction": pair["instruction"], "input": pair["input"]}
    return house.api("POST", f"/pairs/{pair['id']}/reviews/", token, body, **{"Idempotency-Key": str(uuid.uuid4())})


def freeze_a_version(house: House, admin: str) -> None:
    assert house.api("POST", "/datasets/", admin, {"slug": "first", "name": "第一份", "sources": ["ruozhiba"]})[0] == 201
    assert house.api("POST", "/datasets/first/versions/", admin, {"include_unknown_licence": True})[0] == 202
    wait_for(lambda: (house.api("GET", "/datasets/first/versions/1/", admin)[1] or {}).get("status") == "ready", 180)


@pytest.fixture
def moved(tmp_path):
    """A house with an import, a review and a version; its backup; and an empty place to restore it to."""
    old, new = House(tmp_path / "old", CQIA_DEMO="0", **KEY), House(tmp_path / "new", CQIA_DEMO="0", **KEY)
    old.start(seconds=300)
    admin = old.manage("create_token", "admin").stdout.strip()
    said = old.manage("shell", "-v", "0", "-c", PEOPLE).stdout
    told = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    token, session = json.loads(told["TOKENS"])[0], told["SESSION"]
    old.manage("import_posts", "ruozhiba", str(annual(tmp_path / "annual.json", 40)))
    assert decide(old, token, old.api("POST", "/assignments/", token, {})[1])[0] == 201
    freeze_a_version(old, admin)
    made = old.manage("backup", str(tmp_path)).stdout.strip()
    yield old, new, made, token, session
    old.stop()
    if hasattr(new, "process"):
        new.stop()


def test_a_backup_becomes_an_equal_installation_and_newer_forms_get_409(moved, tmp_path):
    old, new, made, token, session = moved
    seat = old.api("POST", "/assignments/", token, {})[1]  # a form that the backup does not know
    old.stop()

    said = new.manage("restore", made)
    assert "invariants hold" in said.stdout
    with tarfile.open(made) as tar:
        about = json.load(tar.extractfile("manifest.json"))
    assert len([file for file in about["files"] if file["name"].startswith("datasets/")]) >= 3
    assert not about["missing"]

    again = new.manage("restore", made, ok=False)
    assert again.returncode
    assert "not empty" in again.stderr
    rows = json.loads(new.manage("shell", "-v", "0", "-c", ROWS).stdout.splitlines()[-1])
    assert rows == about["rows"]
    assert rows["sources_post"] == test_review_kills.DECISIONS + 40
    new.start(seconds=300)
    status, problem = decide(new, token, seat)
    assert (status, problem["status"]) == (409, 409)
    fields = {
        "assignment": seat["id"],
        "token": seat["token"],
        "verdict": "accept",
        "draft": seat["drafts"][0]["id"],
        "op_id": uuid.uuid4(),
    }
    fields |= {"instruction": "问", "input": "", "output": "答", "source": "", "pair": seat["pair"]["id"]}
    assert post_form(new, "/review/decide/", session, fields) == 409


def post_form(house: House, path: str, session: str, fields: dict) -> int:
    """As the review page's script sends it."""
    headers = {"Cookie": f"sessionid={session}; csrftoken={'a' * 32}", "X-CSRFToken": "a" * 32, "X-Requested-With": "fetch"}
    request = urllib.request.Request(house.url + path, urllib.parse.urlencode(fields).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_damaged_backup_and_a_house_in_use_are_refused_and_nothing_changes(moved, tmp_path):
    old, _new, made, _token, _session = moved
    damaged = tmp_path / "damaged.tar"
    data = bytearray(Path(made).read_bytes())
    with tarfile.open(made) as tar:
        data[tar.getmember("database.dump").offset_data + 5_000] ^= 1
    damaged.write_bytes(data)
    in_use = old.manage("restore", "--force", made, ok=False)
    assert "other connections" in in_use.stderr
    old.stop()
    before = old.manage("shell", "-v", "0", "-c", "from sources.models import Post; print(Post.objects.count())").stdout
    refused = old.manage("restore", "--force", str(damaged), ok=False)
    assert "has changed since the backup was made" in refused.stderr
    assert old.manage("shell", "-v", "0", "-c", "from sources.models import Post; print(Post.objects.count())").stdout == before
    assert "invariants hold" in old.manage("restore", "--force", made).stdout
