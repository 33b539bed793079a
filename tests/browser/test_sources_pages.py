"""The pages about posts that were lost, in a real browser: rescue with undo, screening again with a preview, near-duplicates."""

import pytest
from django.urls import reverse

from sources import previewing, screening
from sources.models import Post, Preview
from tests.browser.test_review_page import cookie_for
from tests.builders import make_pair, make_post, make_review, make_run, make_source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CUPS = ["保温杯里装冰水，它该保谁的温？", "保溫杯裏裝冰水，它該保誰的溫😂", "保温杯里装了冰水，它该保谁的温"]
OTHERS = ["短", "影子会不会怕黑", "静音车厢里打字算喧哗吗", "排第一是不是没人在排队"]


@pytest.fixture
def source(db):
    found = make_source("ruozhiba", name="弱智吧", platform="tieba", screens=[{"screen": "length", "min": 3}, {"screen": "near_duplicate"}])
    run = make_run(found, created=len(CUPS + OTHERS), known=2, file_name="年度佳贴.json")
    for row, title in enumerate(CUPS + OTHERS, 1):
        make_post(found, run=run, row=row, title=title, votes=200 - row)
    screening.screen(found)
    return found


@pytest.fixture
def open_page(chromium, live_server, admin):
    contexts, wrong = [], []

    def open_(path, **options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN", **options})
        contexts.append(context)
        context.add_cookies([cookie_for(admin, live_server.url)])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(live_server.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def kept():
    return set(Post.objects.filter(status="kept").values_list("title", flat=True))


@pytest.mark.parametrize("script", [True, False])
def test_one_is_rescued_from_its_number_in_the_funnel_and_the_rescue_undone(source, open_page, script):
    page = open_page(reverse("sources:detail", args=["ruozhiba"]), java_script_enabled=script)
    assert page.locator(".cells.posts i").count() == 9
    page.locator(".stages a", has_text="过短").click()
    before = kept()
    page.get_by_role("button", name="救回：短").click()
    assert kept() == before | {"短"}
    page.get_by_role("button", name="撤销").click()
    page.wait_for_selector(".notice.ok")
    assert kept() == before
    assert page.get_by_role("button", name="救回：短").is_visible()


def test_many_are_rescued_by_ticks_and_all_that_match_by_one_button(source, open_page):
    page = open_page(reverse("sources:posts", args=["ruozhiba"]) + "?status=dropped")
    before = kept()
    page.locator("[data-tick-all]").click()
    assert page.locator("input[name=post]:checked").count() == 3
    page.locator("input[name=post]").first.uncheck()
    page.get_by_role("button", name="救回勾选的").click()
    assert len(kept()) == len(before) + 2
    page.get_by_role("button", name="撤销").click()
    page.wait_for_selector(".notice.ok:has-text('2')")
    assert kept() == before
    page.get_by_role("button", name="救回全部 3").click()
    page.get_by_role("button", name="撤销").wait_for()
    assert len(kept()) == len(CUPS + OTHERS)


def test_screening_again_is_previewed_then_done_and_reviewed_pairs_stay(source, open_page, reviewer):
    reviewed = Post.objects.get(title=OTHERS[1])
    make_review(make_pair(post=reviewed), by=reviewer)
    page = open_page(reverse("sources:screens", args=["ruozhiba"]))
    page.locator("input[name=s0-min]").fill("9")
    page.get_by_role("button", name="预览影响").click()
    page.wait_for_selector("#progress[hx-get]")
    previewing.run_preview(Preview.objects.get().pk)
    page.get_by_text("会被舍弃").first.wait_for()
    source.refresh_from_db()
    assert source.screens[0]["min"] == 3
    page.get_by_role("button", name="保存这些过滤规则并重新过滤").click()
    page.wait_for_url("**/sources/ruozhiba/")
    screening.screen(source)
    assert kept() == {CUPS[0], OTHERS[1], OTHERS[2], OTHERS[3]}
    assert Post.objects.get(pk=reviewed.pk).status == "kept"


def test_another_of_a_cluster_is_chosen_by_keyboard_and_stays(source, open_page):
    page = open_page(reverse("sources:clusters", args=["ruozhiba"]))
    assert page.locator(".cluster article").count() == 3
    page.get_by_role("button", name="改留这条").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice.ok")
    assert CUPS[0] not in kept()
    assert "由 admin 选定" in page.content()
    screening.rescreen(source, by=None)
    screening.screen(source)
    assert CUPS[0] not in kept()
    page.locator("article", has_text=CUPS[0]).locator("input[name=member]").check()
    page.get_by_role("button", name="勾选的与其他的不是重复").click()
    page.wait_for_selector(".apart li")
    assert CUPS[0] in kept()


PATHS = ["sources/", "sources/ruozhiba/", "sources/ruozhiba/posts/?status=dropped", "sources/ruozhiba/clusters/", "sources/lists/",
         "sources/ruozhiba/screens/", "sources/ruozhiba/at/?fate=waiting", "sources/ruozhiba/rejected/"]  # fmt: skip


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_violation_that_axe_can_find_or_scrolls_sideways(source, open_page, size, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    preview = previewing.order(source, [{"screen": "length", "min": 9}], by=None)
    previewing.run_preview(preview.pk)
    page = open_page("/sources/", viewport=size, color_scheme=theme, bypass_csp=True)
    root = page.url.removesuffix("/sources/")
    for path in [*PATHS, f"sources/previews/{preview.pk}/"]:
        page.goto(f"{root}/{path}")
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
