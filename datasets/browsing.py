"""The records of a version as its page shows them: searched and filtered, one page at a time, one of them as an example."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from .models import Record, Version
from .records import KEYS

PAGE = 20
EXAMPLE = 60  # characters of a text; the file has all of it
FILTERS = ("search", "split", "source", "answer_from")


@dataclass(frozen=True)
class Page:
    records: list[Record]
    number: int
    has_next: bool
    asked: dict[str, str]
    gave_up: bool = False  # it took too long to look through all of them

    @property
    def previous(self) -> int:
        return self.number - 1

    @property
    def next(self) -> int:
        return self.number + 1

    @property
    def is_filtered(self) -> bool:
        return any(self.asked.values())


def matching(version: Version, *, search: str = "", split: str = "", source: str = "", answer_from: str = "") -> QuerySet[Record]:
    """The records in order, of those whose texts contain `search`; what is empty asks for nothing. Of a withdrawn version: none."""
    if not version.is_usable:
        return Record.objects.none()
    records = version.records.order_by("position")
    if split:
        records = records.filter(split=split)
    if source:
        records = records.filter(pair__source__slug=source)
    if answer_from:
        records = records.annotate(answered=KeyTextTransform("answer_from", "data")).filter(answered=answer_from)
    if search := search.replace("\0", "").strip():
        holds = Q()
        for text in ("instruction", "input", "output"):
            holds |= Q(**{f"data__{text}__icontains": search})
        records = records.filter(holds)
    return records


def browse(version: Version, *, number: int = 1, **asked: str) -> Page:
    """A page of the records. It counts no further than one record ahead."""
    start = (number - 1) * PAGE
    try:
        with transaction.atomic():  # a statement that is cut off must not take the request's transaction with it
            found = list(matching(version, **asked).select_related("pair__source", "pair__post")[start : start + PAGE + 1])
    except OperationalError:
        return Page([], number, False, asked, gave_up=True)
    return Page(found[:PAGE], number, len(found) > PAGE, asked)


def example(version: Version) -> str:
    """The first record as it stands in the file, a key a line and with its texts cut short."""
    record = version.records.order_by("position").first()
    if record is None:
        return ""
    lines = (f"  {json.dumps(key)}: {json.dumps(_short(record.data[key]), ensure_ascii=False)}" for key in KEYS)
    return "{\n" + ",\n".join(lines) + "\n}"


def _short(value: Any) -> Any:
    return value[:EXAMPLE] + "……" if isinstance(value, str) and len(value) > EXAMPLE else value
