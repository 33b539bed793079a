"""By the API: a preview is applied, a file is tried again with other settings, saved columns are forgotten."""

from contextlib import nullcontext

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from sources import dry_orders, policy, previewing, screening
from sources.dry_running import run_dry
from sources.models import DryRun, Preview, Source
from tests.builders import make_screened_source, make_source
from tests.sources.test_dry_api import tried

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]
V1 = "/api/v1"
VOTES = [{"screen": "votes", "min": 3}]


@pytest.fixture
def api(admin) -> APIClient:
    client = APIClient()
    client.force_authenticate(admin)
    return client


@pytest.fixture
def source() -> Source:
    return make_screened_source()


def reasons(source) -> list[str]:
    return list(source.posts.order_by("row").values_list("drop_reason", flat=True))


class TestApplying:
    def test_the_source_has_the_screens_and_its_posts_are_screened_by_them(self, api, source, admin, monkeypatch):
        told = []
        monkeypatch.setattr("sources.preview_api.send_hint", lambda task, pk: told.append((task.name, pk)))
        preview = previewing.order(source, VOTES, by=admin)
        previewing.run_preview(preview.pk)
        answer = api.post(f"{V1}/previews/{preview.pk}/apply/")
        assert (answer.status_code, answer.json()) == (202, {"posts": 3})
        assert told == [("sources.tasks.screen_source", source.pk)]
        source.refresh_from_db()
        assert source.screens == VOTES
        screening.screen(source)
        assert reasons(source) == ["too_few_votes", "too_few_votes", ""]
        assert AuditEntry.objects.filter(action="source_changed", by=admin).count() == 1

    def test_while_posts_are_being_screened_neither_is_done(self, api, source, admin, monkeypatch):
        monkeypatch.setattr(screening, "alone", lambda source_id: nullcontext(False))  # somebody else has it
        preview = previewing.order(source, VOTES, by=admin)
        refused = api.post(f"{V1}/previews/{preview.pk}/apply/")
        assert (refused.status_code, refused.json()["code"]) == (409, "being_screened")
        source.refresh_from_db()
        assert (source.screens, reasons(source)) == ([{"screen": "length", "min": 3}], ["too_short", "", ""])
        assert not AuditEntry.objects.filter(action__in=["source_changed", "source_rescreened"]).exists()

    def test_screens_that_are_none_any_more_are_refused_and_nothing_changes(self, api, source):
        preview = Preview.objects.create(source=source, screens=[{"screen": "gone"}])
        refused = api.post(f"{V1}/previews/{preview.pk}/apply/")
        assert (refused.status_code, refused.json()["code"]) == (409, "bad_screen")
        source.refresh_from_db()
        assert (source.screens, reasons(source)) == ([{"screen": "length", "min": 3}], ["too_short", "", ""])
        assert api.post(f"{V1}/previews/{2**40}/apply/").status_code == 404

    def test_it_is_for_admins(self, source, lead):
        client = APIClient()
        client.force_authenticate(lead)
        preview = Preview.objects.create(source=source, screens=VOTES)
        assert client.post(f"{V1}/previews/{preview.pk}/apply/").status_code == 403
        assert client.post(f"{V1}/sources/a/forget-mapping/", {"columns": []}, format="json").status_code == 403


class TestTryingAgain:
    def again(self, api, at: str, **settings):
        return api.post(f"{at}again/", settings, format="json")

    def test_another_dry_run_takes_the_place_of_this_one_and_keeps_what_was_not_said(self, api):
        at = tried(api)
        api.post(f"{at}rows/2/keep/")
        new = self.again(api, at, screens=VOTES)
        assert (new.status_code, new.json()["status"], new.json()["screens"]) == (202, "queued", VOTES)
        assert (new.json()["kept"], api.get(at).status_code) == ([2], 404)
        run_dry(new.json()["id"])
        assert api.get(f"{V1}/dry-runs/{new.json()['id']}/").json()["counts"]["dropped"] == {"too_few_votes": 1}
        assert self.again(api, at).status_code == 404, "twice is once"

    def test_columns_are_named_saved_for_the_next_file_and_go_with_another_format(self, api):
        source = make_source("b")
        at = tried(api, source)
        named = self.again(api, at, mapping={"title": "title", "votes": ""}, save_mapping=True).json()
        assert (named["importer"], named["mapping"]) == ("generic", {"title": "title"})
        source.refresh_from_db()
        assert [each["mapping"] for each in source.mappings] == [{"title": "title"}]
        other = self.again(api, f"{V1}/dry-runs/{named['id']}/", importer="zhihu").json()
        assert (other["importer"], other["mapping"]) == ("zhihu", {})
        third = self.again(api, f"{V1}/dry-runs/{other['id']}/", encoding="gb18030", save_mapping=True).json()
        assert (third["importer"], third["encoding"]) == ("zhihu", "gb18030")
        source.refresh_from_db()
        assert len(source.mappings) == 1, "there was nothing to save"

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"importer": "made_up"}, "invalid"), ({"encoding": "utf-7"}, "invalid"), ({"mapping": {"nothing": "x"}}, "invalid"),
            ({"mapping": {"title": 5}}, "invalid"), ({"mapping": "title"}, "invalid"), ({"mapping": {"title": "a\0"}}, "invalid"),
            ({"screens": {}}, "invalid"), ({"save_mapping": "yes"}, "invalid"), ({"screens": [{"screen": "made_up"}]}, "bad_screens"),
        ],
    )  # fmt: skip
    def test_settings_that_are_none_are_refused_and_what_was_tried_stays(self, api, wrong, code):
        at = tried(api)
        answer = self.again(api, at, **wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert api.get(f"{at}rows/").json()["results"]
        assert DryRun.objects.count() == 1

    def test_what_is_imported_is_not_tried_again(self, api, admin):
        at = tried(api)
        api.post(f"{at}import/")
        refused = self.again(api, at, screens=[])
        assert (refused.status_code, refused.json()["code"]) == (409, "imported")
        assert DryRun.objects.get().run_id

    def test_columns_do_not_outlive_the_format_that_has_them(self, admin):
        source = make_source("c")
        dry = DryRun.objects.create(source=source, file_name="x", sha256="0" * 64, size=1, asked="generic", mapping={"title": "a"})
        again = dry_orders.again(dry, by=admin, importer="")
        assert (again.asked, again.mapping) == ("", {})


class TestForgetting:
    def test_the_mapping_of_these_very_columns_goes_and_no_other(self, api, admin):
        source = make_source("a")
        for columns in (["题", "赞"], ["题"]):
            policy.save_mapping(source, columns=columns, mapping={"title": "题"}, by=admin)
        forget = lambda columns: api.post(f"{V1}/sources/a/forget-mapping/", {"columns": columns}, format="json").status_code  # noqa: E731
        assert [forget(["赞", "题"]), forget(["赞", "题"]), forget([])] == [204, 404, 404]
        assert [each["columns"] for each in api.get(f"{V1}/sources/a/").json()["mappings"]] == [["题"]]
        assert AuditEntry.objects.filter(action="mapping_forgotten").count() == 1

    @pytest.mark.parametrize("wrong", [{}, {"columns": "题"}, {"columns": [5]}, {"columns": None}, {"columns": ["a\0"]}, []])
    def test_what_names_no_columns_is_refused(self, api, wrong):
        make_source("a", mappings=[{"columns": ["题"], "mapping": {"title": "题"}}])
        answer = api.post(f"{V1}/sources/a/forget-mapping/", wrong, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert len(Source.objects.get().mappings) == 1
