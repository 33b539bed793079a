"""Lists of texts that admins upload for screens to look for: word lists, and benchmarks. And the screens with what they name."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import AuditEntry

from .models import Source, TextList
from .screens import BadScreen, Screen
from .screens import make as pure_make  # noqa: TID251 - the one place

if TYPE_CHECKING:
    from accounts.models import User

MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 100_000
MAX_CHARACTERS = 1_500_000  # of all lines; a benchmark takes some 100 bytes of memory for each
LONGEST = {TextList.Kind.WORDS: 100, TextList.Kind.BENCHMARK: 5_000}
LINES = {"words": "words", "contamination": "texts"}  # screen -> the setting that a list adds to


class BadList(ValueError):
    """A file that is no list of texts, in a sentence."""


def add(file: Any, *, name: str, kind: str, by: User | None) -> TextList:
    """Keep the lines of an uploaded text file, without empty and repeated ones. The same lines again are the same list. Raises BadList."""
    lines = _lines(file, kind)
    digest = hashlib.sha256("\n".join([kind, *lines]).encode()).hexdigest()
    try:
        with transaction.atomic():
            found = TextList.objects.create(name=name, kind=kind, lines=lines, count=len(lines), sha256=digest, by=by)
            detail = {"name": name, "kind": kind, "lines": len(lines)}
            AuditEntry.objects.create(by=by, action="list_added", subject=f"list {found.pk}", detail=detail)
    except IntegrityError:
        return TextList.objects.get(kind=kind, sha256=digest)
    return found


def _lines(file: Any, kind: str) -> list[str]:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BadList(_("The file is larger than %(limit)s MB.") % {"limit": MAX_BYTES // 2**20})
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadList(_("The file is no text in UTF-8. Save it as UTF-8, with one entry a line.")) from None
    if "\0" in text:
        raise BadList(_("The file holds NUL characters: it is no text."))
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not lines:
        raise BadList(_("The file holds no lines."))
    if len(lines) > MAX_LINES or sum(map(len, lines)) > MAX_CHARACTERS:
        limits = {"lines": f"{MAX_LINES:,}", "characters": f"{MAX_CHARACTERS:,}"}
        raise BadList(_("The list has more than %(lines)s lines, or more than %(characters)s characters in all.") % limits)
    if long := next((n for n, line in enumerate(lines, 1) if len(line) > LONGEST[TextList.Kind(kind)]), 0):
        limits = {"line": str(long), "limit": str(LONGEST[TextList.Kind(kind)])}
        raise BadList(_("Entry %(line)s is longer than %(limit)s characters. The file should have one entry a line.") % limits)
    return lines


def remove(found: TextList, *, by: User | None) -> None:
    """Raises BadList while a source has a screen that reads it."""
    if used := [source.name for source in Source.objects.all() if found.pk in named(source.screens)]:
        raise BadList(_("These sources use the list: %(names)s.") % {"names": ", ".join(used[:10])})
    with transaction.atomic():
        AuditEntry.objects.create(
            by=by, action="list_removed", subject=f"list {found.pk}", detail={"name": found.name, "sha256": found.sha256}
        )
        found.delete()


def named(settings: Sequence[Mapping[str, Any]]) -> set[int]:
    """The lists that these screens read."""
    return {setting["list"] for setting in settings if isinstance(setting.get("list"), int)}


def make(settings: Sequence[Mapping[str, Any]]) -> list[Screen]:
    """The screens that a source lists, with the lines of the lists that they name. Raises BadScreen."""
    return [screen for setting in settings for screen in (_with_list(setting) if setting.get("list") else pure_make([setting]))]


def filled(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The settings with the lines of lists instead of their names: screens can be made of them where there is no database. Raises
    BadScreen."""
    return [_filled(setting) if setting.get("list") else dict(setting) for setting in settings]


def _with_list(setting: Mapping[str, Any]) -> Sequence[Screen]:
    """Made once and kept, because a batch of posts comes after the other, and a list may be long."""
    try:
        return _made(json.dumps(setting, sort_keys=True))
    except (TypeError, ValueError) as error:
        raise BadScreen(f"{str(dict(setting))[:300]}: {error}") from error


@functools.lru_cache(maxsize=8)
def _made(text: str) -> tuple[Screen, ...]:
    return tuple(pure_make([_filled(json.loads(text))]))


def _filled(setting: Mapping[str, Any]) -> dict[str, Any]:
    if type(setting["list"]) is not int:
        raise BadScreen(f"{str(dict(setting))[:300]}: a list is named by its number")
    into, found = LINES.get(setting.get("screen", "")), TextList.objects.filter(pk=setting["list"]).first()
    if into is None or found is None or (found.kind == TextList.Kind.WORDS) != (into == "words"):
        raise BadScreen(f"{setting.get('screen')}: there is no such list {setting['list']}")
    rest = {key: value for key, value in setting.items() if key != "list"}
    return {**rest, into: [*setting.get(into, []), *found.lines]}
