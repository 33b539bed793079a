"""A new user's first day: `manage.py run` on an empty machine, five demo pairs by keyboard alone, a version, a download."""

import json
from pathlib import Path

import pytest

from tests.house import House, wait_for

pytestmark = pytest.mark.browser
KEYS = ["instruction", "input", "output", "task_type", "domain", "metadata", "answer_from", "human_verified", "copyright"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("first-day") / "var")
    made.start()
    wait_for(lambda: made.one("SELECT count(*) FROM annotation_pair WHERE status = 'drafting'") == 0, 60)
    yield made
    made.stop()


@pytest.fixture
def page(chromium, house: House):
    context = chromium.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.complaints = []
    ours = (house.url, "data:", "blob:")
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(ours) else page.complaints.append(f"foreign: {sent.url}"))
    yield page
    context.close()


def sign_in_by_keyboard(page, house: House) -> None:
    page.goto(house.url + "/")
    page.wait_for_selector("input[name=username]:focus")  # given by the page, with the first frame after it has loaded
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(house.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/**")


def current(page) -> int:
    page.wait_for_selector(".work[data-ready=true]")
    return int(page.get_attribute(".work", "data-pair"))


def press(page, key: str) -> int:
    """A decision key, and the pair that is on screen after it."""
    before = current(page)
    page.keyboard.press(key)
    page.wait_for_selector(f".work:not([data-pair='{before}'])")
    return current(page)


def test_five_pairs_by_keyboard_then_a_version_that_holds_exactly_the_accepted_ones(page, house: House):
    sign_in_by_keyboard(page, house)
    page.goto(house.url + "/review/?source=ruozhiba")
    accepted = current(page)
    edited = press(page, "a")
    assert house.one("SELECT status FROM annotation_pair WHERE id = %s", accepted) == "accepted"

    page.keyboard.press("e")
    page.wait_for_selector("#output:focus")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("补一句：照常理想一想就明白。")
    page.wait_for_selector(".diffbox ins")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f".work:not([data-pair='{edited}'])")

    rejected = current(page)
    page.keyboard.press("r")
    page.wait_for_selector("#pad:popover-open")
    skipped = press(page, "4")
    assert house.sql("SELECT verdict, reasons FROM annotation_review WHERE pair_id = %s", rejected) == [("reject", ["boilerplate"])]

    undone = press(page, "s")
    press(page, "a")
    assert press(page, "z") == undone, "an undone decision brings its item back"
    assert house.one("SELECT status FROM annotation_pair WHERE id = %s", undone) == "pending"
    assert house.sql("SELECT verdict FROM annotation_review WHERE pair_id = %s", skipped) == []

    records = publish_and_download(page, house)
    expected = house.sql("SELECT instruction, output FROM annotation_pair WHERE status = 'accepted' ORDER BY id")
    assert [(record["instruction"], record["output"]) for record in records] == expected
    assert len(expected) == 2
    assert expected[1][1].endswith("照常理想一想就明白。")
    assert all(list(record) == KEYS for record in records)
    assert page.complaints == []


def publish_and_download(page, house: House) -> list[dict]:
    page.goto(house.url + "/datasets/demo/")
    page.click("[popovertarget=m-freeze]")
    page.click("#m-freeze button.go")
    page.wait_for_selector("a[download][href$='train.cqia.jsonl']", timeout=30_000)
    with page.expect_download() as coming:
        page.click("a[download][href$='train.cqia.jsonl']")
    lines = Path(coming.value.path()).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]
