"""Whether the search index keeps its promise, that nothing is missed: asked by `manage.py verify`."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from django.db import connection

from . import grams
from .indexing import settled_of
from .search_models import SearchChange, SearchSegment
from .searching import Search, candidates
from .segmenting import Searchable, ids_of

SAMPLE = 50  # rows whose texts are searched for
PIECE = 4  # characters of them


def unwatched(what: Searchable) -> bool:
    """Whether the database no longer writes down what is changed."""
    table = what.model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = %s AND tgenabled = 'O'", [f"{table}_search"])
        return not cursor.fetchone()[0]


def uncovered(what: Searchable) -> Iterator[int]:
    """Rows that the index says it has, and that are in none of its segments, nor among the changes."""
    settled = settled_of(what)
    ids = np.array(what.rows.filter(pk__lte=settled).values_list("pk", flat=True), np.int64)
    held = [ids_of(part) for part in SearchSegment.objects.filter(kind=what.kind)]
    held.append(np.array(SearchChange.objects.filter(kind=what.kind).values_list("row", flat=True), np.int64))
    yield from ids[~np.isin(ids, np.concatenate(held))].tolist()


def missed(what: Searchable) -> Iterator[tuple[int, str]]:
    """Of some rows anywhere: those that a search for a piece of their text would not look at, and the field. Long fields are asked for
    where they are all indexed."""
    settled = settled_of(what)
    is_whole = not SearchSegment.objects.filter(kind=what.kind, is_whole=False).exists()
    fields = what.fields if is_whole else (what.short,)
    for _ in range(SAMPLE if settled else 0):
        row = what.rows.filter(pk__gte=random.randint(1, settled), pk__lte=settled).first()  # noqa: S311
        if row is None:
            continue
        for name in fields:
            text = getattr(row, name)
            at = random.randint(0, max(0, len(text) - PIECE))  # noqa: S311
            piece = text[at : at + PIECE]
            found = candidates(Search(what, piece), settled) if len(grams.grams(piece)) else None
            if found is not None and not np.isin(row.pk, found):
                yield row.pk, name
