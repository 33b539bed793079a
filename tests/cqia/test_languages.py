"""Three languages: 简体中文 by default, the reader's wish by header, their choice by cookie."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.translation.template import templatize

from cqia.management.commands import messages

SIGN_IN = {"zh-hans": ("登录", "zh-Hans"), "zh-hant": ("登入", "zh-Hant"), "en": ("Sign in", "en")}
pytestmark = pytest.mark.django_db


def heading(page: str) -> str:
    return re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)[1]


@pytest.mark.parametrize("language", SIGN_IN)
def test_the_sign_in_page_speaks_the_readers_language(client, language):
    page = client.get("/accounts/login/", headers={"accept-language": language}).content.decode()
    button, tag = SIGN_IN[language]
    assert f'<html lang="{tag}">' in page
    assert f'<button class="btn go">{button}</button>' in page


def test_the_three_differ_everywhere_on_it(client):
    pages = [client.get("/accounts/login/", headers={"accept-language": language}).content.decode() for language in SIGN_IN]
    assert len({heading(page) for page in pages}) == 3


@pytest.mark.parametrize(
    ("wish", "tag"), [("", "zh-Hans"), ("zh-CN", "zh-Hans"), ("zh-TW,zh;q=0.9", "zh-Hant"), ("zh-HK", "zh-Hant"), ("fr", "zh-Hans")]
)
def test_chinese_of_every_place_finds_its_script(client, wish, tag):
    page = client.get("/accounts/login/", headers={"accept-language": wish} if wish else {}).content.decode()
    assert f'<html lang="{tag}">' in page


def test_a_choice_outlives_the_page_and_wins_over_the_browser(client):
    response = client.post("/i18n/setlang/", {"language": "zh-hant", "next": "/accounts/login/"})
    assert response.headers["Location"] == "/accounts/login/"
    page = client.get("/accounts/login/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="zh-Hant">' in page
    assert 'value="zh-hant" lang="zh-Hant" aria-current="true"' in page


def test_the_choice_leads_nowhere_else(client):
    response = client.post("/i18n/setlang/", {"language": "en", "next": "https://evil.example/"})
    assert "evil.example" not in response.headers["Location"]


def test_a_language_that_we_do_not_speak_changes_nothing(client):
    client.post("/i18n/setlang/", {"language": "<script>", "next": "/accounts/login/"})
    assert '<html lang="zh-Hans">' in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_signed_in_pages_are_translated_whole(reviewer, language):
    client = Client(headers={"accept-language": language})
    client.force_login(reviewer)
    for address in ("/accounts/password/", "/no-such-page"):
        page = client.get(address).content.decode()
        words = re.findall(r">([^<>]+)<", page.partition("<body>")[2])
        english = [word.strip() for word in words if re.search(r"[A-Za-z]{3,}", word) and word.strip() not in ("English", f"{reviewer}")]
        assert [word for word in english if not word.startswith("reviewer ·")] == []


def test_the_catalogues_are_in_step_with_the_code():
    call_command("messages", check=True)


def test_a_missing_translation_is_found(monkeypatch):
    monkeypatch.setattr(messages, "extract", lambda app: iter([(None, "A text that nobody has translated", None)]))
    with pytest.raises(CommandError, match="out of step"):
        call_command("messages", "accounts", check=True)


TEMPLATE = """{% load i18n %}
    <p>{% translate "First" %}</p>
  {% blocktranslate %}Second: {{ n }}{% endblocktranslate %}
      <b>{% translate "Third" %}</b>"""


def test_texts_are_found_whatever_their_indentation():
    found = messages.texts_of(messages.flat(templatize(TEMPLATE)))
    assert [text for _context, text, _plural in found] == ["First", "Second: %(n)s", "Third"]
