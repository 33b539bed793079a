"""Rows whose texts hold what is searched for: any characters in a row, from one on.

The index (`indexing`) names the rows that hold every two neighbouring characters of it; looking at those rows says which
hold it whole. Rows that are new or were changed since are looked at in any case. Rows come in the order of their ids, a
page at a time, and after some time a page is given as it is, with the place to go on from: no question takes long,
however common its characters are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import BinaryField, Func, Q, QuerySet

from . import grams
from .indexing import FEW, Progress, progress
from .models import Source
from .search_models import SearchChange, SearchSegment
from .segmenting import Searchable, holding, ids_of

CHUNK, MOST = 256, 1_024  # rows that are looked at in one query: few at first, for what is common fills its page with them
FIRST = 700  # rows that are looked at before their status is looked up
WINDOW = 400_000  # rows whose status is looked up in one query
SECONDS = 0.14  # after which a page is given as it is
RAREST = 6  # of the grams of a text are looked up: the others would tell little more
SOURCES = 8  # more of them are sorted out by looking at the rows
CHANGES = 2 * FEW  # that are looked at one by one
Ids = Any


@dataclass(frozen=True)
class Found:
    """A page of what was found. `reached`: the last id that was looked at, from where to go on; None at the end."""

    ids: list[int]
    reached: int | None
    is_cut: bool = False  # the time was over before the page was full


@dataclass(frozen=True)
class Search:
    """What is asked: rows of `what` that hold `text`; of these sources (None: any), and with these values of indexed columns."""

    what: Searchable
    text: str
    sources: Sequence[int] | None = None
    outcome: Mapping[str, str] = field(default_factory=dict)

    def condition(self) -> Q:
        return Q(**self.outcome) if self.sources is None else Q(source__in=self.sources, **self.outcome)

    def among(self) -> QuerySet[Any]:
        """The rows of those sources with that outcome: the database tells their ids from an index, if all sources are named."""
        sources = self.sources if self.sources is not None else list(Source.objects.values_list("pk", flat=True))
        return self.what.rows.filter(source__in=sources, **self.outcome).order_by()


def find(
    asked: Search, rows: QuerySet[Any], *, after: int = 0, before: int | None = None, limit: int = 50, state: Progress | None = None
) -> Found:
    """The first `limit` of `rows` that are asked for, with ids over `after`; or the last below `before`, the nearest first. `state`: the
    progress of the index a moment ago, for whoever has asked for it already."""
    state = state or progress(asked.what)
    until = time.monotonic() + SECONDS
    matching = rows.filter(asked.condition()).filter(holding(asked.what.fields, asked.text)).values_list("pk", flat=True)
    matching = matching.order_by("pk" if before is None else "-pk")
    ids: list[int] = []
    reached = None
    for condition, place in _forwards(asked, state, after) if before is None else _backwards(asked, state, before):
        if reached is not None and time.monotonic() > until:
            return Found(ids, reached, is_cut=True)
        ids += matching.filter(condition)[: limit + 1 - len(ids)] if condition else ()
        if len(ids) > limit:
            return Found(ids[:limit], ids[limit - 1])
        reached = place
    return Found(ids, None)


@dataclass(frozen=True)
class Page:
    """What a door shows: the rows, growing; the ids to go on `after`, and back `before`, if there is more; how far the index is."""

    rows: list[Any]
    after: int | None
    before: int | None
    is_cut: bool
    progress: Progress


def page(asked: Search, rows: QuerySet[Any], *, after: int = 0, before: int | None = None, limit: int = 50) -> Page:
    """The page of `rows` that are asked for which begins after an id, or ends before one."""
    state = progress(asked.what)  # before it is searched: what is done meanwhile would not have been there
    found = find(asked, rows, after=after, before=before, limit=limit, state=state)
    shown = sorted(rows.filter(pk__in=found.ids), key=lambda row: row.pk) if found.ids else []
    if before is not None:
        return Page(shown, before - 1, found.reached, found.is_cut, state)
    return Page(shown, found.reached, after + 1 if after else None, found.is_cut, state)


Steps = Iterator[tuple[Q, int]]  # which rows to look at next (an empty condition: none), and the last id of them


def _forwards(asked: Search, state: Progress, after: int) -> Steps:
    known = candidates(asked, state.settled)
    settled = 0 if known is None else state.settled
    yield from _chosen(asked, known[known.searchsorted(after + 1) :] if known is not None else None)
    at, last, size = max(after, settled), state.last, CHUNK
    while at < last:
        yield Q(pk__gt=at, pk__lte=at + size), at + size
        at, size = at + size, min(2 * size, MOST)


def _backwards(asked: Search, state: Progress, before: int) -> Steps:
    known = candidates(asked, state.settled)
    settled = 0 if known is None else state.settled
    at, size = min(before, state.last + 1), CHUNK
    while at > settled + 1:
        low = max(at - size, settled + 1)
        yield Q(pk__lt=at, pk__gte=low), low
        at, size = low, min(2 * size, MOST)
    yield from _chosen(asked, known[: known.searchsorted(before)][::-1] if known is not None else None)


def _chosen(asked: Search, ids: Ids | None) -> Steps:
    """The rows that the index names, in their order. When the first of them did not fill the page, it may be that hardly one has
    the outcome that is asked for: then the ids of those that have are asked for first."""
    at, size = 0, CHUNK
    while ids is not None and at < len(ids):
        if asked.outcome and at >= FIRST:
            window = ids[at : at + WINDOW]
            yield from _few(window[np.isin(window, _among(asked, int(window.min()), int(window.max())))], int(window[-1]))
            at += WINDOW
        else:
            yield from _few(ids[at : at + size], int(ids[at : at + size][-1]))
            at, size = at + size, min(2 * size, MOST)


def _few(ids: Ids, last: int) -> Steps:
    for at in range(0, len(ids), MOST):
        chunk = ids[at : at + MOST].tolist()
        yield Q(pk__in=chunk), chunk[-1]
    yield Q(), last


def _among(asked: Search, first: int, last: int) -> Ids:
    """The ids from first to last of rows with the outcome: as an array, which costs a tenth of as many rows."""
    among = asked.among().filter(pk__gte=first, pk__lte=last)
    sent = among.aggregate(ids=Func(ArrayAgg("pk"), function="array_send", output_field=BinaryField()))["ids"]
    return np.frombuffer(sent, SENT, offset=20)["id"].astype(np.int64) if sent else np.empty(0, np.int64)


SENT = np.dtype([("bytes", ">i4"), ("id", ">i8")])  # an array of PostgreSQL with one dimension, as it goes over the wire


def candidates(asked: Search, settled: int) -> Ids | None:
    """The ids up to `settled` of rows that may hold the text, growing; None where the index cannot tell."""
    what, sources, wanted = asked.what, asked.sources, grams.grams(asked.text).tolist()
    if not wanted:
        return None
    labels = [grams.label(source) for source in sources] if sources is not None and len(sources) <= SOURCES else []
    changed = np.array(_changed(what, settled), np.int64)  # before the segments: whatever is gone from here is in one of those
    while (held := _held(what, wanted, labels)) is None:
        pass
    return grams.different(np.concatenate((changed, *held)))


def _held(what: Searchable, wanted: list[int], labels: list[int]) -> list[Ids] | None:
    """The ids that the segments name; None when one of them was replaced meanwhile."""
    parts = {part.pk: part for part in SearchSegment.objects.filter(kind=what.kind).defer("ids")}
    found = dict(_ordinals(list(parts), _rarest(parts, wanted), labels))
    with_gaps = [pk for pk in found if parts[pk].last - parts[pk].first + 1 != parts[pk].rows]
    ids = {part.pk: ids_of(part) for part in SearchSegment.objects.filter(pk__in=with_gaps)}
    if SearchSegment.objects.filter(pk__in=parts).count() != len(parts):
        return None
    return [ids[pk][ordinals] if pk in ids else ordinals.astype(np.int64) + parts[pk].first for pk, ordinals in found.items()]


def _changed(what: Searchable, settled: int) -> list[int]:
    changes = SearchChange.objects.filter(kind=what.kind, row__lte=settled).order_by("pk")
    return list(changes.values_list("row", flat=True)[:CHANGES])


def _rarest(parts: dict[int, SearchSegment], wanted: list[int]) -> list[int]:
    """The few of the grams that fewest rows of the largest segment hold."""
    if len(wanted) <= RAREST or not parts:
        return wanted
    largest = max(parts.values(), key=lambda part: part.postings)
    counts = dict.fromkeys(wanted, 0)
    for _, gram, first, page in pages_of([largest.pk], wanted):
        held = grams.look_up(page, first, gram)
        counts[gram] = 0 if held is None else len(held)
    return sorted(wanted, key=counts.__getitem__)[:RAREST]


def _ordinals(parts: list[int], wanted: list[int], labels: list[int]) -> Iterator[tuple[int, Ids]]:
    """For each segment that has rows with all that is wanted, and one of the labels if there are any: their ordinals."""
    lists: dict[int, list[Ids]] = {pk: [] for pk in parts}
    labelled: dict[int, list[Ids]] = {pk: [] for pk in parts}
    for pk, gram, first, page in pages_of(parts, wanted + labels):
        held = grams.look_up(page, first, gram)
        if held is not None:
            (lists if gram in wanted else labelled)[pk].append(held)
    for pk in parts:
        if len(lists[pk]) == len(wanted) and (labelled[pk] or not labels):
            every = lists[pk] + ([grams.different(np.concatenate(labelled[pk]))] if labels else [])
            if len(left := grams.common(every)):
                yield pk, left


def pages_of(parts: list[int], wanted: list[int]) -> Iterator[tuple[int, int, int, bytes]]:
    """For each segment and gram the page that would have it: (segment, gram, first gram of the page, page)."""
    with connection.cursor() as cursor:
        cursor.execute(PAGES, [parts, wanted])
        yield from cursor.fetchall()


PAGES = """SELECT part, wanted, page.gram, page.data
    FROM unnest(%s::bigint[]) part CROSS JOIN unnest(%s::bigint[]) wanted
    CROSS JOIN LATERAL (
        SELECT gram, data FROM sources_searchpage WHERE segment_id = part AND gram <= wanted ORDER BY gram DESC LIMIT 1
    ) page"""
