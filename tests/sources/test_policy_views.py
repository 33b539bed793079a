"""The policy of a source: every part of it on its page and in the API, with a preview of what it makes of real posts."""

import pytest
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from annotation.pairing import pair_of
from sources import policy
from sources.models import Source
from tests.builders import make_post, make_source
from tests.sources.test_views import TestPolicy, text_of

pytestmark = pytest.mark.django_db
FIELDS = {
    **TestPolicy.FIELDS,
    "input_template": "",
    "system_prompt": "",
    "task_major": "",
    "task_minor": "",
    "domain": "",
    "lease_minutes": "15",
}


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


class TestEveryPart:
    def test_is_saved_and_logged_with_names_of_people(self, as_admin, reviewer):
        source = make_source("ruozhiba", name="弱智吧", platform="tieba", instruction_templates=["{title}"])
        said = {
            "input_template": "{body}", "system_prompt": "别玩梗。", "task_major": "问答、问答，推理", "task_minor": "逻辑问答",
            "domain": "通用, 逻辑", "lease_minutes": "30", "reviewers": [reviewer.pk],
        }  # fmt: skip
        as_admin.post("/sources/ruozhiba/edit/", {**FIELDS, **said})
        source.refresh_from_db()
        assert (source.input_template, source.system_prompt, source.lease_minutes) == ("{body}", "别玩梗。", 30)
        assert (source.task_type, source.domain) == ({"major": ["问答", "推理"], "minor": ["逻辑问答"]}, ["通用", "逻辑"])
        assert list(source.reviewers.all()) == [reviewer]
        assert AuditEntry.objects.get().detail["reviewers"] == [[], [reviewer.username]]
        page = text_of(as_admin.get("/sources/ruozhiba/edit/"))
        assert 'value="通用、逻辑"' in page
        as_admin.post("/sources/ruozhiba/edit/", {**FIELDS, **said})
        assert AuditEntry.objects.count() == 1, "the same again is no change"
        as_admin.post("/sources/ruozhiba/edit/", {**FIELDS, **said, "reviewers": []})
        assert not source.reviewers.exists()
        assert AuditEntry.objects.latest("id").detail == {"reviewers": [[reviewer.username], []]}

    def test_a_pair_is_made_by_it(self, as_admin):
        as_admin.post(
            "/sources/new/", {**FIELDS, "instruction_templates": "{title}\r\n请答：{title}", "input_template": "{body}", "domain": "生活"}
        )
        source = Source.objects.get()
        pair = pair_of(make_post(source, row=2, title="谁？", body="夜里"), source)
        assert (pair.instruction, pair.input, pair.domain) == ("请答：谁？", "夜里", ["生活"])

    @pytest.mark.parametrize(
        ("field", "value"),
        [("input_template", "{author}"), ("domain", "长" * 51), ("task_major", "、".join(map(str, range(21)))), ("lease_minutes", "241"),
         ("lease_minutes", "0"), ("reviewers", "77")],
    )  # fmt: skip
    def test_what_is_wrong_is_said_at_its_field(self, as_admin, field, value):
        page = as_admin.post("/sources/new/", {**FIELDS, field: value})
        assert page.status_code == 400
        assert f'id="id_{field}_err"' in text_of(page)
        assert not Source.objects.exists()

    def test_viewers_and_people_who_left_are_not_offered(self, as_admin, viewer, reviewer, make_user):
        gone = make_user("reviewer", "gone")
        gone.is_active = False
        gone.save()
        page = text_of(as_admin.get("/sources/new/"))
        assert f'value="{reviewer.pk}"' in page
        assert f'value="{viewer.pk}"' not in page.split("reviewers")[1]
        assert "gone" not in page

    def test_the_api_takes_it_too(self, admin, reviewer):
        api = APIClient()
        api.force_authenticate(admin)
        make_source("a")
        said = {
            "task_type": {"major": ["问答"], "minor": []}, "domain": ["通用"], "system_prompt": "短。", "lease_minutes": 20,
            "reviewers": [reviewer.username],
        }  # fmt: skip
        answer = api.patch("/api/v1/sources/a/", said, format="json")
        assert (answer.status_code, answer.json()["mappings"]) == (200, [])
        assert answer.json().items() >= said.items()
        for bad in ({"task_type": {"x": []}}, {"domain": ["长" * 51]}, {"lease_minutes": 0}, {"reviewers": ["nobody"]}):
            assert api.patch("/api/v1/sources/a/", bad, format="json").status_code == 400


class TestPreview:
    def test_it_shows_what_the_typed_templates_make_of_real_posts_and_saves_nothing(self, as_admin):
        source = make_source("a", instruction_templates=["{title}"])
        for row, title in ((1, "影子怕黑吗"), (2, "<b>灯</b>怕亮吗")):
            make_post(source, row=row, title=title, body="夜里", answer="不怕", status="kept")
        make_post(source, row=3, title="落选的", status="dropped", drop_reason="too_short")
        typed = {**FIELDS, "instruction_templates": "{title}\r\n请答：{title}", "input_template": "{body}", "reply": "source"}
        page = text_of(as_admin.post("/sources/a/edit/preview/", typed))
        assert "影子怕黑吗" in page
        assert "请答：&lt;b&gt;灯&lt;/b&gt;怕亮吗" in page
        assert page.count("夜里") == page.count("不怕") == 2
        assert "落选的" not in page
        source.refresh_from_db()
        assert source.instruction_templates == ["{title}"]

    def test_a_template_that_is_wrong_is_said_and_one_that_is_not_there_yet_is_shown_on_an_invented_post(self, as_admin):
        make_source("a")
        assert "{oops} is no field" in text_of(as_admin.post("/sources/a/edit/preview/", {**FIELDS, "instruction_templates": "{oops}"}))
        page = text_of(as_admin.post("/sources/new/preview/", {**FIELDS, "instruction_templates": "问：{title}"}))
        assert "so this one is invented" in page
        assert "问：保温杯" in page

    def test_without_script_a_button_shows_it(self, as_admin):
        make_source("a")
        page = text_of(as_admin.post("/sources/a/edit/", {**FIELDS, "instruction_templates": "问：{title}", "preview": "1"}))
        assert "问：保温杯" in page
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
    def test_it_is_for_admins(self, client, make_user, role):
        make_source("a", mappings=[{"columns": ["x"], "mapping": {"title": "x"}}])
        client.force_login(make_user(role))
        paths = ("/sources/new/preview/", "/sources/a/edit/preview/", "/sources/a/edit/forget-mapping/")
        assert {client.post(path, {"number": "0"}).status_code for path in paths} == {403}


def test_a_saved_mapping_is_listed_and_forgotten(as_admin, admin):
    source = make_source("a")
    for column in ("问", "题"):
        policy.save_mapping(source, columns=[column], mapping={"title": column}, by=admin)
    assert "<code>题</code> → Title" in text_of(as_admin.get("/sources/a/edit/"))
    as_admin.post("/sources/a/edit/forget-mapping/", {"number": "0"})
    as_admin.post("/sources/a/edit/forget-mapping/", {"number": "9"})
    as_admin.post("/sources/a/edit/forget-mapping/", {"number": "x"})
    source.refresh_from_db()
    assert source.mappings == [{"columns": ["问"], "mapping": {"title": "问"}}]


@pytest.mark.parametrize(("template", "made"), [("{{{title}}}", "{谁？}"), ("{{title}}", "{title}"), ("{title}{x}", "谁？{x}")])
def test_double_braces_are_real_ones(template, made):
    source = make_source(instruction_templates=[template])
    assert pair_of(make_post(source, title="谁？"), source).instruction == made
