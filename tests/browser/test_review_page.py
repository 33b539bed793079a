"""The review page in a real browser: an annotator who never touches the mouse, and everything that goes wrong meanwhile."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session
from annotation.models import Assignment, Pair, Review, Skip
from tests.browser.desk import TITLES, cookie_for, ready, send_again, sent, verdicts, write
from tests.builders import make_draft, make_pair, make_post

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
# Keys that come in the very moment in which the next item is painted.
PRESS_AT_ONCE = """() => new MutationObserver(() => {
    window.pressed = (window.pressed ?? 0) + 1;
    for (const code of ['KeyA', 'KeyS']) document.dispatchEvent(new KeyboardEvent('keydown', { code, bubbles: true }));
}).observe(document.getElementById('item'), { childList: true })"""


def test_five_decisions_by_keyboard_alone(queue, open_page):
    page = open_page()
    loads = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    first = ready(page)

    page.keyboard.press("a")
    second = ready(page, first)

    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("不会。影子没有重量。")
    page.wait_for_selector("#diff ins")
    page.keyboard.press("Control+Enter")
    third = ready(page, second)

    page.keyboard.press("r")
    page.keyboard.press("4")
    fourth = ready(page, third)

    page.keyboard.press("s")
    fifth = ready(page, fourth)

    page.keyboard.press("a")
    ready(page, fifth)
    page.keyboard.press("z")
    page.wait_for_selector(f'.work[data-pair="{fifth}"]')

    assert verdicts() == ["accept", "edit", "reject", "accept", "undo"]
    assert Review.objects.get(verdict="reject").reasons == ["boilerplate"]
    assert Review.objects.get(verdict="edit").output == "不会。影子没有重量。"
    assert Skip.objects.get().pair_id == int(fourth)
    assert Pair.objects.get(pk=fifth).status == "pending"
    assert all(review.seconds and review.seconds < 60 for review in Review.objects.exclude(verdict="undo"))
    assert loads == []


def test_the_focus_and_the_live_region_follow_the_item(queue, open_page):
    page = open_page()
    first = ready(page)
    page.keyboard.press("a")
    ready(page, first)
    assert page.evaluate("document.activeElement.id") == "title"
    assert TITLES[1][:6] in page.inner_text("#say")
    assert "第 2 条" in page.inner_text("#say")


def test_a_held_key_decides_once_and_a_fast_one_not_at_all(queue, open_page):
    page = open_page()
    first = ready(page)
    page.evaluate(PRESS_AT_ONCE)
    for _n in range(8):  # Playwright repeats a key that is already down
        page.keyboard.down("a")
    page.keyboard.up("a")
    ready(page, first)
    assert page.evaluate("window.pressed") == 1
    assert verdicts() == ["accept"]
    assert not Skip.objects.exists()


def test_a_double_click_is_one_decision(queue, open_page):
    page = open_page()
    first = ready(page)
    page.dblclick(".d-read [data-do=accept]")
    ready(page, first)
    assert verdicts() == ["accept"]


def test_keys_mean_nothing_with_an_input_method_at_work_or_with_modifiers(queue, open_page):
    page = open_page()
    page.evaluate("""() => {
        for (const name of ['isComposing', 'altKey', 'ctrlKey', 'metaKey', 'shiftKey', 'keyCode']) {
            const init = { code: 'KeyA', key: 'a', bubbles: true, [name]: name === 'keyCode' ? 229 : true };
            document.dispatchEvent(new KeyboardEvent('keydown', init));
        }
    }""")
    page.keyboard.press("e")
    page.keyboard.type("asz")
    page.wait_for_timeout(300)
    assert verdicts() == []
    page.keyboard.press("Escape")
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyA', key: 'Process', bubbles: true, cancelable: true }))")
    page.wait_for_selector("#toasts .toast")
    sent(page)
    assert verdicts() == ["edit"]


def test_several_reasons_with_shift_and_words_for_the_other_one(queue, open_page):
    page = open_page()
    first = ready(page)
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Digit2")
    page.keyboard.press("Shift+Numpad9")
    page.keyboard.press("Enter")
    assert verdicts() == []
    page.keyboard.insert_text("数字对不上")
    page.keyboard.press("Enter")
    ready(page, first)
    made = Review.objects.get()
    assert (made.reasons, made.comment) == (["factual_error", "other"], "数字对不上")


def test_leaving_the_editor_keeps_the_edit_and_accepting_takes_it(queue, open_page):
    page = open_page()
    first = ready(page)
    page.keyboard.press("t")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("影子淋雨会变重吗")
    page.keyboard.press("Escape")
    page.wait_for_selector("#title ins")
    page.keyboard.press("s")  # would lose it
    page.wait_for_selector('[data-code="unsent"]')
    page.keyboard.press("a")
    ready(page, first)
    assert Review.objects.get().instruction == "影子淋雨会变重吗"
    assert not Skip.objects.exists()


def test_the_preview_waits_for_the_input_method(queue, open_page):
    page = open_page()
    page.keyboard.press("e")
    page.evaluate("""() => {
        const field = document.getElementById('output');
        field.value = '拼音 pinyin';
        field.dispatchEvent(new InputEvent('input', { bubbles: true, isComposing: true }));
    }""")
    page.wait_for_timeout(500)
    assert page.query_selector("#diff ins") is None
    page.evaluate("document.getElementById('output').dispatchEvent(new CompositionEvent('compositionend', { bubbles: true }))")
    page.wait_for_selector("#diff ins")
    assert page.inner_text("#inserted").startswith("+")


def test_personal_data_in_the_edit_locks_accepting_until_it_is_gone(queue, open_page):
    page = open_page()
    first = ready(page)
    page.keyboard.press("e")
    write(page, "#output", "打 13812345678 问问。")
    page.wait_for_selector("#checks[data-blocked]")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('[data-code="refused"]')
    assert verdicts() == []
    write(page, "#output", "打电话问问就知道了。")
    page.wait_for_selector("#checks:not([data-blocked])")
    page.keyboard.press("Control+Enter")
    ready(page, first)
    assert verdicts() == ["edit"]


def test_without_a_network_the_text_stays_and_sending_again_is_the_same_act(queue, open_page):
    page = open_page(wrong_is_fine=True)
    first = ready(page)
    page.keyboard.press("e")
    write(page, "#output", "写了很久的一段话。")
    page.route("**/review/decide/", lambda route: route.abort())
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('[data-code="offline"] [data-n]:text("1")')
    assert ready(page) != first  # one can go on
    page.reload()  # and what is not sent outlives the page
    page.wait_for_selector('[data-code="offline"]')
    page.unroute("**/review/decide/")
    send_again(page)
    ready(page, first)
    assert [review.output for review in Review.objects.all()] == ["写了很久的一段话。"]


def test_an_error_of_ours_keeps_the_text_too(queue, open_page):
    page = open_page(wrong_is_fine=True)
    first = ready(page)
    page.route("**/review/decide/", lambda route: route.fulfill(status=500, content_type="text/html", body="<h1>500</h1>"))
    page.keyboard.press("a")
    assert "文字还在" in page.wait_for_selector("#notices .notice").inner_text()
    page.unroute("**/review/decide/")
    send_again(page)
    ready(page, first)
    assert verdicts() == ["accept"]


def test_an_answer_that_got_lost_is_not_a_second_decision(queue, open_page):
    page = open_page(wrong_is_fine=True)
    first = ready(page)

    def swallow(route):
        route.fetch()
        route.abort()

    page.route("**/review/decide/", swallow)
    page.keyboard.press("a")
    page.wait_for_selector('[data-code="offline"]')
    assert verdicts() == ["accept"]
    page.unroute("**/review/decide/")
    send_again(page)
    ready(page, first)
    assert verdicts() == ["accept"]


def test_a_lost_seat_keeps_the_text_and_says_what_to_do(queue, open_page):
    page = open_page(wrong_is_fine=True)
    page.keyboard.press("e")
    write(page, "#output", "写了很久的一段话。")
    Assignment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('[data-code="lost"] [data-do="copy"]')
    assert page.input_value("#output") == "写了很久的一段话。"
    assert verdicts() == []
    page.click('[data-code="lost"] [data-do="next"]')
    ready(page)


def test_a_session_that_ended_asks_to_sign_in_elsewhere_and_goes_on(queue, open_page, live_server, reviewer):
    page = open_page(wrong_is_fine=True)
    first = ready(page)
    page.keyboard.press("e")
    write(page, "#output", "写了很久的一段话。")
    Session.objects.all().delete()
    page.keyboard.press("Control+Enter")
    link = page.wait_for_selector('[data-code="signin"] a')
    assert link.get_attribute("target") == "_blank"
    page.context.add_cookies([cookie_for(reviewer, live_server.url)])
    page.click('[data-do="retry"]')
    ready(page, first)
    assert verdicts() == ["edit"]


def test_the_lease_counts_down_warns_and_is_renewed(queue, open_page):
    page = open_page()
    Assignment.objects.update(expires_at=timezone.now() + timedelta(seconds=50))
    page.reload()
    page.wait_for_selector('[data-code="lease"]')
    ready(page)
    page.keyboard.press("l")
    page.wait_for_selector('[data-code="lease"]', state="detached")
    number = page.get_attribute("#item .work", "data-assignment")
    assert Assignment.objects.get(pk=number).expires_at > timezone.now() + timedelta(minutes=10)


def test_layers_open_by_key_close_by_escape_and_hold_decisions_back(queue, open_page):
    page = open_page()
    for key, layer in (("b", "#guide"), ("Shift+Slash", "#keys")):
        page.keyboard.press(key)
        page.wait_for_selector(f"{layer}[open]")
        page.keyboard.press("a")
        page.keyboard.press("Escape")
        page.wait_for_selector(f"{layer}:not([open])", state="attached")
    assert verdicts() == []


def test_single_keys_can_be_switched_off(queue, open_page):
    page = open_page()
    page.keyboard.press("?")
    with page.expect_response("**/review/keys/"):
        page.uncheck("#single")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.reload()
    ready(page)
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    assert verdicts() == []


def test_undo_from_the_list_and_from_the_toast(queue, open_page):
    page = open_page()
    first = ready(page)
    page.keyboard.press("a")
    second = ready(page, first)
    page.click("#toasts [data-do=undo]")
    assert ready(page, second) == first
    page.keyboard.press("a")
    ready(page, first)
    page.hover(".recent li")
    page.click(".recent li .undo button")
    page.wait_for_selector(f'.work[data-pair="{first}"]')
    assert verdicts() == ["accept", "undo", "accept", "undo"]


def test_the_end_of_the_queue_and_back(queue, open_page):
    Pair.objects.exclude(pk=Pair.objects.first().pk).update(status="drafting")
    page = open_page()
    page.keyboard.press("a")
    page.wait_for_selector('[data-idle="done"]')
    page.wait_for_selector('[data-ready="true"]')
    page.keyboard.press("z")
    page.wait_for_selector(".work[data-pair]")
    assert verdicts() == ["accept", "undo"]


def test_by_touch_on_a_phone(queue, open_page):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    first = ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    box = page.locator(".d-read [data-do=accept]").bounding_box()
    assert box["y"] + box["height"] <= 844
    assert box["height"] >= 44
    page.tap(".d-read [data-do=reject]")
    page.tap('#pad [data-digit="7"]')
    second = ready(page, first)
    page.tap(".d-read [data-do=accept]")
    ready(page, second)
    assert verdicts() == ["reject", "accept"]


def test_without_scripts_everything_is_a_form(queue, open_page):
    page = open_page(java_script_enabled=False)
    page.click(".d-read [data-do=accept]")
    page.click(".d-read [data-do=skip]")
    page.click("label:has(#v-edit)")
    page.fill("#output", "没有脚本也能改。")
    page.click(".d-edit [data-do=accept]")
    page.click(".d-read [data-do=reject]")
    page.click('#pad [value="duplicate"]')
    page.click(".d-read [data-do=undo]")
    assert verdicts() == ["accept", "edit", "reject", "undo"]
    assert Skip.objects.count() == 1


def test_hostile_posts_run_nothing(queue, open_page):
    evil = "<img src=x onerror=document.title='x'><script>document.title='x'</script>\u202e [x](javascript:document.title='x')"
    pair = make_pair(post=make_post(queue, title=evil, body=evil, url="javascript:1", status="kept"), output=evil)
    make_draft(pair)
    page = open_page(f"?pair={pair.pk}")
    page.keyboard.press("e")
    page.keyboard.press("End")
    page.keyboard.insert_text("<svg onload=alert(1)>")
    page.wait_for_selector("#diff ins")
    page.keyboard.press("Escape")
    assert page.title() != "x"
    assert page.query_selector("main img, main script, main svg[onload], main a[href^=javascript]") is None
    assert str(uuid.UUID(page.input_value("[name=op_id]")))
