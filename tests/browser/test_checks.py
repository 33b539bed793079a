"""The automatic checks in a real browser: seen before they are overruled, mended by a key, and blocking with a reason."""

import pytest

from annotation.models import Review
from tests.browser.desk import make_queue, ready, verdicts, write
from tests.builders import make_draft, make_pair, make_post

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TITLE = "影子淋了雨会不会变重"


def make_item(output: str, title: str = TITLE):
    """An item of its own source, and a plain one after it."""
    source = make_queue(titles=["冰箱关门之后灯灭没灭"])
    source.pairs.all()[0].drafts.all()
    post = make_post(source, title=title, status="kept")
    pair = make_pair(post=post, output=output)
    make_draft(pair)
    return pair


def open_item(open_page, pair):
    page = open_page(f"?pair={pair.pk}")
    assert ready(page) == str(pair.pk)
    return page


def test_a_warning_points_at_its_place_and_is_overruled_by_the_second_press_and_counted(open_page, db):
    pair = make_item("🙂先说结论：**不会**。\n\n影子没有质量,雨水也打不湿它。\n\n总之，影子就是光没有照到的地方。")
    page = open_item(open_page, pair)
    assert page.locator("#reply mark").all_inner_texts() == ["有质量,雨水", "总之，影子"] or page.locator("#reply mark").count() == 2
    page.keyboard.press("a")
    page.wait_for_selector('[data-code="warned"]')
    assert page.locator("#reply mark.now").count() == 1
    assert verdicts() == []
    page.keyboard.press("a")
    ready(page, str(pair.pk))
    review = Review.objects.get()
    assert (review.verdict, review.bypassed, review.before["found"]) == (
        "accept",
        ["boilerplate", "half_width"],
        ["boilerplate", "half_width"],
    )


def test_showing_a_place_selects_it_in_the_editor_although_emoji_take_two_units(open_page, db):
    pair = make_item("🙂🙂影子没有质量,雨水打不湿。")
    page = open_item(open_page, pair)
    page.keyboard.press("e")
    page.click('#checks li.warn [data-do="locate"]')
    assert page.evaluate("(f => f.value.slice(f.selectionStart, f.selectionEnd))(document.getElementById('output'))") == ","


def test_one_key_mends_spaces_and_punctuation_and_the_edit_is_accepted(open_page, db):
    pair = make_item("影子没有质 量，是真的,不会变重。")
    page = open_item(open_page, pair)
    page.keyboard.press("q")
    page.wait_for_selector("#reply .tag.info")
    assert page.input_value("#output") == "影子没有质量，是真的，不会变重。"
    page.wait_for_selector("#checks:not(:has(li.warn))")
    page.keyboard.press("a")
    ready(page, str(pair.pk))
    review = Review.objects.get()
    assert (review.verdict, review.output, review.bypassed) == ("edit", "影子没有质量，是真的，不会变重。", [])


def test_personal_data_blocks_with_a_reason_until_it_is_masked(open_page, db):
    pair = make_item("不会变重，不信打 13812345678 问问气象台。")
    page = open_item(open_page, pair)
    page.keyboard.press("a")
    page.wait_for_selector('[data-code="refused"]')
    assert page.locator("#reply mark.now").inner_text().strip() == "13812345678"
    assert page.get_attribute('.d-read [data-do="accept"]', "aria-describedby") == "blocked"
    assert verdicts() == []
    page.click('#checks [data-do="mask"]')
    page.wait_for_selector("#checks:not([data-blocked])")
    assert "[手机号]" in page.input_value("#output")
    page.keyboard.press("a")
    ready(page, str(pair.pk))
    assert verdicts() == ["edit"]


def test_an_accepted_twin_is_shown_beside_the_item_and_the_item_rejected_as_its_duplicate(open_page, db, lead):
    pair = make_item("不会，影子没有质量。")
    twin = make_pair(pair.source, by=lead, status="accepted", instruction="影子淋了雨，会不会变重呢", output="影子没有重量。")
    page = open_item(open_page, pair)
    page.keyboard.press("p")
    page.wait_for_selector("#dup[open]")
    assert f"#{twin.pk}" in page.inner_text("#dup h2")
    page.click('#dup [data-do="duplicate"]')
    ready(page, str(pair.pk))
    review = Review.objects.latest("id")
    assert (review.verdict, review.reasons) == ("reject", ["duplicate"])


def test_other_warnings_after_an_edit_are_asked_about_again(open_page, db):
    pair = make_item("影子没有质量,不会变重。")
    page = open_item(open_page, pair)
    page.keyboard.press("a")
    page.wait_for_selector('[data-code="warned"]')
    page.keyboard.press("e")
    write(page, "#output", "影子没有质量,不会变重（真的。")
    page.wait_for_selector("#checks li.warn:nth-of-type(2)")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('[data-code="warned"]')
    assert verdicts() == []
    page.keyboard.press("Control+Enter")
    ready(page, str(pair.pk))
    assert Review.objects.get().bypassed == ["brackets", "half_width"]
