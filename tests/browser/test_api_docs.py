"""The description of the API in a real browser: it opens under the policy, without a word from elsewhere."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_description_opens_without_an_error_and_asks_nobody_else(chromium, live_server):
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    wrong, asked = [], []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(live_server.url + "/api/v1/docs/")
    operation = page.locator(".opblock-summary-post", has_text="/pairs/{id}/reviews/")
    page.locator(".opblock-tag").first.wait_for(timeout=60_000)
    for _screen in range(100):  # of so many operations the page makes those alone that are on the screen
        if operation.count():
            break
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(100)
    operation.click()
    page.get_by_text("Accept, edit or reject a pair").first.wait_for()
    page.get_by_text("same_key_other_body").first.wait_for()
    assert wrong == []
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
    page.context.close()
