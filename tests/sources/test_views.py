"""The pages of sources: who sees what, what a form says, and that hostile text stays text."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import AuditEntry
from sources import importing, indexing, searching
from sources.dry_running import run_dry
from sources.importing import run_import
from sources.models import DryRun, Heartbeat, ImportRun, Post, Source
from tests.builders import make_pair, make_post, make_rejected_row, make_run, make_source

pytestmark = pytest.mark.django_db
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:7 }}'


@pytest.fixture(autouse=True)
def _english(settings, tmp_path):
    settings.UPLOADS, settings.LANGUAGE_CODE = tmp_path, "en"
    with translation.override("en"):
        yield


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def text_of(response):
    return " ".join(response.content.decode().split())


def file(
    name="posts.jsonl",
    content=b'{"title": "\xe5\xbd\xb1\xe5\xad\x90\xe4\xbc\x9a\xe4\xb8\x8d\xe4\xbc\x9a\xe6\x80\x95\xe9\xbb\x91\xef\xbc\x9f"}\n',
):
    return SimpleUploadedFile(name, content)


def sent(client, upload=None, **more):
    """A file, sent to the source `a`: its dry run and where that is."""
    answer = client.post("/sources/a/import/", {"file": upload or file(), **more})
    return DryRun.objects.latest("id"), answer.headers["Location"]


class TestList:
    def test_without_sources_it_says_what_to_do(self, as_admin):
        page = text_of(as_admin.get("/sources/"))
        assert "No source yet" in page
        assert "<table" not in page
        assert 'href="/sources/new/"' in page

    def test_the_numbers_are_those_of_the_database(self, as_admin, reviewer):
        source = make_source("a", name="弱智吧")
        run = make_run(source, created=3, known=1)
        make_post(source, run=run, status="dropped", drop_reason="too_short")
        for status in ("accepted", "pending"):
            make_pair(post=make_post(source, run=run, status="kept"), status=status, by=reviewer)
        page = text_of(as_admin.get("/sources/"))
        assert "<span>Read <b>4</b></span>" in page
        assert '<span><a href="/sources/a/posts/">Imported <b>3</b></a></span>' in page
        assert '<span><a href="/sources/a/posts/?status=kept">Screened <b>2</b></a></span>' in page
        assert '<span class="sr">Accepted 1, Waiting 1, Duplicate 1, Filtered 1</span>' in page
        assert '<a href="/sources/a/at/?fate=waiting" tabindex="-1">' in page
        assert "<dt>To review</dt><dd>1</dd>" in page
        assert f'href="/sources/imports/{run.pk}/"' in page

    def test_it_makes_as_many_queries_for_ten_sources_as_for_one(self, as_admin, django_assert_max_num_queries):
        for _ in range(10):
            make_run(make_source(), rejected=0)
        with django_assert_max_num_queries(14):
            as_admin.get("/sources/")


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "read", "write"), [("viewer", 403, 403), ("reviewer", 403, 403), ("lead", 200, 403), ("admin", 200, 200)]
    )
    def test_leads_see_and_admins_change(self, client, make_user, role, read, write):
        client.force_login(make_user(role))
        source = make_source("a")
        run = make_run(source, rejected=1)
        make_rejected_row(run, 1)
        at = f"/sources/imports/{run.pk}/"
        reads = ["/sources/", "/sources/a/", "/sources/a/posts/", at, f"{at}progress/", f"{at}rejected.csv", f"{at}rejected.jsonl"]
        assert {client.get(path).status_code for path in reads} == {read}
        assert {
            client.get(path).status_code for path in ("/sources/new/", "/sources/import/", "/sources/a/import/", "/sources/a/edit/")
        } == {write}
        make_post(source, status="dropped", drop_reason="too_short")
        paths = (f"{at}cancel/", f"{at}resume/", f"{at}roll-back/", "/sources/a/posts/rescue/", "/sources/a/preview/")
        wrote = {client.post(path).status_code for path in paths}
        assert wrote == ({302} if write == 200 else {403})

    def test_strangers_sign_in_first(self, client):
        assert client.get("/sources/").headers["Location"].startswith("/accounts/login/")

    def test_a_lead_sees_no_buttons_of_admins(self, client, lead):
        client.force_login(lead)
        make_post(make_source("a"), status="dropped", drop_reason="too_short")
        for path in ("/sources/", "/sources/a/", "/sources/a/posts/"):
            page = client.get(path).content.decode()
            assert not any(word in page for word in ("/import/", "/edit/", "/new/", "/rescue/"))

    @pytest.mark.parametrize("path", ["/sources/x/", "/sources/x/posts/", "/sources/x/edit/", "/sources/imports/99999999999999999999/"])
    def test_what_is_not_there_is_not_found(self, as_admin, path):
        assert as_admin.get(path).status_code == 404

    @pytest.mark.parametrize("name", ["cancel_import", "undo_rescue", "cancel_preview", "apply_preview", "remove_list"])
    def test_what_changes_something_is_no_link(self, as_admin, name):
        assert as_admin.get(reverse(f"sources:{name}", args=[1])).status_code == 405


class TestDetail:
    def test_each_number_of_the_screens_leads_to_its_posts(self, as_admin):
        make_post(make_source("a"), status="dropped", drop_reason="too_short")
        page = text_of(as_admin.get("/sources/a/"))
        assert '<a href="/sources/a/posts/?status=dropped&amp;reason=too_short">Too short <b>1</b></a>' in page
        assert "Too short" in text_of(as_admin.get("/sources/a/posts/?status=dropped&reason=too_short"))

    def test_the_policy_is_shown_as_text(self, as_admin):
        make_source("a", name=HOSTILE[:100], guidelines=HOSTILE, licence=HOSTILE[:100], instruction_templates=[HOSTILE])
        page = as_admin.get("/sources/a/").content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;alert(1)" in page


class TestPosts:
    def test_filters_and_their_values_stay_in_the_form(self, as_admin):
        source = make_source("a")
        make_post(source, title="影子会不会怕黑", votes=12, status="dropped", drop_reason="too_few_votes", drop_value="12")
        make_post(source, title="别的帖子")
        page = text_of(as_admin.get("/sources/a/posts/?search=影子&status=dropped"))
        assert "影子会不会怕黑" in page
        assert "别的帖子" not in page
        assert 'value="影子"' in page
        assert '<option value="dropped" selected>' in page
        assert 'Too few votes <span class="faint">12</span>' in page

    @pytest.mark.parametrize("query", ["search=%00", "status=nothing", "page=-1", "page=x", "page=999", "reason=%27%3B--", "search=%25"])
    def test_queries_that_make_no_sense_break_nothing(self, as_admin, query):
        make_post(make_source("a"))
        assert as_admin.get(f"/sources/a/posts/?{query}").status_code == 200

    def test_a_page_holds_fifty_and_the_filters_go_along(self, as_admin):
        source = make_source("a")
        run = make_run(source, created=51)
        for _ in range(51):
            make_post(source, run=run)
        page = text_of(as_admin.get("/sources/a/posts/?status=new"))
        assert page.count('<tr id="post-') == 50
        assert 'href="?status=new&amp;page=2"' in page
        assert text_of(as_admin.get("/sources/a/posts/?status=new&page=2")).count('<tr id="post-') == 1

    def test_a_search_has_pages_and_its_filters_go_along(self, as_admin):
        source = make_source("a")
        run = make_run(source, created=60)
        for n in range(60):
            make_post(source, run=run, title=f"天地玄黄{n}", body="", answer="宇宙洪荒" if n == 7 else "")
        make_post(make_source("b"), title="天地玄黄，别处")
        page = text_of(as_admin.get("/sources/a/posts/?search=玄黄&status=new"))
        assert (page.count('<tr id="post-'), "50 posts on this page; there are more" in page) == (50, True)
        last = source.posts.order_by("pk")[49].pk
        assert f'href="?search=%E7%8E%84%E9%BB%84&amp;status=new&amp;after={last}"' in page
        page = text_of(as_admin.get(f"/sources/a/posts/?search=玄黄&status=new&after={last}"))
        assert (page.count('<tr id="post-'), 'rel="prev"' in page, 'rel="next"' in page) == (10, True, False)
        page = text_of(as_admin.get(f"/sources/a/posts/?search=玄黄&before={last + 1}"))
        assert page.count('<tr id="post-') == 50
        assert text_of(as_admin.get("/sources/a/posts/?search=宇宙")).count('<tr id="post-') == 1
        assert "No post fits" in text_of(as_admin.get("/sources/a/posts/?search=饕餮"))

    def test_how_far_the_index_is_stands_above_the_posts(self, as_admin, monkeypatch):
        monkeypatch.setattr(indexing, "FEW", 5)
        run = make_run(make_source("a"), created=12)
        for n in range(12):
            make_post(run.source, run=run, title=f"天地玄黄{n}")
        indexing.index_new(indexing.POSTS)
        page = text_of(as_admin.get("/sources/a/posts/"))
        assert "Index of bodies and replies: 0 %" in page
        assert "Of 12 posts, only the titles can be searched so far." in page
        indexing.catch_up(indexing.POSTS)
        assert "Index of bodies and replies" not in text_of(as_admin.get("/sources/a/posts/"))

    def test_a_search_that_took_too_long_says_where_it_stopped_and_goes_on(self, as_admin, monkeypatch):
        monkeypatch.setattr(searching, "SECONDS", 0)
        monkeypatch.setattr(searching, "CHUNK", 5)
        run = make_run(make_source("a"), created=12)
        for n in range(12):
            make_post(run.source, run=run, title=f"天地玄黄{n}")
        page = text_of(as_admin.get("/sources/a/posts/?search=饕餮"))
        assert "Nothing found so far" in page
        assert "Go on searching" in page

    def test_texts_are_escaped(self, as_admin):
        make_post(make_source("a"), title=HOSTILE, body=HOSTILE, status="dropped", drop_reason="too_short", drop_value=HOSTILE)
        page = as_admin.get("/sources/a/posts/").content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page


class TestImport:
    def test_a_file_is_sent_tried_imported_and_shown(self, as_admin, admin):
        source = make_source("a")
        dry, at = sent(as_admin)
        assert at == f"/sources/dry-runs/{dry.pk}/"
        assert (dry.source, dry.by, dry.file_name) == (source, admin, "posts.jsonl")
        assert not ImportRun.objects.exists()
        run_dry(dry.pk)
        answer = as_admin.post(f"{at}import/")
        run = ImportRun.objects.get()
        assert answer.headers["Location"] == f"/sources/imports/{run.pk}/"
        assert (run.source, run.by, run.file_name) == (source, admin, "posts.jsonl")
        assert 'hx-trigger="every 1s"' in text_of(as_admin.get(answer.headers["Location"]))
        run_import(run.pk)
        page = text_of(as_admin.get(answer.headers["Location"]))
        assert "Every row was taken" in page
        assert "hx-trigger" not in page

    def test_the_source_is_chosen_where_none_is_given(self, as_admin):
        make_source("a"), make_source("b")
        as_admin.post("/sources/import/", {"file": file(), "source": "b"})
        assert DryRun.objects.get().source.slug == "b"

    def test_the_same_file_again_leads_to_the_earlier_import(self, as_admin):
        make_source("a")
        dry, at = sent(as_admin)
        run_dry(dry.pk)
        first = as_admin.post(f"{at}import/").headers["Location"]
        again = as_admin.post("/sources/a/import/", {"file": file("renamed.jsonl")})
        assert again.headers["Location"] == first
        assert "was imported before" in text_of(as_admin.get(first))
        assert (ImportRun.objects.count(), DryRun.objects.count()) == (1, 1)

    def test_the_encoding_can_be_chosen(self, as_admin):
        make_source("a")
        dry, _at = sent(as_admin, file("own.csv", "title\n影子会不会怕黑？\n".encode("gbk")), encoding="gb18030")
        run_dry(dry.pk)
        assert dry.rows.get().title == "影子会不会怕黑？"

    @pytest.mark.parametrize(("data", "field"), [({}, "file"), ({"file": file(), "importer": "nothing"}, "importer")])
    def test_what_is_missing_is_said_at_its_field(self, as_admin, data, field):
        make_source("a")
        answer = as_admin.post("/sources/a/import/", data)
        page = text_of(answer)
        assert answer.status_code == 400
        assert f'id="id_{field}_err"' in page
        control = next(part for part in page.split("<") if f'name="{field}"' in part)
        assert 'aria-invalid="true"' in control
        assert f"id_{field}_err" in control
        assert not ImportRun.objects.exists()

    def test_a_file_too_large_is_said_at_its_field(self, as_admin, monkeypatch, tmp_path):
        monkeypatch.setattr("sources.readers.MAX_FILE", 10)
        make_source("a")
        answer = as_admin.post("/sources/a/import/", {"file": file()})
        assert answer.status_code == 400
        assert 'id="id_file_err"' in text_of(answer)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(50), b'[1, 2, "x"]'])
    def test_a_file_of_no_use_fails_with_a_sentence(self, as_admin, content):
        source = make_source("a")
        stored = importing.store(io.BytesIO(content), "posts.json")
        run, _new = importing.start_import(source, stored, name="posts.json", by=None)
        run_import(run.pk)
        page = text_of(as_admin.get(f"/sources/imports/{run.pk}/"))
        assert ImportRun.objects.get().state == "failed"
        assert 'class="notice no" role="alert"' in page
        assert ImportRun.objects.get().error_code not in page.split('role="alert"')[1][:400]

    def test_a_hostile_file_name_is_text(self, as_admin):
        make_source("a")
        dry, at = sent(as_admin, file('x"><img src=x onerror=alert(1)>.jsonl'))
        assert "<img" not in as_admin.get(at).content.decode() + as_admin.get("/sources/a/import/").content.decode()
        run_dry(dry.pk)
        address = as_admin.post(f"{at}import/").headers["Location"]
        for path in (address, "/sources/a/", "/sources/"):
            page = as_admin.get(path).content.decode()
            assert "<img" not in page
        assert "onerror" in as_admin.get(address).content.decode()


class TestProgress:
    def test_it_moves_while_the_import_runs_and_asks_for_the_page_when_it_is_over(self, as_admin):
        run = make_run(make_source(), created=40, known=2, rejected=0, state="running", size=100, cursor={"byte": 37})
        moving = as_admin.get(f"/sources/imports/{run.pk}/progress/")
        assert 'value="37"' in moving.content.decode()
        assert "HX-Refresh" not in moving.headers
        ImportRun.objects.update(state="succeeded")
        over = as_admin.get(f"/sources/imports/{run.pk}/progress/")
        assert over.headers["HX-Refresh"] == "true"
        assert "hx-get" not in over.content.decode()

    def test_without_a_worker_it_says_why_it_waits(self, as_admin):
        run = make_run(make_source(), state="queued")
        address = f"/sources/imports/{run.pk}/"
        assert "No worker answers" in text_of(as_admin.get(address))
        beat = Heartbeat.objects.create(queue="work", seen_at=timezone.now())
        assert "No worker answers" not in text_of(as_admin.get(address))
        beat.seen_at = timezone.now() - timedelta(minutes=2)
        beat.save()
        assert "No worker answers" in text_of(as_admin.get(address))

    def test_it_can_be_stopped(self, as_admin):
        run = make_run(make_source(), state="queued")
        as_admin.post(f"/sources/imports/{run.pk}/cancel/")
        run.refresh_from_db()
        assert run.state == "cancelled"
        assert "Stopped. What was read until then is in" in text_of(as_admin.get(f"/sources/imports/{run.pk}/"))

    def test_it_goes_on_where_it_stopped_and_says_when_it_cannot(self, as_admin):
        run = make_run(make_source(), state="cancelled", created=3)
        assert "Go on with the import" in text_of(as_admin.get(f"/sources/imports/{run.pk}/"))
        as_admin.post(f"/sources/imports/{run.pk}/resume/")
        run.refresh_from_db()
        assert (run.state, run.resumed_at_row) == ("queued", 3)
        assert "This import cannot go on" in text_of(as_admin.post(f"/sources/imports/{run.pk}/resume/", follow=True))

    def test_it_is_rolled_back_with_the_counts_told_and_once_only(self, as_admin):
        run = make_run(make_source(), created=1)
        make_post(run=run)
        assert "Roll back now" in text_of(as_admin.get(f"/sources/imports/{run.pk}/"))
        page = text_of(as_admin.post(f"/sources/imports/{run.pk}/roll-back/", follow=True))
        assert "Rolled back. Posts deleted: 1. Dropped with their unreviewed pair: 0. Left, as decided about: 0." in page
        assert "Roll back now" not in page
        assert not Post.objects.exists()
        assert "Nothing was changed" in text_of(as_admin.post(f"/sources/imports/{run.pk}/roll-back/", follow=True))

    def test_the_time_left_is_told_from_where_it_went_on(self, as_admin):
        started = timezone.now() - timedelta(seconds=10)
        cursor = {"row": 300, "byte": 300, "of": 500}
        run = make_run(make_source(), state="running", created=300, resumed_at_row=200, started_at=started, cursor=cursor)
        page = text_of(as_admin.get(f"/sources/imports/{run.pk}/progress/"))
        assert "20 seconds left" in page
        assert "10 rows a second" in page


class TestRejectedRows:
    @pytest.fixture
    def run(self):
        run = make_run(make_source("a"), rejected=3)
        make_rejected_row(run, 2, "bad_json", raw='=HYPERLINK("http://evil.example")')
        make_rejected_row(run, 5, "no_text", detail="title", raw='{"title": "影子"}')
        make_rejected_row(run, 9, "made_up", raw="<script>alert(1)</script>")
        return run

    def test_they_are_listed_with_row_and_sentence(self, as_admin, run):
        page = text_of(as_admin.get(f"/sources/imports/{run.pk}/"))
        assert "3 rows were not taken" in page
        assert "This is not JSON." in page
        assert "made_up" in page
        assert "<script>alert" not in page

    def test_as_json_lines_they_are_exact(self, as_admin, run):
        answer = as_admin.get(f"/sources/imports/{run.pk}/rejected.jsonl")
        rows = [json.loads(line) for line in answer.getvalue().decode().splitlines()]
        assert answer.headers["Content-Disposition"] == f'attachment; filename="a-import-{run.pk}-rejected.jsonl"'
        assert [row["row"] for row in rows] == [2, 5, 9]
        assert rows[0]["raw"] == '=HYPERLINK("http://evil.example")'

    def test_as_csv_no_cell_is_a_formula(self, as_admin, run):
        text = as_admin.get(f"/sources/imports/{run.pk}/rejected.csv").getvalue().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["raw"] for row in rows] == ['\'=HYPERLINK("http://evil.example")', '{"title": "影子"}', "<script>alert(1)</script>"]

    def test_there_are_no_other_kinds(self, as_admin, run):
        assert as_admin.get(f"/sources/imports/{run.pk}/rejected.html").status_code == 404


class TestPolicy:
    FIELDS = {"name": "弱智吧", "slug": "ruozhiba", "platform": "tieba", "licence": "", "terms_url": "", "reply": "model",
              "instruction_templates": "{title}", "reviews_wanted": "1", "guidelines": ""}  # fmt: skip

    def test_a_source_is_added(self, as_admin, admin):
        answer = as_admin.post("/sources/new/", {**self.FIELDS, "instruction_templates": "{title}\r\n\r\n{title}\\n{body}\r\n"})
        assert answer.headers["Location"] == "/sources/ruozhiba/"
        assert Source.objects.get().instruction_templates == ["{title}", "{title}\n{body}"]
        assert AuditEntry.objects.get().by == admin

    @pytest.mark.parametrize(
        ("field", "value"),
        [("instruction_templates", "{title.__class__}"), ("instruction_templates", "{author}"), ("instruction_templates", "{title"),
         ("reviews_wanted", "0"), ("slug", "imports"), ("slug", "a b"), ("name", ""), ("reply", "nobody"), ("terms_url", "javascript:1")],
    )  # fmt: skip
    def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(self, as_admin, field, value):
        answer = as_admin.post("/sources/new/", {**self.FIELDS, "guidelines": "短而准。", field: value})
        page = text_of(answer)
        assert answer.status_code == 400
        assert f'id="id_{field}_err"' in page
        assert "短而准。" in page
        assert not Source.objects.exists()

    def test_a_change_is_logged_with_before_and_after(self, as_admin):
        make_source("ruozhiba", name="弱智吧", platform="tieba", instruction_templates=["{title}\n{body}"])
        page = text_of(as_admin.get("/sources/ruozhiba/edit/"))
        assert "{title}\\n{body}" in page
        assert 'name="slug"' not in page
        fields = {**self.FIELDS, "instruction_templates": "{title}\\n{body}", "licence": "CC BY 4.0", "slug": "other"}
        as_admin.post("/sources/ruozhiba/edit/", fields)
        assert AuditEntry.objects.get().detail == {"licence": ["", "CC BY 4.0"]}
        assert Source.objects.get().slug == "ruozhiba"

    def test_the_same_again_changes_nothing(self, as_admin):
        make_source("ruozhiba", name="弱智吧", platform="tieba", instruction_templates=["{title}"])
        as_admin.post("/sources/ruozhiba/edit/", self.FIELDS)
        assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
def test_no_page_needs_an_inline_style_or_script(client, admin, reviewer, language):
    client.force_login(admin)
    client.cookies["django_language"] = language
    source = make_source("a", screens=[{"screen": "votes", "min": 5}])
    make_pair(post=make_post(source, status="kept"), status="accepted", by=reviewer)
    run = make_run(source, rejected=1, state="running")
    make_rejected_row(run, 1)
    for path in ("", "new/", "import/", "a/", "a/edit/", "a/posts/", "a/import/", f"imports/{run.pk}/"):
        page = client.get(f"/sources/{path}").content.decode()
        assert "</main>" in page
        assert not any(word in page for word in (" style=", "<style", " onclick=", "<script>"))
