"""The API of sources, imports and posts: the contract that scripts rely on."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from sources.importing import run_import
from sources.models import ImportRun, Post, Source
from tests.builders import make_post, make_rejected_row, make_run, make_source

pytestmark = pytest.mark.django_db
ROWS = [
    {"title": "保温杯里装冰水，它该保谁的温？", "href": "/p/1", "n_reply": "3"},
    {"title": "影子会不会怕黑？", "href": "/p/2", "n_reply": "9"},
]


@pytest.fixture(autouse=True)
def _uploads(settings, tmp_path):
    settings.UPLOADS = tmp_path


@pytest.fixture
def api(admin):
    client = APIClient()
    client.force_authenticate(admin)
    return client


def jsonl(*rows, name="posts.jsonl"):
    return SimpleUploadedFile(name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def upload(api, source, file, **more):
    return api.post(f"/api/v1/sources/{source.slug}/imports/", {"file": file, **more}, format="multipart")


class TestSources:
    FIELDS = {
        "slug": "ruozhiba", "name": "弱智吧", "platform": "tieba", "licence": "", "instruction_templates": ["{title}"], "reply": "model",
        "screens": [{"screen": "votes", "min": 50}], "guidelines": "短。", "reviews_wanted": 2,
    }  # fmt: skip

    def test_one_is_added_read_and_audited(self, api, admin):
        answer = api.post("/api/v1/sources/", self.FIELDS, format="json")
        assert answer.status_code == 201
        assert answer.json().items() >= self.FIELDS.items()
        assert api.get("/api/v1/sources/ruozhiba/").json() == answer.json()
        assert [source["slug"] for source in api.get("/api/v1/sources/").json()["results"]] == ["ruozhiba"]
        entry = AuditEntry.objects.get()
        assert (entry.by, entry.action, entry.subject) == (admin, "source_added", "source ruozhiba")

    def test_a_patch_changes_what_it_names_and_the_log_says_from_what_to_what(self, api):
        source = make_source(name="旧")
        answer = api.patch(f"/api/v1/sources/{source.slug}/", {"name": "新", "slug": "other"}, format="json")
        assert (answer.status_code, answer.json()["name"], answer.json()["slug"]) == (200, "新", source.slug)
        assert AuditEntry.objects.get().detail == {"name": ["旧", "新"]}

    def test_a_patch_of_nothing_leaves_no_entry(self, api):
        source = make_source()
        assert api.patch(f"/api/v1/sources/{source.slug}/", {"name": source.name}, format="json").status_code == 200
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("instruction_templates", ["{title.__class__}"]),
            ("instruction_templates", ["{title!r}"]),
            ("instruction_templates", ["{title:>99999999}"]),
            ("instruction_templates", ["{0}"]),
            ("instruction_templates", ["{author}"]),
            ("instruction_templates", ["{title"]),
            ("instruction_templates", "{title}"),
            ("input_template", "{nobody}"),
            ("slug", "imports"),
            ("slug", "弱智吧"),
            ("slug", ""),
            ("reply", "nobody"),
            ("reviews_wanted", 0),
            ("screens", [{"screen": "nothing"}]),
            ("screens", [{"screen": "votes", "most": 3}]),
            ("screens", ["votes"]),
            ("terms_url", "javascript:alert(1)"),
            ("name", "\0"),
        ],
    )
    def test_what_is_no_policy_is_refused_by_its_field(self, api, field, value):
        answer = api.post("/api/v1/sources/", {**self.FIELDS, field: value}, format="json")
        assert answer.status_code == 400
        assert (answer.json()["code"], list(answer.json()["errors"])) == ("invalid", [field])
        assert not Source.objects.exists()
        assert not AuditEntry.objects.exists()

    def test_a_slug_is_taken_once(self, api):
        make_source("ruozhiba")
        assert api.post("/api/v1/sources/", self.FIELDS, format="json").json()["errors"].keys() == {"slug"}


class TestImports:
    def test_a_file_is_accepted_and_read_later(self, api, admin):
        source = make_source("ruozhiba", platform="tieba")
        answer = upload(api, source, jsonl(*ROWS))
        said = answer.json()
        assert (answer.status_code, said["status"], said["source"], said["file_name"]) == (202, "queued", "ruozhiba", "posts.jsonl")
        assert said["counts"] == {"read": 0, "created": 0, "known": 0, "rejected": 0}
        run_import(said["id"])
        said = api.get(f"/api/v1/imports/{said['id']}/").json()
        assert (said["status"], said["percent"], said["error"]) == ("succeeded", 100, None)
        assert said["counts"] == {"read": 2, "created": 2, "known": 0, "rejected": 0}
        assert ImportRun.objects.get().by == admin

    def test_the_same_bytes_again_are_the_earlier_import(self, api):
        source = make_source()
        first, again = upload(api, source, jsonl(*ROWS)), upload(api, source, jsonl(*ROWS, name="other.jsonl"))
        assert (first.status_code, again.status_code) == (202, 200)
        assert first.json()["id"] == again.json()["id"]
        assert ImportRun.objects.count() == 1

    def test_the_columns_of_any_file_can_be_named(self, api):
        said = upload(
            api, make_source(), jsonl({"问": "谁？", "赞": "1.2万"}), mapping='{"title": "问", "votes": "赞"}', importer="generic"
        ).json()
        run_import(said["id"])
        post = Post.objects.get()
        assert (said["mapping"], post.title, post.votes) == ({"title": "问", "votes": "赞"}, "谁？", 12_000)

    def test_the_encoding_of_a_text_is_said_or_it_is_utf8(self, api):
        file = SimpleUploadedFile("x.jsonl", json.dumps(ROWS[0], ensure_ascii=False).encode("gb18030"))
        said = upload(api, make_source(), file, encoding="gb18030").json()
        run_import(said["id"])
        assert (said["encoding"], Post.objects.count()) == ("gb18030", 1)

    @pytest.mark.parametrize(
        ("more", "field"),
        [({"encoding": "klingon"}, "encoding"), ({"mapping": "["}, "mapping"), ({"mapping": "[]"}, "mapping"),
         ({"mapping": '{"a": "b"}'}, "mapping"), ({"mapping": '{"title": 1}'}, "mapping"),
         ({"mapping": '{"title": "\\u0000"}'}, "mapping"), ({"importer": "../etc"}, "importer"), ({"file": "text"}, "file")],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused_by_its_field(self, api, more, field):
        answer = upload(api, make_source(), more.pop("file", jsonl(*ROWS)), **more)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
        assert not ImportRun.objects.exists()

    @pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(100)])
    def test_a_file_of_no_use_fails_with_a_sentence(self, api, content):
        said = upload(api, make_source(), SimpleUploadedFile("posts.jsonl", content)).json()
        run_import(said["id"])
        said = api.get(f"/api/v1/imports/{said['id']}/").json()
        assert said["status"] == "failed"
        assert said["error"]["code"] in ("empty_file", "not_text")
        assert said["error"]["detail"] not in ("", said["error"]["code"])

    def test_a_file_too_large_is_refused_before_it_is_kept(self, api, monkeypatch, tmp_path):
        monkeypatch.setattr("sources.readers.MAX_FILE", 10)
        answer = upload(api, make_source(), jsonl(*ROWS))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert not list(tmp_path.iterdir())

    def test_rejected_rows_come_with_number_and_reason_by_cursor(self, api):
        run = make_run(make_source(), rejected=3)
        for row in (7, 2, 5):
            make_rejected_row(run, row, "bad_json", raw="{")
        first = api.get(f"/api/v1/imports/{run.pk}/rejected/?page_size=2").json()
        second = api.get(first["next"]).json()
        found = first["results"] + second["results"]
        assert sorted(row["row"] for row in found) == [2, 5, 7]
        assert found[0].items() >= {"reason": "bad_json", "raw": "{"}.items()
        assert second["next"] is None

    def test_it_can_be_stopped_and_stopping_twice_changes_nothing(self, api):
        run_id = upload(api, make_source(), jsonl(*ROWS)).json()["id"]
        assert api.post(f"/api/v1/imports/{run_id}/cancel/").json()["status"] == "cancelled"
        assert api.post(f"/api/v1/imports/{run_id}/cancel/").json()["status"] == "cancelled"
        run_import(run_id)
        assert not Post.objects.exists()

    def test_it_goes_on_and_is_rolled_back(self, api):
        run_id = upload(api, make_source(), jsonl(*ROWS)).json()["id"]
        assert api.post(f"/api/v1/imports/{run_id}/resume/").json()["code"] == "not_resumable"
        assert api.post(f"/api/v1/imports/{run_id}/roll-back/").json()["code"] == "not_over"
        api.post(f"/api/v1/imports/{run_id}/cancel/")
        said = api.post(f"/api/v1/imports/{run_id}/resume/")
        assert (said.status_code, said.json()["status"]) == (202, "queued")
        run_import(run_id)
        said = api.post(f"/api/v1/imports/{run_id}/roll-back/")
        assert (said.status_code, said.json()) == (200, {"deleted": len(ROWS), "dropped": 0, "stayed": 0})
        assert not Post.objects.exists()
        assert api.get(f"/api/v1/imports/{run_id}/").json()["status"] == "rolled_back"


class TestPosts:
    @pytest.fixture
    def posts(self):
        source = make_source("a")
        short = make_post(source, title="短", status="dropped", drop_reason="too_short", drop_value="1")
        kept = make_post(source, title="影子会不会怕黑", status="kept")
        other = make_post(make_source("b"), title="别处", body="影子")
        return {"short": short.pk, "kept": kept.pk, "other": other.pk}

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", {"short", "kept", "other"}),
            ("source=a", {"short", "kept"}),
            ("status=kept", {"kept"}),
            ("reason=too_short", {"short"}),
            ("search=影子", {"kept", "other"}),
            ("source=a&search=影子", {"kept"}),
            ("search=%25", set()),
        ],
    )
    def test_filters(self, api, posts, query, names):
        found = api.get(f"/api/v1/posts/?{query}").json()["results"]
        assert {post["id"] for post in found} == {posts[name] for name in names}

    @pytest.mark.parametrize(("query", "status"), [("status=nothing", 400), ("search=%00", 400), ("source=nobody", 404), ("raw__x=1", 200)])
    def test_filters_that_make_no_sense(self, api, posts, query, status):
        assert api.get(f"/api/v1/posts/?{query}").status_code == status

    def test_a_search_is_paged_in_both_directions_and_says_how_far_the_index_is(self, api):
        source = make_source("c")
        made = [make_post(source, title=f"天地玄黄{n}", status="kept" if n % 3 else "new").pk for n in range(12)]
        want = [pk for n, pk in enumerate(made) if n % 3]
        first = api.get("/api/v1/posts/", {"search": "玄黄", "status": "kept", "source": "c", "page_size": 5}).json()
        second = api.get(first["next"]).json()
        assert [post["id"] for post in first["results"] + second["results"]] == want
        assert (first["previous"], second["next"]) == (None, None)
        assert api.get(second["previous"]).json()["results"] == first["results"]
        assert first["search"]["index"]["is_caught_up"] is True
        assert api.get("/api/v1/posts/index/").json() == first["search"]["index"]

    def test_a_dropped_post_is_rescued_once(self, api, admin, posts):
        said = api.post(f"/api/v1/posts/{posts['short']}/rescue/")
        assert (said.status_code, said.json()["status"], said.json()["reason"], said.json()["rescued_by"]) == (200, "kept", "", admin.pk)
        again = api.post(f"/api/v1/posts/{posts['short']}/rescue/")
        assert (again.status_code, again.json()["code"]) == (409, "not_dropped")


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "read", "write"),
        [(None, 401, 401), ("viewer", 403, 403), ("reviewer", 403, 403), ("lead", 200, 403), ("admin", 200, "done")],
    )
    def test_leads_read_and_admins_write(self, make_user, role, read, write):
        client = APIClient()
        if role:
            client.force_authenticate(make_user(role))
        source = make_source("a")
        post = make_post(source, status="dropped", drop_reason="too_short")
        run = make_run(source)
        reads = ["sources/", "sources/a/", f"imports/{run.pk}/", f"imports/{run.pk}/rejected/", "posts/"]
        assert {client.get(f"/api/v1/{path}").status_code for path in reads} == {read}
        wrote = [
            client.post("/api/v1/sources/", {"slug": "b", "name": "b"}, format="json"),
            client.patch("/api/v1/sources/a/", {"name": "c"}, format="json"),
            upload(client, source, jsonl(*ROWS)),
            client.post(f"/api/v1/imports/{run.pk}/cancel/"),
            client.post(f"/api/v1/posts/{post.pk}/rescue/"),
        ]
        codes = [answer.status_code for answer in wrote]
        assert codes == [201, 200, 202, 200, 200] if write == "done" else set(codes) == {write}

    @pytest.mark.parametrize(
        "path", ["sources/x/", "imports/999/", "imports/99999999999999999999/", "imports/999/rejected/", "sources/x/funnel/"]
    )
    def test_what_is_not_there_is_not_found(self, api, path):
        answer = api.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
