"""What goes to Sentry says where it broke, and nothing of what people wrote."""

import json

import pytest
import sentry_sdk
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.transport import Transport

from cqia import sentry

POST, KEY = "保温杯里装冰水", "sk-CANARY0123456789"


class Kept(Transport):
    events: list[dict] = []

    def capture_envelope(self, envelope):
        self.events += [event for item in envelope.items if (event := item.get_event())]


@pytest.fixture
def sent(monkeypatch):
    init, Kept.events = sentry_sdk.init, []
    monkeypatch.setattr(
        sentry_sdk, "init", lambda **said: init(**said, transport=Kept(), default_integrations=False, auto_enabling_integrations=False)
    )
    sentry.start("http://key@127.0.0.1:9/1", "test")
    yield Kept.events
    init(default_integrations=False)


def test_neither_posts_nor_keys_leave_with_an_error(sent):
    title = POST
    try:
        raise ValueError(f"{title}: {KEY}")
    except ValueError as error:
        with sentry_sdk.new_scope() as scope:
            scope.set_user({"username": POST})
            scope.set_extra("body", POST)
            scope.add_breadcrumb(message=POST)
            sentry_sdk.capture_exception(error)
    [event] = sent
    text = json.dumps(event, ensure_ascii=False)
    assert POST not in text
    assert "CANARY" not in text
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"] == "test_neither_posts_nor_keys_leave_with_an_error"


def test_requests_go_without_query_headers_cookies_and_body():
    request = {"url": f"http://x/posts/?search={POST}", "query_string": POST, "headers": {"Cookie": POST}, "data": POST, "method": "GET"}
    event = {"request": request, "logentry": {"message": f"provider said {KEY} %s", "params": [POST], "formatted": POST}}
    text = json.dumps(sentry.scrub(event, {}), ensure_ascii=False)
    assert POST not in text
    assert "CANARY" not in text
    assert '"url": "http://x/posts/"' in text


def test_an_address_without_its_client_says_what_to_install(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(sentry, "import_module", missing)
    with pytest.raises(ImproperlyConfigured, match="pip install sentry-sdk"):
        sentry.start("http://key@127.0.0.1:9/1", "test")
