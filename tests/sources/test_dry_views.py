"""The wizard: what it shows, what can be changed, that only admins get in, and that hostile text stays text."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from sources import dry_orders
from sources.dry_running import run_dry
from sources.models import DryRun, ImportRun, Post, Source
from tests.builders import make_source
from tests.sources.test_views import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]
ROWS = [
    {"title": "影子会不会怕黑，天黑了它去哪里？", "votes": 3, "user_name": "张三"},
    {"title": "如图", "votes": 90},
    {"title": "影子会不会怕黑,天黑了它去哪里"},
    {"x": 1},
    {"title": "加我 13812345678 领取"},
]
SCREENS = [
    {"screen": "duplicate"}, {"screen": "length", "field": "title", "min": 6}, {"screen": "personal_data", "drop": True},
    {"screen": "advert", "off": True},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _english(settings):
    settings.LANGUAGE_CODE = "en"
    with translation.override("en"):
        yield


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def send(client, rows=None, *, name="posts.jsonl", data=None, source=None, is_run=True):
    source = source or Source.objects.filter(slug="a").first() or make_source("a", screens=SCREENS)
    data = data or "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows or ROWS).encode()
    at = client.post(f"/sources/{source.slug}/import/", {"file": SimpleUploadedFile(name, data)}).headers["Location"]
    if is_run:
        run_dry(DryRun.objects.latest("id").pk)
    return at


def settings_of(page, **changes):
    """What the form beside the dry run would send."""
    reading, forms = page.context["reading"], page.context["forms"]
    sent = {bound.html_name: bound.value() or "" for bound in reading}
    for form in forms:
        sent |= {bound.html_name: bound.value() for bound in form if bound.value() not in (None, False, "")}
    return {**sent, "screen": [form.name for form in forms], **changes}


class TestPage:
    def test_it_shows_the_whole_funnel_the_first_posts_and_every_lost_row(self, as_admin):
        page = as_admin.get(send(as_admin))
        assert [(stage["label"], stage["count"]) for stage in page.context["stages"]] == [
            ("Read", 5), ("Made posts", 4), ("After the filters", 2), ("Deduped", 1), ("To be drafted", 1),
        ]  # fmt: skip
        assert [post["instruction"] for post in page.context["first"]] == [ROWS[0]["title"]]
        rows = {row["row"]: row for row in page.context["lost"]}
        assert {n: (row["code"], row["value"]) for n, row in rows.items()} == {
            2: ("too_short", "2"), 3: ("duplicate", "row 1"), 4: ("no_text", ""), 5: ("personal_data", "mobile"),
        }  # fmt: skip
        assert rows[3]["twin"] == ROWS[0]["title"]
        text = text_of(page)
        assert "13812345678" not in text
        assert "张三" not in text
        assert "Import 1 post" in text

    def test_rows_are_narrowed_by_group_and_reason(self, as_admin):
        at = send(as_admin)
        found = {query: [row["row"] for row in as_admin.get(f"{at}?{query}").context["lost"]] for query in (
            "", "show=no_post", "show=filtered", "show=twins", "show=filtered&reason=too_short", "show=nothing&reason=%00x",
        )}  # fmt: skip
        assert list(found.values()) == [[2, 3, 4, 5], [4], [2, 5], [3], [2], []]

    def test_they_are_downloaded_as_shown_with_the_raw_row_and_inert_cells(self, as_admin):
        at = send(as_admin, [{"title": "=1+1"}, *ROWS[1:]])
        said = as_admin.get(f"{at}rows.csv?show=filtered")
        rows = list(csv.DictReader(io.StringIO(b"".join(said.streaming_content).decode("utf-8-sig"))))
        assert [(row["row"], row["reason"], row["raw"]) for row in rows] == [
            ("1", "too_short", "'=1+1"), ("2", "too_short", "如图"), ("5", "personal_data", "加我 [手机号] 领取"),
        ]  # fmt: skip
        lines = b"".join(as_admin.get(f"{at}rows.jsonl?show=no_post").streaming_content).decode().splitlines()
        assert [json.loads(line)["raw"] for line in lines] == ['{"x": 1}']
        assert as_admin.get(f"{at}rows.exe").status_code == 404

    def test_the_button_is_disabled_with_its_reason_until_it_ended(self, as_admin):
        at = send(as_admin, is_run=False)
        text = text_of(as_admin.get(at))
        button = text.split('id="import"')[1].split("<small")[0]
        assert 'aria-disabled="true" aria-describedby="why"' in button
        assert 'id="why">Possible when the dry run has ended<' in text
        run_dry(DryRun.objects.get().pk)
        assert "aria-disabled" not in text_of(as_admin.get(at)).split('id="import"')[1].split("</button>")[0]

    def test_hostile_text_stays_text(self, as_admin):
        bad = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:7 }}'
        rows = [{"title": bad, bad: 1}, {"title": bad}, {bad: "x"}, {"title": bad[:5]}]
        page = as_admin.get(send(as_admin, rows)).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "14" not in page.split("<aside")[0].split("preview")[1]


class TestMoving:
    def test_it_streams_says_news_once_and_asks_for_the_page_when_fields_have_something_to_say(self, as_admin):
        at = send(as_admin, is_run=False)
        moving = as_admin.get(f"{at}progress/?said=&columns=0")
        assert 'hx-trigger="every 1s"' in moving.content.decode()
        assert 'id="said"' in moving.content.decode()
        assert 'id="said"' not in as_admin.get(f"{at}progress/?said={moving.context['said']}").content.decode()
        run_dry(DryRun.objects.get().pk)
        over = as_admin.get(f"{at}progress/?said=x&columns=0")
        assert "hx-get" not in over.content.decode()
        assert 'id="reading-box" aria-labelledby="reading" hx-swap-oob="true"' in over.content.decode()
        assert "HX-Refresh" not in over.headers
        DryRun.objects.update(state="failed", error_code="missing_column")
        assert as_admin.get(f"{at}progress/").headers["HX-Refresh"] == "true"

    def test_it_is_paused_goes_on_and_is_stopped_with_and_without_script(self, as_admin):
        at = send(as_admin, is_run=False)
        assert as_admin.post(f"{at}pause/").headers["Location"] == at
        assert DryRun.objects.get().state == "paused"
        text = as_admin.post(f"{at}resume/", headers={"HX-Request": "true"}).content.decode()
        assert (DryRun.objects.get().state, "Pause" in text, "<html" in text) == ("queued", True, False)
        as_admin.post(f"{at}stop/")
        assert DryRun.objects.get().state == "stopped"
        assert "The dry run was stopped" in text_of(as_admin.get(at))
        assert as_admin.post(f"{at}explode/").status_code == 404

    def test_it_is_skipped_only_knowingly(self, as_admin):
        at = send(as_admin, is_run=False)
        assert "has not ended yet" in text_of(as_admin.post(f"{at}import/", follow=True))
        assert not ImportRun.objects.exists()
        as_admin.post(f"{at}import/", {"skip": "1"})
        run = ImportRun.objects.get()
        assert as_admin.get(at).headers["Location"] == f"/sources/imports/{run.pk}/"

    def test_it_is_gone_on_with_from_the_upload_page_or_discarded(self, as_admin):
        at = send(as_admin)
        assert f'href="{at}"' in as_admin.get("/sources/a/import/").content.decode()
        as_admin.post(f"{at}discard/")
        assert not DryRun.objects.exists()
        assert not Post.objects.exists()


class TestSettings:
    def test_other_screens_are_tried_and_saved_only_by_the_import(self, as_admin):
        at = send(as_admin)
        sent = settings_of(as_admin.get(at), **{"s1-min": "2"})
        to = as_admin.post(f"{at}again/", sent).headers["Location"]
        dry = DryRun.objects.get()
        assert dry.screens == [*SCREENS[:1], {**SCREENS[1], "min": 2}, SCREENS[2], {**SCREENS[3], "field": "all", "leftovers": False}]
        run_dry(dry.pk)
        assert as_admin.get(to).context["coming"] == 2
        assert Source.objects.get().screens == SCREENS
        as_admin.post(f"{to}import/")
        assert Source.objects.get().screens == dry.screens

    def test_adding_and_taking_out_a_screen_shows_it_and_tries_nothing_yet(self, as_admin):
        at = send(as_admin)
        page = as_admin.post(f"{at}again/", settings_of(as_admin.get(at), act="add", added="votes"))
        assert [form.name for form in page.context["forms"]] == ["duplicate", "length", "personal_data", "advert", "votes"]
        page = as_admin.post(f"{at}again/", settings_of(page, act="remove-0"))
        assert [form.name for form in page.context["forms"]] == ["length", "personal_data", "advert", "votes"]
        assert DryRun.objects.get().screens == SCREENS

    def test_a_wrong_setting_is_said_at_its_field_and_nothing_is_tried(self, as_admin):
        at = send(as_admin)
        page = as_admin.post(f"{at}again/", settings_of(as_admin.get(at), **{"s1-min": "many"}))
        assert page.status_code == 400
        assert 'id="id_s1-min_err"' in page.content.decode()
        assert DryRun.objects.get().state == "succeeded"

    def test_the_format_is_overruled(self, as_admin):
        at = send(as_admin, [{"title": "影子会不会怕黑？", "abs": "x", "href": "/p/1", "n_reply": "3"}])
        page = as_admin.get(at)
        assert "Recognised: Tieba" in text_of(page)
        to = as_admin.post(f"{at}again/", settings_of(page, importer="exam")).headers["Location"]
        dry = DryRun.objects.get()
        run_dry(dry.pk)
        page = as_admin.get(to)
        text = text_of(page)
        assert 'aria-current="step"><span class="mark">2' in text
        select = text.split('name="importer"')[1].split(">")[0]
        assert 'aria-invalid="true"' in select
        assert 'aria-describedby="read_importer_err"' in select
        assert "Missing columns" in text.split('id="read_importer_err"')[1][:400]
        assert "aria-disabled" in text.split('id="import"')[1][:200]


class TestColumns:
    CSV = "问句,赞,日子\n影子会不会怕黑？,12,2024-05-01\n保温杯保谁的温？,很多,昨天\n".encode()

    def mapped(self, as_admin, **columns):
        """A file whose columns nobody knows, and the answer to saying what they are."""
        source = make_source("own")
        at = send(as_admin, data=self.CSV, name="own.csv", source=source)
        page = as_admin.post(f"{at}again/", settings_of(as_admin.get(at), act="columns"))
        assert page.context["reading"].is_generic
        return as_admin.post(f"{at}again/", settings_of(page, importer="generic", **columns))

    def test_they_are_mapped_and_values_that_say_nothing_are_said_at_their_field(self, as_admin):
        to = self.mapped(as_admin, column0="title", column1="votes", column2="posted_at").headers["Location"]
        run_dry(DryRun.objects.get().pk)
        page = as_admin.get(to)
        text = text_of(page)
        assert "1 row holds no date there: “昨天”" in text
        assert 'aria-describedby="read_column2_unread"' in text
        run_at = as_admin.post(f"{to}import/").headers["Location"]
        assert ImportRun.objects.get().mapping == {"title": "问句", "votes": "赞", "posted_at": "日子"}
        assert as_admin.get(run_at).status_code == 200

    @pytest.mark.parametrize(
        ("columns", "at", "said"),
        [
            ({"column0": "title", "column1": "title"}, "column1", "“问句” is the Title already."),
            ({"column0": "votes"}, "column0", "Say which column holds the title, the body or the answer."),
            ({"column0": "made_up"}, "column0", "Select a valid choice"),
        ],
    )
    def test_a_wrong_mapping_is_said_at_its_field(self, as_admin, columns, at, said):
        page = self.mapped(as_admin, **{"column0": "", "column1": "", "column2": "", **columns})
        text = text_of(page)
        assert page.status_code == 400
        assert said in text.split(f'id="read_{at}_err"')[1][:600]
        control = next(part for part in text.split("<") if f'name="{at}"' in part)
        assert 'aria-invalid="true"' in control
        assert f"read_{at}_err" in control

    def test_a_mapping_is_saved_for_the_next_file_with_the_same_columns(self, as_admin):
        self.mapped(as_admin, column0="title", column1="votes", column2="", act="save_mapping")
        assert Source.objects.get(slug="own").mappings == [{"columns": ["日子", "赞", "问句"], "mapping": {"title": "问句", "votes": "赞"}}]
        at = send(as_admin, data=self.CSV.replace("影子".encode(), "灯泡".encode()), name="next.csv", source=Source.objects.get(slug="own"))
        page = as_admin.get(at)
        assert (page.context["dry"].state, page.context["coming"]) == ("succeeded", 2)


class TestKeeping:
    def test_a_row_is_kept_and_given_up_with_and_without_script(self, as_admin):
        at = send(as_admin)
        to = as_admin.post(f"{at}rows/2/keep/", {"kept": "1", "query": "show=filtered"}).headers["Location"]
        assert to == f"{at}?show=filtered#lost"
        assert "Import 2 posts" in text_of(as_admin.get(at))
        part = text_of(as_admin.post(f"{at}rows/2/keep/", {"kept": "0"}, headers={"HX-Request": "true"}))
        assert part.startswith('<tr id="row-2">')
        assert "Import 1 post<" in part
        assert DryRun.objects.get().kept == []

    def test_with_personal_data_it_is_not_and_the_button_says_why(self, as_admin):
        at = send(as_admin)
        row = text_of(as_admin.get(at)).split('<tr id="row-5">')[1].split("</tr>")[0]
        assert 'aria-disabled="true" aria-describedby="why-5"' in row
        assert "It holds personal data" in text_of(as_admin.post(f"{at}rows/5/keep/", follow=True))
        assert as_admin.post(f"{at}rows/5/keep/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
        assert DryRun.objects.get().kept == []


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_it_is_for_admins(client, make_user, admin, role):
    client.force_login(admin)
    at = send(client)
    client.force_login(make_user(role))
    reads = [client.get(f"{at}{path}") for path in ("", "progress/", "rows.csv")]
    posts = [client.post(f"{at}{path}") for path in ("pause/", "stop/", "again/", "import/", "discard/", "rows/2/keep/")]
    assert {answer.status_code for answer in reads + posts} == {403}
    assert dry_orders.imported_before(Source.objects.get(), DryRun.objects.get().sha256) is None
