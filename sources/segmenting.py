"""Segments of the search index: rows are read and become one, with its pages, or it goes. When which, `indexing` decides."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, models
from django.db.models import Q, Value
from django.db.models.functions import Collate, Lower, StrIndex
from django.db.models.lookups import GreaterThan

from . import grams
from .search_models import SearchChange, SearchSegment

CHARACTERS = 8_000_000  # in a whole segment: some 200 MB while it is made
CHUNK = 2_000  # rows that are read at a time
SEEN = 65_536  # changes that are looked at in one go
LATIN = re.compile("[a-z]")
PATIENCE = 5.0  # seconds to wait for those who were writing


@dataclass(frozen=True)
class Searchable:
    """A table whose texts can be searched. Its rows belong to a `source`, and their ids grow."""

    kind: str
    model: type[models.Model]
    short: str
    long: tuple[str, ...]

    @property
    def rows(self) -> models.QuerySet[Any]:
        return self.model._default_manager.order_by("pk")

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.short, *self.long)


def holding(fields: Sequence[str], text: str) -> Q:
    """Rows one of whose `fields` holds `text`, letter by letter, a–z counting as A–Z: what every search comes down to."""
    folded, found = grams.fold(text), Q()
    for field in fields:
        plain = Collate(field, "C")
        found |= Q(GreaterThan(StrIndex(Lower(plain) if LATIN.search(folded) else plain, Value(folded)), 0))
    return found


def ids_of(part: SearchSegment) -> Any:
    """The ids of its rows, by ordinal."""
    ids = bytes(part.ids)
    return grams.unpack(ids).astype(np.int64) if ids else np.arange(part.first, part.last + 1)


@dataclass
class Made:
    ids: list[int]
    keys: grams.Numbers
    reached: int  # the last of the ids, if more would have been too many; 0: these are all


def make(what: Searchable, rows: Iterable[Sequence[Any]], limit: int = CHARACTERS) -> Made:
    ids: list[int] = []
    is_full = False

    def texts() -> Iterator[tuple[int, str]]:
        nonlocal is_full
        weight = 0
        for pk, source, *parts in rows:
            if is_full := weight >= limit:
                return
            text = grams.GAP.join(parts)
            weight += len(text) + 1
            ids.append(pk)
            yield source, text

    keys = grams.postings(texts())
    return Made(ids, keys, ids[-1] if is_full else 0)


def between(what: Searchable, after: int, upto: int, fields: tuple[str, ...]) -> Iterator[Sequence[Any]]:
    rows = what.rows.filter(pk__lte=upto).values_list("pk", "source_id", *fields)
    while chunk := list(rows.filter(pk__gt=after)[:CHUNK]):
        yield from chunk
        after = chunk[-1][0]


def those(what: Searchable, ids: list[int]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(ids), CHUNK):
        yield from what.rows.filter(pk__in=ids[at : at + CHUNK]).values_list("pk", "source_id", *what.fields)


def committed(what: Searchable) -> int:
    """An id up to which nothing will appear any more: those who were writing when it was the last have ended. 0 when they do not."""
    with connection.cursor() as cursor:
        last = what.rows.last()
        cursor.execute(WRITERS, [what.model._meta.db_table])
        writers = {who for (who,) in cursor.fetchall()}
        until = time.monotonic() + PATIENCE
        while writers and time.monotonic() < until:
            time.sleep(0.05)
            cursor.execute(WRITERS, [what.model._meta.db_table])
            writers &= {who for (who,) in cursor.fetchall()}
    return 0 if writers or last is None else last.pk


# Whoever inserts holds this lock before it is given an id, and until it has ended.
WRITERS = """SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = %s::regclass
    AND mode = 'RowExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()"""


COPY = "COPY sources_searchpage (segment_id, gram, data) FROM STDIN (FORMAT BINARY)"


# --- writing ------------------------------------------------------------------------------------------------------------


def write(what: Searchable, made: Made, *, is_whole: bool) -> None:
    if not made.ids:
        return
    pages = list(grams.pages(made.keys, len(made.ids)))
    first, last = made.ids[0], made.ids[-1]
    has_gaps = last - first + 1 != len(made.ids)
    part = SearchSegment.objects.create(
        kind=what.kind, first=first, last=last, rows=len(made.ids), ids=grams.pack(np.array(made.ids)) if has_gaps else b"",
        is_whole=is_whole, postings=len(made.keys), bytes=sum(len(page) for _, page in pages),
    )  # fmt: skip
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(["int8", "int8", "bytea"])
        for gram, page in pages:
            copy.write_row((part.pk, gram, page))


def drop(parts: list[int]) -> int:
    """Delete segments with their pages; gives how many were there."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sources_searchpage WHERE segment_id = ANY(%s)", [parts])
        cursor.execute("DELETE FROM sources_searchsegment WHERE id = ANY(%s)", [parts])
        return cursor.rowcount


def changes(what: Searchable, after: int, upto: int) -> list[tuple[int, int]]:
    """Changes of rows, as (id, row): read before the texts are, so that a later one stays."""
    found = SearchChange.objects.filter(kind=what.kind, row__gt=after, row__lte=upto)
    return list(found.order_by("row").values_list("pk", "row")[:SEEN])


def forget(seen: list[tuple[int, int]], upto: int) -> None:
    """Those of `seen` whose rows, up to this id, are indexed again."""
    with connection.cursor() as cursor:
        gone = [pk for pk, row in seen if row <= upto]
        cursor.execute("DELETE FROM sources_searchchange WHERE id = ANY(%s)", [gone])


def left(part: SearchSegment) -> int:
    """About how many of its rows are in no whole one yet."""
    return part.rows * (part.last - max(part.replaced, part.first - 1)) // (part.last - part.first + 1)
