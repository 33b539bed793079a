"""Prompts on pages and by the API: the versions, two beside each other, and a new one."""

import time

import pytest

from accounts.models import ApiToken
from annotation import drafting
from annotation.models import PromptVersion
from annotation.side_by_side import counts, side_by_side
from tests.annotation.ledger_rows import decided, make_draft_run
from tests.annotation.test_draft_views import HOSTILE, page  # noqa: F401

PROMPTS = "/drafting/prompts/"


# --- lines beside each other -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("一\n二\n三", "一\n二\n三", ["same", "same", "same"]),
        ("一\n二\n三", "一\n二改\n三", ["same", "changed", "same"]),
        ("一\n三", "一\n二\n三", ["same", "added", "same"]),
        ("一\n二\n三", "一\n三", ["same", "removed", "same"]),
        ("一\n二", "甲\n乙\n丙", ["changed", "changed", "added"]),
        ("", "一", ["changed"]),
    ],
)
def test_lines_are_beside_each_other_and_spell_both_texts(old, new, kinds):
    rows = side_by_side(old, new)
    assert [row.kind for row in rows] == kinds
    assert "\n".join("".join(s.text for s in row.left) for row in rows if row.left_number) == old
    assert "\n".join("".join(s.text for s in row.right) for row in rows if row.right_number) == new
    assert sum(counts(rows).values()) == len(rows) - kinds.count("same")


def test_within_a_changed_line_the_characters_are_told():
    (row,) = side_by_side("先给答案，再给理由。", "先给答案，再给必要的理由。")
    assert [(s.kind, s.text) for s in row.right if s.kind == "insert"] == [("insert", "必要的")]
    assert all(s.kind == "equal" for s in row.left)


def test_long_texts_take_no_time():
    old = "\n".join(f"第 {n} 条，写明白。" for n in range(2_000))
    began = time.monotonic()
    rows = side_by_side(old, old.replace("写明白", "说清楚"))
    assert counts(rows)["changed"] == 2_000
    assert time.monotonic() - began < 5


# --- pages -------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_list_shows_versions_uses_and_results(page, admin):  # noqa: F811
    prompt = drafting.prompt()
    decided(make_draft_run(prompt=prompt), admin, "accept")
    text = page.get(PROMPTS).text
    assert prompt.name in text
    assert "100%" in text
    assert "newest" in text


@pytest.mark.django_db
def test_a_new_version_is_made_of_another_and_both_can_be_compared(page, admin):  # noqa: F811
    old = drafting.prompt()
    form = page.get(f"{PROMPTS}new/?from={old.pk}").text
    assert old.text[:20] in form
    changed = old.text.replace("先给答案", "先把答案说出来") + "\r\n" + HOSTILE
    answer = page.post(PROMPTS + "new/", {"purpose": "draft", "parent": old.pk, "text": changed, "note": "直白一些"})
    made = PromptVersion.objects.get(parent=old)
    assert answer.url == f"{PROMPTS}{made.pk}/"
    assert (made.number, made.by, made.note, made.text) == (old.number + 1, admin, "直白一些", changed.replace("\r\n", "\n"))
    shown = page.get(answer.url).text
    assert "<script>alert" not in shown
    assert f"?a={old.pk}&amp;b={made.pk}" in shown
    both = page.get(f"{PROMPTS}compare/?a={made.pk}&b={old.pk}").text  # the older one is left, whichever was named first
    assert both.index(f"<h1>{old.name} and {made.name}</h1>")
    assert "<ins>把" in both
    assert "<script>alert" not in both
    assert "Lines changed: 1, removed: 0, added: 1." in both


@pytest.mark.django_db
def test_a_text_that_is_there_already_is_that_version(page):  # noqa: F811
    old = drafting.prompt()
    count = PromptVersion.objects.count()
    answer = page.post(PROMPTS + "new/", {"purpose": "draft", "parent": "", "text": old.text, "note": "x"}, follow=True)
    assert "there already" in answer.text
    assert PromptVersion.objects.count() == count


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"text": ""}, {"text": "   "}, {"text": "x" * 30_000}, {"purpose": "x"}, {"note": "n" * 400}])
def test_a_bad_version_is_shown_again_and_not_kept(page, fields):  # noqa: F811
    drafting.prompt()
    count = PromptVersion.objects.count()
    answer = page.post(PROMPTS + "new/", {"purpose": "draft", "parent": "", "text": "写法", "note": "", **fields})
    assert (answer.status_code, PromptVersion.objects.count()) == (400, count)


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["", "a=1", "a=x&b=1", "a=1&b=999999", "a=1&b=9999999999999999999"])
def test_what_is_not_there_cannot_be_compared(page, asked):  # noqa: F811
    assert page.get(f"{PROMPTS}compare/?{asked}").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_only_admins_see_prompts(client, make_user, role):
    client.force_login(make_user(role))
    for url in (PROMPTS, PROMPTS + "new/", PROMPTS + "compare/?a=1&b=1", PROMPTS + "1/"):
        assert client.get(url).status_code == 403


# --- API ---------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_api_lists_adds_and_compares(client, admin):
    headers = {"Authorization": f"Bearer {ApiToken.issue(admin, 't')[1]}"}
    (old,) = client.get("/api/v1/prompts/", headers=headers).json()
    body = {"text": old["text"] + "\n最后一行。", "note": "n", "parent": old["name"]}
    made = client.post("/api/v1/prompts/", body, content_type="application/json", headers=headers)
    assert (made.status_code, made.json()["number"], made.json()["parent"]) == (201, old["number"] + 1, old["name"])
    name = made.json()["name"]
    assert client.get(f"/api/v1/prompts/{name}/", headers=headers).json()["text"] == body["text"]
    rows = client.get(f"/api/v1/prompts/{old['name']}/diff/{name}/", headers=headers).json()
    assert [row for row in rows if row["kind"] != "same"] == [
        {"kind": "added", "left_number": 0, "left": "", "right_number": len(rows), "right": "最后一行。"}
    ]
    for path, status, code in [("prompts/nothing/", 404, "unknown_prompt"), ("prompts/?purpose=x", 400, "invalid")]:
        answer = client.get(f"/api/v1/{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    bad = client.post("/api/v1/prompts/", {"text": "  "}, content_type="application/json", headers=headers)
    assert (bad.status_code, bad["Content-Type"]) == (400, "application/problem+json")
