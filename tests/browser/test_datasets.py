"""Datasets in a real browser: a recipe, two versions, what differs between them, a release, the bytes, a withdrawal."""

import hashlib

import pytest

from datasets import exporting, publishing
from datasets.models import Dataset, Export, Version
from tests.browser.test_review_page import cookie_for
from tests.builders import make_source
from tests.datasets.conftest import accepted, folder  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DRAFT, EDITED = "月亮没有电梯，只好自己一步一步爬上来。", "这句话把“升起”当成了乘电梯，所以好笑。"


@pytest.fixture
def source(reviewer):
    made = make_source("ruozhiba", name="弱智吧", licence="CC-BY-4.0")
    for n in range(24):
        accepted(made, reviewer, draft=f"{DRAFT}{n}", output=f"{EDITED}{n}" if n % 5 == 0 else None)
    accepted(make_source("nobody-knows", name="来路不明"), reviewer)
    return made


@pytest.fixture
def open_page(chromium, live_server, admin):
    contexts, wrong = [], []

    def open_(path, *, user=None, **options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN", **options})
        contexts.append(context)
        context.add_cookies([cookie_for(user or admin, live_server.url)])
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


@pytest.fixture
def two_versions(source, reviewer):
    dataset = publishing.create_dataset(slug="lamps", name="灯集", by=None, recipe={"splits": {"train": 0.8, "test": 0.2}})
    for _ in range(2):
        publishing.build(publishing.freeze(dataset, by=None, changelog="多了一些。").pk)
        accepted(source, reviewer, draft="后来的一条。")
    return dataset


def frozen(page) -> Version:
    """Press the button of the dialog; do the worker's part; the page follows by itself."""
    page.get_by_role("button", name="封存新版本").first.click()
    page.get_by_role("button", name="封存", exact=True).click()
    page.locator("#progress").wait_for()
    version = Version.objects.latest("pk")
    publishing.build(version.pk)
    page.locator("#files").wait_for()
    return version


def test_a_recipe_two_versions_their_difference_a_release_the_bytes_and_a_withdrawal(source, open_page, reviewer):
    page = open_page("/datasets/")
    page.get_by_role("link", name="新建数据集").first.click()
    page.locator("input[name=name]").fill("灯集")
    page.locator("input[name=slug]").fill("lamps")
    page.locator("input[name=test]").fill("20")
    page.get_by_role("button", name="建立数据集").click()
    page.wait_for_url("**/datasets/lamps/")
    assert Dataset.objects.get().recipe == {"splits": {"train": 0.8, "test": 0.2}}

    first = frozen(page)
    first.refresh_from_db()
    assert (first.records_count, first.left_out) == (24, {"licence": 1})
    accepted(source, reviewer, draft="后来的一条。", instruction="后来才问的？")
    page.reload()
    second = frozen(page)
    page.get_by_role("link", name="对比版本").click()
    assert page.locator(".recs li").count() == 1
    page.get_by_text("后来才问的？").click()
    assert page.get_by_text("后来的一条。").is_visible()
    page.get_by_role("link", name="回到该版本").click()

    page.get_by_role("button", name="发布", exact=True).click()
    page.locator("#m-release").get_by_role("button", name="发布", exact=True).click()
    page.locator(".notice.ok").wait_for()
    second.refresh_from_db()
    assert second.state == "released"

    row = page.locator("#files .dl li", has_text="train.cqia.jsonl")
    with page.expect_download() as downloading:
        row.get_by_role("link").click()
    data = downloading.value.path().read_bytes()
    assert downloading.value.suggested_filename == "lamps-v2.train.cqia.jsonl"
    assert hashlib.sha256(data).hexdigest() == row.locator("code.sum").get_attribute("title")

    page.get_by_role("button", name="撤回", exact=True).click()
    page.locator("#withdraw-reason").fill("有一条不该发布。")
    page.locator("#m-withdraw").get_by_role("button", name="撤回", exact=True).click()
    page.locator(".notice.no", has_text="有一条不该发布。").wait_for()
    assert page.locator("#files .dl").count() == 0
    assert page.request.get(f"{page.url}files/train.cqia.jsonl").status == 404


def test_a_bundle_is_ordered_and_the_page_shows_it_when_it_is_whole(two_versions, open_page):
    page = open_page("/datasets/lamps/")
    page.locator("form.order button").last.click()
    page.locator("#jobs").wait_for()
    exporting.run(Export.objects.get().pk)
    page.locator("#files a[href$='bundle.zip']").wait_for()


def test_all_of_it_by_keyboard(two_versions, open_page):
    page = open_page("/datasets/lamps/")
    button = page.get_by_role("button", name="发布", exact=True).first
    button.focus()
    page.keyboard.press("Enter")
    page.locator("#m-release").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#m-release").is_visible()
    assert button.evaluate("node => node === document.activeElement")
    page.keyboard.press("Enter")
    page.locator("#release-changelog").focus()
    page.keyboard.type("!")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".notice.ok").wait_for()
    assert Version.objects.get(number=2).state == "released"
    page.locator("#card-read").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("pre.code").first.is_visible()
    page.locator(".recs summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".recs details[open] .text").first.is_visible()


PATHS = ["", "new/", "lamps/", "lamps/recipe/", "lamps/versions/1/", "lamps/versions/2/changes/", "lamps/?q=nothing", "takedowns/"]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_violation_that_axe_can_find_or_scrolls_sideways(two_versions, open_page, width, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page("/datasets/", viewport={"width": width, "height": 844}, color_scheme=theme, bypass_csp=True)
    root = page.url
    for path in PATHS:
        page.goto(root + path)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-CN", ["数据集", "新建数据集", "下载", "许可账目", "配方", "从 v1 到 v2"]),
        ("zh-TW", ["資料集", "新增資料集", "下載", "授權帳目", "配方", "從 v1 到 v2"]),
        ("en", ["Datasets", "New dataset", "Download", "Licence ledger", "Recipe of 灯集", "From v1 to v2"]),
    ],
)
def test_the_pages_speak_three_languages(two_versions, open_page, locale, words):
    page = open_page("/datasets/", locale=locale)
    heads = [page.locator("h1").inner_text(), page.get_by_role("link", name=words[1]).inner_text()]
    page.goto(f"{page.url}lamps/")
    heads += page.locator("#files h2, #files + .box h2").all_inner_texts()
    root = page.url
    page.goto(f"{root}recipe/")
    heads.append(page.locator("h1").inner_text())
    page.goto(f"{root}versions/2/changes/")
    heads.append(page.locator("h1").inner_text())
    assert [word in head for word, head in zip(words, heads, strict=True)] == [True] * 6, heads
