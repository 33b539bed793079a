"""Rows whose short text shares most of its pairs of characters with another one: where a near-duplicate of it would be found.

The index (`indexing`) says which rows hold a gram. A few of the text's grams are looked up, and the rows that hold most of them are
looked at; those that are not indexed yet are looked at in any case, up to some thousand. It takes as long among a million rows as
among some thousand, but for the pages that are read: a few for each segment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from django.db.models import QuerySet
from django.db.models.functions import Left

from . import grams
from .indexing import settled_of
from .search_models import SearchSegment
from .searching import pages_of
from .segmenting import Searchable, ids_of

LOOKED_UP = 10  # grams, spread over the text
SHARE = 0.6  # of those, for a row to be looked at
LOOKED_AT = 60  # rows of the index
TAIL, RECENT = 2_000, 400  # ids, and rows among them, that are looked at although the index does not know them
HEAD = 400  # characters of a text
WORDS = re.compile(r"\w+")


class Row(NamedTuple):
    pk: int
    texts: tuple[str, ...]


def sharing(what: Searchable, text: str, rows: QuerySet[Any], fields: tuple[str, ...], limit: int = 8) -> list[Row]:
    """The `limit` of `rows` whose `fields`, cut at some hundred characters, share most with `text`; the most alike first."""
    wanted = _grams(text[:HEAD])
    if not wanted:
        return []
    settled = settled_of(what)
    last = what.rows.values_list("pk", flat=True).last() or 0
    values = rows.order_by().values_list("pk", *(Left(field, HEAD) for field in fields))
    found = list(values.filter(pk__in=_held(what, sorted(wanted)))) if settled else []
    found += values.filter(pk__gt=max(settled, last - TAIL)).order_by("-pk")[:RECENT]
    ranked = sorted(((len(wanted & _grams("\n".join(texts))), pk, texts) for pk, *texts in found), key=lambda row: (-row[0], row[1]))
    least = SHARE / 2 * len(wanted)
    return [Row(pk, tuple(texts)) for shared, pk, texts in ranked[:limit] if shared >= least]


def _grams(text: str) -> set[int]:
    """Those of its words: punctuation is written one way or the other."""
    return {int(gram) for word in WORDS.findall(text) for gram in grams.grams(word)}


def _spread(wanted: list[int]) -> list[int]:
    step = max(1.0, len(wanted) / LOOKED_UP)
    return [wanted[int(at * step)] for at in range(min(LOOKED_UP, len(wanted)))]


def _held(what: Searchable, wanted: list[int]) -> list[int]:
    """The ids that the segments name for most of the grams, those with the most first. A segment that is replaced meanwhile names none."""
    asked = _spread(wanted)
    parts = {part.pk: part for part in SearchSegment.objects.filter(kind=what.kind).defer("ids")}
    held: dict[int, list[Any]] = {}
    for pk, gram, first, page in pages_of(list(parts), asked):
        if (ordinals := grams.look_up(page, first, gram)) is not None:
            held.setdefault(pk, []).append(ordinals)
    named = [(count, pk, ordinal) for pk, lists in held.items() for count, ordinal in _most(lists, SHARE * len(asked))]
    best = sorted(named, key=lambda one: -one[0])[:LOOKED_AT]
    return list(_ids(parts, [(pk, ordinal) for _count, pk, ordinal in best]))


def _most(lists: list[Any], least: float) -> Iterable[tuple[int, int]]:
    if len(lists) < least:
        return
    every, counts = np.unique(np.concatenate(lists), return_counts=True)
    enough = counts >= least
    every, counts = every[enough], counts[enough]
    for at in np.argsort(-counts, kind="stable")[:LOOKED_AT]:
        yield int(counts[at]), int(every[at])


def _ids(parts: dict[int, SearchSegment], named: list[tuple[int, int]]) -> Iterable[int]:
    with_gaps = {pk for pk, _ordinal in named if parts[pk].last - parts[pk].first + 1 != parts[pk].rows}
    ids = {part.pk: ids_of(part) for part in SearchSegment.objects.filter(pk__in=with_gaps)}
    for pk, ordinal in named:
        if pk not in with_gaps:
            yield parts[pk].first + ordinal
        elif pk in ids:
            yield int(ids[pk][ordinal])
