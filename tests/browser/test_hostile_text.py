"""Hostile texts in the real browser: it runs nothing of them, asks nobody else, and its policy has nothing to report."""

import pytest

from tests import hostile
from tests.annotation.test_hostile_text import WHOLE
from tests.browser.desk import cookie_for
from tests.furnished import PLACES, furnish

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def text(place: str) -> str:
    return hostile.everything(hostile.IN_BROWSER) if place in WHOLE else " ".join(hostile.SHORT[len(PLACES) - len(place) :][:2])


@pytest.fixture
def watched(chromium, live_server, settings, tmp_path):
    """A window in which everything that a text could do is written down."""
    settings.DATASET_FILES = tmp_path / "datasets"
    house, seen = furnish(text), []
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("console", lambda message: seen.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("request", lambda request: seen.append(f"foreign: {request.url}") if not request.url.startswith(live_server.url) else None)
    context.add_init_script("addEventListener('securitypolicyviolation', event => { (window.reports ??= []).push(event.blockedURI); })")
    yield house, context, page, seen
    context.close()


def test_twenty_five_texts_everywhere_do_nothing(watched, live_server):
    house, context, page, seen = watched
    assert len(hostile.IN_BROWSER) == 25
    for who, user in (("reviewer", house.reviewer), ("admin", house.admin)):
        context.clear_cookies()
        context.add_cookies([cookie_for(user, live_server.url)])
        for path in house.paths[who]:
            page.goto(live_server.url + path)
            page.wait_for_timeout(60)
            assert page.evaluate(
                "[window.canary, window.reports, document.querySelectorAll('img, iframe, object, embed, base').length]"
            ) == [
                None,
                None,
                0,
            ], path
            assert page.url == live_server.url + path
            assert seen == [], path
