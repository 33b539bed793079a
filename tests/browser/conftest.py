"""One real Chromium for all browser tests. Without it they are skipped, and say so."""

import os
import shutil

import pytest
from django.urls import reverse

from tests.browser import desk

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"no Chromium at {CHROMIUM}: NOTHING is tested in a browser")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in this thread
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@pytest.fixture
def queue(db):
    return desk.make_queue()


@pytest.fixture
def open_page(chromium, live_server, reviewer):
    """Opens the review page, signed in. The test fails on any script error or console error that it did not ask for."""
    contexts, wrong = [], []

    def open_(path="", *, wrong_is_fine=False, user=None, **options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN", **options})
        contexts.append(context)
        context.add_cookies([desk.cookie_for(user or reviewer, live_server.url)])
        page = context.new_page()
        page.set_default_timeout(15_000)
        if not wrong_is_fine:
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(live_server.url + reverse("annotation:review") + path)
        if options.get("java_script_enabled", True):
            desk.ready(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
