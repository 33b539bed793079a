"""The records of a version as its page shows them: searched, one page at a time, one of them as an example."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from .models import Record, Version
from .schemas import SCHEMAS

PAGE = 20
SHOWN = 2_000  # characters of a text; the file has all of it
EXAMPLE = 60


@dataclass(frozen=True)
class Page:
    records: list[Record]
    number: int
    has_next: bool
    search: str

    @property
    def previous(self) -> int:
        return self.number - 1

    @property
    def next(self) -> int:
        return self.number + 1


def browse(version: Version, *, search: str = "", number: int = 1) -> Page:
    """A page of the records in order, of those whose texts contain `search`. It counts no further than one record ahead."""
    records = version.records.select_related("pair__source").order_by("position")
    search = search.replace("\0", "").strip()
    if search:
        holds = Q()
        for text in ("instruction", "input", "output"):
            holds |= Q(**{f"data__{text}__icontains": search})
        records = records.filter(holds)
    start = (number - 1) * PAGE
    found = list(records[start : start + PAGE + 1])
    return Page(found[:PAGE], number, len(found) > PAGE, search)


def example(version: Version) -> str:
    """The first record as it stands in the file, a key a line and with its texts cut short."""
    record = version.records.order_by("position").first()
    if record is None:
        return ""
    row = SCHEMAS["cqia"].row(record.data)
    lines = (f"  {json.dumps(key)}: {json.dumps(_short(value), ensure_ascii=False)}" for key, value in row.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _short(value: Any) -> Any:
    return value[:EXAMPLE] + "……" if isinstance(value, str) and len(value) > EXAMPLE else value
