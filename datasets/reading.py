"""The frozen rows of a version as pages of JSON Lines, in any layout. A page is a range of positions, which leave no gaps:
an index serves it even before the planner has statistics, and no transaction stays open while somebody writes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
from django.db import connection

from .models import Record, Version
from .schemas import SCHEMAS

PAGE = 4_000
Meanwhile = Callable[[int], None]
# The spelling that is stored is that of the file: the database puts a page of it together.
LINES = """
    SELECT count(*), string_agg(data::text, E'\\n' ORDER BY position) FROM datasets_record
    WHERE version_id = %s AND position >= %s AND position < %s AND split = %s
"""
RANKED = """
    SELECT r.instruction, r.input, r.output, d.output FROM datasets_preference p
    JOIN annotation_review r ON r.id = p.review_id JOIN annotation_draft d ON d.id = p.draft_id
    WHERE p.version_id = %s AND p.kind = %s AND p.position >= %s AND p.position < %s AND p.split = %s ORDER BY p.position
"""
GOOD = """
    SELECT r.instruction, r.input, r.output FROM datasets_record c JOIN annotation_review r ON r.id = c.review_id
    WHERE c.version_id = %s AND c.position >= %s AND c.position < %s AND c.split = %s AND r.verdict = 'accept' AND r.draft_id IS NOT NULL
    ORDER BY c.position
"""


def nothing(rows: int) -> None:
    """Nobody waits for news of the rows."""


def pages(version: Version, schema: str, split: str, meanwhile: Meanwhile = nothing) -> Iterator[bytes]:
    """The rows of `split` in the layout, page by page; `meanwhile` is told how many came with each."""
    if schema == "cqia":
        yield from lines(version, split, meanwhile)
        return
    layout = SCHEMAS[schema]
    for rows in KINDS[layout.kind](version, split):
        meanwhile(len(rows))
        yield b"".join(orjson.dumps(layout.row(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def lines(version: Version, split: str, meanwhile: Meanwhile = nothing) -> Iterator[bytes]:
    """The records of `split` as they are spelt in the file."""
    with connection.cursor() as cursor:
        for start in range(0, version.records_count or 0, PAGE):
            cursor.execute(LINES, [version.pk, start, start + PAGE, split])
            sent = cursor.cursor.pgresult  # as it came: fetched, a page would be decoded, to be encoded again
            n = int(sent.get_value(0, 0))
            meanwhile(n)
            if n:
                yield sent.get_value(0, 1) + b"\n"


def _records(version: Version, split: str) -> Iterator[list[dict[str, Any]]]:
    for page in lines(version, split):
        yield [orjson.loads(line) for line in page.split(b"\n") if line]


def _ranked(version: Version, split: str) -> Iterator[list[dict[str, Any]]]:
    for kind in ("edit", "ranked"):
        for rows in _preferences(version, kind, split):
            yield [{"instruction": asked, "input": context, "chosen": final, "rejected": draft} for asked, context, final, draft in rows]


def _labelled(version: Version, split: str) -> Iterator[list[dict[str, Any]]]:
    with connection.cursor() as cursor:
        for start in range(0, version.records_count or 0, PAGE):
            cursor.execute(GOOD, [version.pk, start, start + PAGE, split])
            yield [_label(asked, context, output, True) for asked, context, output in cursor.fetchall()]
    for rows in _preferences(version, "bad", split):
        yield [_label(asked, context, draft, False) for asked, context, _, draft in rows]


def _preferences(version: Version, kind: str, split: str) -> Iterator[list[tuple[str, ...]]]:
    with connection.cursor() as cursor:
        for start in range(0, version.preferences.get(kind, 0), PAGE):
            cursor.execute(RANKED, [version.pk, kind, start, start + PAGE, split])
            yield cursor.fetchall()


def _label(asked: str, context: str, output: str, label: bool) -> dict[str, Any]:
    return {"instruction": asked, "input": context, "output": output, "label": label}


KINDS: dict[str, Callable[[Version, str], Iterator[list[dict[str, Any]]]]] = {
    "records": _records, "ranked": _ranked, "labelled": _labelled
}  # fmt: skip


def expected(version: Version, schema: str) -> int:
    """How many rows the layout has, over all splits."""
    counts = version.preferences
    kind = SCHEMAS[schema].kind
    if kind == "records":
        return version.records_count or 0
    return sum(counts.get(name, 0) for name in (("edit", "ranked") if kind == "ranked" else ("good", "bad")))


def stored(version: Version) -> Iterable[Any]:
    """(position, split, value, sha256) of each record in order, from its row."""
    rows = Record.objects.filter(version=version).order_by("position").values_list("position", "split", "data", "sha256")
    return rows.iterator(chunk_size=PAGE)
