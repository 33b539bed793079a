"""What strangers and broken scripts send to the API: an answer in the 400s, in words, and never an error of ours."""

import json

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from annotation.models import Pair
from datasets.models import Dataset
from sources.models import Source
from tests import builders
from tests.datasets.conftest import accepted

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


@pytest.fixture
def api(admin):
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION="Bearer " + ApiToken.issue(admin, "script")[1])
    return client


@pytest.fixture
def source():
    return builders.make_source("jokes")


def is_problem(response, status: int, code: str = "") -> bool:
    said = response.json()
    return (response.status_code, said["status"], response["Content-Type"]) == (status, status, "application/problem+json") and (
        not code or said["code"] == code
    )


def raw(api, path: str, body: bytes, kind: str = "application/json", method: str = "post"):
    return api.generic(method.upper(), V1 + path, body, content_type=kind)


@pytest.mark.parametrize("pk", ["-1", "0", str(2**63), str(2**64), "9" * 400, "1;drop", "1%00", "%2e%2e", "0x10", "１", "1.0", "None"])
@pytest.mark.parametrize(
    "path", ["imports/{}/", "pairs/{}/", "draft-runs/{}/", "previews/{}/", "fetches/{}/", "dry-runs/{}/", "dry-runs/{}/rows/"]
)
def test_an_id_that_is_none_is_404(path, pk, api):
    assert is_problem(api.get(f"{V1}/{path.format(pk)}"), 404)


@pytest.mark.parametrize(
    "path", ["me//", "me/.", "me.json", "me/.json", "%2e%2e/v1/me/", "ME/", "sources/JOKES/", "sources/jokes%00/", "datasets/a%2fb/"]
)
def test_an_address_beside_the_right_one_is_404(path, api, source):
    assert api.get(f"{V1}/{path}").status_code in (301, 404)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "parse_error"), (b"{", "parse_error"), (b"\xff\xfe{}", "parse_error"), (b'{"source": "\xc3\x28"}', "parse_error"),
        (b'{"source": "\\ud800"}', "parse_error"), (b'{"source": NaN}', "parse_error"), (b"[" * 10_000 + b"]" * 10_000, "parse_error"),
        (b'{"source":' * 5_000 + b"1" + b"}" * 5_000, "parse_error"), (b"[]", "invalid"), (b'"x"', "invalid"), (b"null", "invalid"),
        (b'{"source": 1e400}', "parse_error"), (b'{"source": {"a": 1}}', "invalid"), (b'{"source": true}', "invalid"),
        (b'{"source": "a\\u0000b"}', "invalid"),
    ],
    ids=lambda said: repr(said)[:30],
)  # fmt: skip
def test_what_is_no_json_or_not_of_the_right_type_is_400(body, code, api):
    if not body:
        pytest.skip("an empty body asks for nothing")
    assert is_problem(raw(api, "/assignments/", body), 400, code)


