"""Two people decide about one item, differently, and a lead has the last word: in a real browser, by keyboard, and without a script."""

import pytest
from django.urls import reverse

from annotation.models import Assignment, Pair, Review
from tests.browser.desk import ready, sent, verdicts, write

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MINE = "先说结论：**不会**，影子没有重量。"


@pytest.fixture
def two_wanted(queue):
    Pair.objects.update(reviews_wanted=2)
    return queue


@pytest.fixture
def dispute(two_wanted, open_page, make_user):
    """The first item: one edits it, the other rejects it. Gives its number."""
    one = open_page(user=make_user("reviewer", "xiaoli"))
    first = ready(one)
    one.keyboard.press("e")
    write(one, "#output", MINE)
    one.keyboard.press("Control+Enter")
    ready(one, first)
    two = open_page(user=make_user("reviewer", "ahua"))
    assert ready(two) == first
    two.keyboard.press("r")
    two.keyboard.press("2")
    ready(two, first)
    sent(two)
    one.context.close(), two.context.close()
    assert Pair.objects.get(pk=first).status == "disputed"
    return int(first)


def disputes(open_page, lead, live_server, **options):
    page = open_page(user=lead, **options)
    page.goto(live_server.url + reverse("annotation:disputed"))
    page.click("tbody a >> nth=0")
    page.wait_for_selector("#ruling")
    return page


def test_a_lead_decides_by_keyboard_and_takes_it_back(dispute, open_page, lead, live_server):
    page = disputes(open_page, lead, live_server)
    assert "xiaoli" not in page.text_content("#main")
    kept = page.get_attribute(".cand:has(.tag.info) [data-take]", "data-take")
    page.keyboard.press("d")
    page.wait_for_url("**against=A")
    page.keyboard.press(kept)
    page.wait_for_selector("#ruled")
    pair = Pair.objects.get(pk=dispute)
    assert (pair.status, pair.output, pair.decision.by) == ("accepted", MINE, lead)
    assert "xiaoli" in page.text_content("#ruled")
    page.keyboard.press("z")
    page.wait_for_selector("#ruling")
    assert Pair.objects.get(pk=dispute).status == "disputed"
    page.keyboard.press("r")
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    page.wait_for_selector("#ruled")
    assert Review.objects.last().reasons == ["boilerplate"]
    assert verdicts() == ["edit", "reject", "edit", "undo", "reject"]


def test_what_a_lead_types_outlives_another_comparison(dispute, open_page, lead, live_server):
    page = disputes(open_page, lead, live_server)
    page.keyboard.press("e")
    write(page, "#output", "第三种说法。")
    page.click("#against a >> nth=1")
    page.wait_for_url("**against=A")
    assert page.input_value("#output") == "第三种说法。"
    page.click("#output")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#ruled")
    assert Pair.objects.get(pk=dispute).output == "第三种说法。"


def test_a_dispute_is_decided_without_a_script(dispute, open_page, lead, live_server):
    page = disputes(open_page, lead, live_server, java_script_enabled=False)
    page.click("#reject summary")
    page.check("[name=reasons][value=boilerplate]")
    page.click("#refuse")
    page.wait_for_selector("#ruled")
    assert Pair.objects.get(pk=dispute).status == "rejected"
    page.click("#undo")
    page.click(".cand:has(.tag.info) a.btn.edit")
    page.fill("#output", "不用脚本改的。")
    page.click("#save")
    page.wait_for_selector("#ruled")
    assert Pair.objects.get(pk=dispute).output == "不用脚本改的。"
    assert Assignment.objects.filter(pair=dispute).count() == 2
