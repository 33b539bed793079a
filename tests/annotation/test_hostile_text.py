"""Sixty hostile texts in every place where somebody else's text is shown, through the real pages: nothing of them is more than text."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.db import transaction

from tests import hostile
from tests.furnished import PLACES, furnish

pytestmark = pytest.mark.django_db
WHOLE = {
    "title",
    "body",
    "answer",
    "context",
    "draft",
    "hint",
    "comment",
    "reject_comment",
    "guideline",
    "prompt_text",
    "takedown",
    "error",
}
# What Markdown may become (annotation/rendering.py), beside what the templates are made of.
TAGS = "p br hr h3 h4 h5 h6 strong em del code pre blockquote ul ol li a table thead tbody tr th td ins span"
GIVEN = {("a", "href"), ("a", "rel"), ("a", "target"), ("ol", "start"), ("p", "class"), ("span", "class")}
PROSE = {(tag, "") for tag in TAGS.split()} | GIVEN
LINKS = ("href", "src", "action", "formaction", "data", "srcdoc", "poster", "xlink:href")
RAW = ("script", "style", "textarea", "title", "option", "template")


class Page(HTMLParser):
    """What a page is made of: pairs of element and attribute, addresses, inline scripts, and the text that is seen."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: set[tuple[str, str]] = set()
        self.addresses: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[dict[str, str]] = []
        self.seen: list[str] = []
        self._raw = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.parts |= {(tag, ""), *((tag, name) for name in given)}
        self.addresses += [(given[name], {"tag": tag, **given}) for name in LINKS if name in given]
        if tag == "script":
            self.scripts.append(given)
        if tag in RAW:
            self._raw = tag

    def handle_endtag(self, tag):
        if tag == self._raw:
            self._raw = ""

    def handle_data(self, data):
        if not self._raw:
            self.seen.append(data)
        elif self._raw == "script" and data.strip():
            self.scripts[-1]["inline"] = data


def walk(client, house) -> dict[str, Page]:
    found = {}
    for who, user in (("admin", house.admin), ("reviewer", house.reviewer)):
        client.force_login(user)
        for path in house.paths[who]:
            answer = client.get(path)
            assert answer.status_code == 200, path
            found[f"{who} {path}"] = Page(answer.content.decode())
    return found


def is_ours(address: str, element: dict[str, str]) -> bool:
    parts = urlsplit(address)
    if not parts.scheme and not parts.netloc:
        return not address.startswith(("//", "\\"))
    rel = set(element.get("rel", "").split())
    return element["tag"] == "a" and parts.scheme in ("http", "https") and {"nofollow", "noopener", "noreferrer"} <= rel


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATASET_FILES = tmp_path / "datasets"


def hostile_text(place: str) -> str:
    """All sixty where there is room, else those that fit, others in every place."""
    if place in WHOLE:
        return hostile.everything(hostile.PAYLOADS)
    start = sorted(PLACES).index(place) * 3
    return " ".join(hostile.SHORT[start % len(hostile.SHORT) :][:2])


@pytest.fixture
def plain(client, db) -> dict[str, Page]:
    """The pages with ordinary texts: what our own templates are made of."""
    with transaction.atomic():
        found = walk(client, furnish())
        transaction.set_rollback(True)
    return found


@pytest.fixture
def attacked(client, db) -> dict[str, Page]:
    return walk(client, furnish(hostile_text))


def test_there_are_sixty_texts_and_twelve_places_with_room_for_all():
    assert len(set(hostile.PAYLOADS)) >= 60
    assert len(WHOLE) == 12
    assert set(PLACES) >= WHOLE


def test_the_reader_of_pages_would_notice():
    page = Page("<p onclick=x><script>1</script><a href='javascript:x'>\u202e</a><textarea>\u202e</textarea>")
    assert ("p", "onclick") in page.parts
    assert page.scripts == [{"inline": "1"}]
    assert not is_ours(*page.addresses[0])
    assert page.seen == ["\u202e"]
    assert not is_ours("//evil.example/", {"tag": "a", "rel": "nofollow noopener noreferrer"})


@pytest.mark.processes
def test_no_page_has_an_element_an_attribute_an_address_or_a_script_of_a_hostile_text(plain, attacked):
    known = set().union(*(page.parts for page in plain.values())) | PROSE
    own = {script.get("src", "") for page in plain.values() for script in page.scripts}
    for path, page in attacked.items():
        assert {part for part in page.parts if part[1] != "lang"} <= known, path  # whose language a text is in is told wherever one stands
        assert not [part for part in page.parts if part[1].startswith("on") or part[1] == "style"], path
        assert {script.get("src", "") for script in page.scripts} <= own, path
        assert all(script.get("type") == "application/json" for script in page.scripts if "inline" in script), path
        assert [address for address, element in page.addresses if not is_ours(address, element)] == [], path


@pytest.mark.processes
def test_characters_that_hide_or_turn_text_are_shown_as_marks(attacked):
    hidden = re.compile(f"[{hostile.UNSEEN}]")
    assert {path: hidden.findall("".join(page.seen))[:3] for path, page in attacked.items() if hidden.search("".join(page.seen))} == {}
    assert any("U+202E" in "".join(page.seen) for page in attacked.values())