def test_a_body_of_fifty_megabytes_is_413(api):
    assert is_problem(raw(api, "/assignments/", b'{"source": "' + b"x" * 50_000_000 + b'"}'), 413, "too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "multipart/form-data"])
def test_another_content_type_is_415(kind, api):
    assert is_problem(raw(api, "/assignments/", b"x", kind), 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=é"])
def test_a_form_without_a_boundary_is_400(kind, api, source):
    assert is_problem(raw(api, "/sources/jokes/imports/", b"x", kind), 400)


def test_a_form_of_too_many_fields_or_files_is_400(api, source):
    assert is_problem(api.post(f"{V1}/sources/jokes/imports/", {f"f{n}": "x" for n in range(2_000)}, format="multipart"), 400)
    files = "".join(f'--b\r\nContent-Disposition: form-data; name="f{n}"; filename="a"\r\n\r\nx\r\n' for n in range(500)) + "--b--\r\n"
    assert is_problem(raw(api, "/sources/jokes/imports/", files.encode(), "multipart/form-data; boundary=b"), 400)


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "cD0x", "bz0tMQ==", "bz05OTk5OTk5OTk5OTk5OTk5OTk5OQ==", "cD1hJTAw", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OQ==", "é", "A" * 5_000],
)
@pytest.mark.parametrize("path", ["sources/", "pairs/", "posts/", "posts/?search=保温", "draft-runs/", "datasets/", "takedowns/"])
def test_a_cursor_that_was_tampered_with_is_no_error_of_ours(path, cursor, api, source):
    mark = "&" if "?" in path else "?"
    assert api.get(f"{V1}/{path}{mark}cursor={cursor}").status_code in (200, 404)


@pytest.mark.parametrize("size", ["0", "-1", "501", "1e3", "x", "", "１０", "9" * 50])
def test_a_page_size_that_is_none_is_400(size, api):
    assert "page_size" in api.get(f"{V1}/pairs/?page_size={size}").json()["errors"]


@pytest.mark.parametrize(
    "query", ["status=x", "status=", "status=pending%00", "source=%00", "source=a b", "search=x", "search=" + "x" * 300, "search=%00%00"]
)
def test_a_filter_that_is_none_is_400(query, api):
    assert is_problem(api.get(f"{V1}/pairs/?{query}"), 400, "invalid")


def test_bytes_that_are_no_utf8_in_the_address_are_answered(api):
    assert api.get(f"{V1}/posts/?search=%ff%fe").status_code < 500
    assert is_problem(api.get(f"{V1}/sources/%ff/"), 404)


MASS = {"id": 1, "pk": 1, "created_at": "2000-01-01", "state": "succeeded", "status": "accepted", "is_superuser": True, "role": "admin",
        "by": 1, "mappings": {"x": {}}, "__proto__": {}, "constructor": {}}  # fmt: skip


def test_keys_that_nobody_may_set_set_nothing(api, source, admin):
    made = api.post(f"{V1}/sources/", {"slug": "fresh", "name": "新", **MASS}, format="json")
    assert made.status_code == 201
    fresh = Source.objects.get(slug="fresh")
    assert (fresh.pk != 1 or Source.objects.count() == 1, fresh.mappings, fresh.created_at.year > 2000) == (True, [], True)
    assert api.patch(f"{V1}/sources/jokes/", {"slug": "stolen", **MASS}, format="json").json()["slug"] == "jokes"
    admin.refresh_from_db()
    assert not admin.is_superuser


def test_a_datasets_address_stays_as_it_is(api):
    for slug in ("one", "two"):
        assert api.post(f"{V1}/datasets/", {"slug": slug, "name": slug}, format="json").status_code == 201
    assert api.patch(f"{V1}/datasets/one/", {"slug": "two", "name": "Eins"}, format="json").json()["slug"] == "one"
    assert set(Dataset.objects.values_list("slug", flat=True)) == {"one", "two"}


@pytest.mark.parametrize(
    "change", [{"name": 5}, {"reviews_wanted": "2"}, {"reviews_wanted": True}, {"screens": {}}, {"domain": [1]}, {"reviewers": "lin"}]
)
def test_json_is_taken_at_its_word(change, api, source):
    assert is_problem(api.patch(f"{V1}/sources/jokes/", change, format="json"), 400, "invalid")
    assert list(change) == list(api.patch(f"{V1}/sources/jokes/", change, format="json").json()["errors"])


@pytest.mark.parametrize("key", ["", "x", "1" * 36, "{}", "00000000-0000-0000-0000-00000000000g", "\u00e9"])
def test_a_key_that_is_no_uuid_is_400(key, api, source):
    pair = builders.make_pair(source)
    answer = api.post(f"{V1}/pairs/{pair.pk}/reviews/", {}, format="json", headers={"Idempotency-Key": key})
    assert is_problem(answer, 400, "idempotency_key_invalid")


def test_a_seat_of_somebody_else_or_of_another_pair_decides_nothing(api, source, make_user):
    other = APIClient()
    other.force_authenticate(make_user("reviewer", "other"))
    pairs = [builders.make_pair(source) for _ in range(2)]
    seat = other.post(f"{V1}/assignments/").json()
    text = {"instruction": pairs[0].instruction, "input": "", "output": pairs[0].output}
    for n, pair in enumerate(pairs):
        body = {"assignment": seat["id"], "token": seat["token"], "verdict": "accept", **text}
        key = {"Idempotency-Key": f"00000000-0000-0000-0000-00000000000{n}"}
        assert is_problem(api.post(f"{V1}/pairs/{pair.pk}/reviews/", body, format="json", headers=key), 409, "lost_seat")
    assert set(Pair.objects.values_list("status", flat=True)) == {"pending"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Host": "evil.example"},
        {"Accept": "text/html"},
        {"X-Long": "x" * 60_000},
    ],
)
def test_headers_change_nothing_of_what_is_asked(headers, api, source):
    answer = api.get(f"{V1}/sources/jokes/", headers=headers)
    assert answer.status_code == {"Host": 400, "Accept": 406}.get(next(iter(headers)), 200)
    assert Source.objects.filter(slug="jokes").exists()


@pytest.mark.parametrize("path", ["imports/1/cancel/", "reviews/1/undo/", "datasets/x/versions/1/release/"])
def test_what_changes_something_is_not_done_by_get(path, api):
    assert is_problem(api.get(f"{V1}/{path}"), 405, "method_not_allowed")


def test_a_token_and_anothers_session_together_are_the_token(api, make_user):
    viewer = make_user("viewer", "vera")
    api.force_login(viewer)
    assert api.get(f"{V1}/me/").json()["role"] == "admin"


def test_a_reviewer_of_another_source_finds_no_trace_of_it(make_user, source):
    mine, stranger = make_user("reviewer", "mine"), make_user("reviewer", "stranger")
    source.reviewers.add(mine)
    pair = builders.make_pair(source, instruction="只有自己人知道的句子")
    client = APIClient()
    client.force_authenticate(stranger)
    assert client.get(f"{V1}/pairs/").json()["results"] == []
    assert client.get(f"{V1}/pairs/?search=自己人").json()["results"] == []
    assert client.get(f"{V1}/pairs/?source=jokes").json()["results"] == []
    assert is_problem(client.get(f"{V1}/pairs/{pair.pk}/"), 404)
    assert client.post(f"{V1}/assignments/").status_code == 204


def test_a_deep_recipe_or_screen_is_refused_and_not_stored(api, source, admin):
    deep = json.loads("[" * 900 + "]" * 900)
    accepted(source, User.objects.get(pk=admin.pk))
    assert is_problem(api.patch(f"{V1}/sources/jokes/", {"screens": [{"screen": "length", "min": deep}]}, format="json"), 400)
    assert is_problem(api.post(f"{V1}/datasets/", {"slug": "deep", "name": "x", "recipe": {"licences": deep}}, format="json"), 400)
