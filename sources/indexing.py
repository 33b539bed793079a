"""The search index is made here: `searching` finds any two characters in a million rows by it.

Rows have a short field (a title, an instruction), which an import indexes before it is over, and long ones, which the
background indexes later, a segment at a time:

    new rows ──index_new──▶ segment of short fields ──index_long──▶ whole segments        changed rows ──index_changed──▶ whole segment

A reader takes rows that are in no segment yet, and changed ones, as they are; what a segment says too much, it sorts out
by looking at the row. So nothing is ever missed for being new or changed, and nothing here needs to lock what it reads.
Two makers at once, or one that dies, do no harm: a segment and what it replaces are one commit, which hits nothing when
somebody else was there first. No transaction lasts longer than writing one segment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from zlib import crc32

import numpy as np
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from .models import ImportRun, Post
from .search_models import SearchChange, SearchIndex, SearchSegment
from .segmenting import CHARACTERS, Searchable, between, changes, committed, drop, forget, ids_of, left, make, those, write

FEW = 1_000  # rows that a reader may look at one by one: fewer are not worth a segment
ROWS = 65_536  # in a segment of short fields
POSTINGS = 6_000_000  # in a whole one, where several become one
FAN = 4  # small segments that become one
COMPARING = timedelta(minutes=1)  # that an import may take for it before others have their turn
SLICE = 20.0  # seconds that a task works before others have their turn
ADVISORY = 0x5EA4C  # the class of our advisory locks

POSTS = Searchable("posts", Post, "title", ("body", "answer"))


@dataclass(frozen=True)
class Progress:
    """How far an index is: rows whose short field is not in it, rows whose long ones are not, changed rows, rows in all, bytes; whether it
    waits for an import; up to which id it goes, and which is the last."""

    new: int
    long: int
    changed: int
    rows: int
    bytes: int
    is_paused: bool
    settled: int
    last: int

    @property
    def is_caught_up(self) -> bool:
        """Whether a search misses nothing: what is left, a reader looks at itself."""
        return not self.long and self.new + self.changed <= 2 * FEW

    @property
    def percent(self) -> int:
        return 100 if self.is_caught_up else min(99, 100 * (self.rows - self.long - self.new) // max(1, self.rows))


def progress(what: Searchable) -> Progress:
    """In few queries: every page of a search asks."""
    settled, last = settled_of(what), what.model._default_manager.aggregate(last=models.Max("pk"))["last"] or 0
    parts = list(SearchSegment.objects.filter(kind=what.kind).defer("ids"))
    shallow = sum(left(part) for part in parts if not part.is_whole)
    new = what.rows.filter(pk__gt=settled)[: FEW + 1].count() if last > settled else 0
    new = new if new <= FEW else last - settled  # counting a million takes longer than it is worth
    changed = SearchChange.objects.filter(kind=what.kind)[: 100 * FEW].count()
    rows = new + shallow + sum(part.rows for part in parts if part.is_whole)
    is_paused = bool(shallow) and is_import_running()
    return Progress(new, shallow, changed, rows, sum(part.bytes for part in parts), is_paused, settled, last)


def is_due(what: Searchable) -> bool:
    """Whether there is something for `catch_up`."""
    found = progress(what)
    return bool(found.long or found.new >= FEW or found.changed >= FEW)


def catch_up(what: Searchable, seconds: float = SLICE) -> bool:
    """Index what there is to index, for so many seconds; gives whether something is left. While an import runs, only its titles."""
    until = time.monotonic() + seconds
    index_new(what)
    with _alone(what, "long") as is_mine:
        while is_mine and not is_import_running():
            if not (index_changed(what) or index_long(what) or merge(what)):
                return False
            if time.monotonic() > until:
                return True
    return False


def is_import_running() -> bool:
    now = timezone.now()
    compares = Q(waiting__gt=0, finished_at__gt=now - COMPARING)  # its posts, or will in a moment
    return ImportRun.objects.filter(Q(state="running", lease_until__gt=now) | compares).exists()


def settled_of(what: Searchable) -> int:
    """The rows up to this id are indexed, or among the changes."""
    return SearchIndex.objects.filter(kind=what.kind).values_list("settled", flat=True).first() or 0


def index_new(what: Searchable, alive: Callable[[], object] = lambda: None) -> int:
    """Index the short fields of new rows, all but the last few; gives how many. `alive` is called after every segment."""
    done = 0
    with _alone(what, "new") as is_mine:
        while is_mine and (count := _index_some_new(what)):
            done += count
            alive()
    return done


def index_all_new(what: Searchable, alive: Callable[[], object], patience: float = 10.0) -> None:
    """`index_new`, also when somebody else is at it or still writes: not for longer than `patience` (seconds) beyond the work,
    for then the background has it, and readers look at these rows themselves."""
    until = time.monotonic() + patience
    while not index_new(what, alive) and what.rows.filter(pk__gt=settled_of(what))[:FEW].count() >= FEW and time.monotonic() < until:
        alive()
        time.sleep(0.1)


def _index_some_new(what: Searchable) -> int:
    SearchIndex.objects.get_or_create(kind=what.kind)
    settled, upto = settled_of(what), committed(what)
    ids = list(what.rows.filter(pk__gt=settled, pk__lte=upto).values_list("pk", flat=True)[:ROWS])
    if len(ids) < FEW:
        return 0
    seen = changes(what, settled, ids[-1])
    made = make(what, between(what, settled, ids[-1], (what.short,)))
    reached = made.reached or ids[-1]
    with transaction.atomic():
        if not SearchIndex.objects.filter(kind=what.kind, settled=settled).update(settled=reached):
            return 0  # somebody else has indexed them
        write(what, made, is_whole=False)
        forget(seen, reached)
    return len(made.ids)


def index_long(what: Searchable) -> bool:
    """Index all fields of some rows of which only the short one is; gives whether there were any."""
    part = SearchSegment.objects.filter(kind=what.kind, is_whole=False).order_by("first").defer("ids").first()
    if part is None:
        return False
    after = max(part.replaced, part.first - 1)
    seen = changes(what, after, part.last)
    made = make(what, between(what, after, part.last, what.fields))
    reached = made.reached or part.last
    with transaction.atomic():
        mine = SearchSegment.objects.filter(pk=part.pk, replaced=part.replaced)
        if mine.update(replaced=reached):
            write(what, made, is_whole=True)
            forget(seen, reached)
            if reached == part.last:
                drop([part.pk])
    return True


def index_changed(what: Searchable) -> bool:
    """Index rows again whose text was changed, if there are more than a few; gives whether there were."""
    seen = changes(what, 0, settled_of(what))
    ids = sorted({row for _, row in seen})
    if len(ids) < FEW:
        return False
    made = make(what, those(what, ids))
    with transaction.atomic():
        write(what, made, is_whole=True)
        forget(seen, made.reached or ids[-1])
    return True


def merge(what: Searchable) -> bool:
    """Make one of several small segments of about the same size; gives whether there were so many."""
    small = SearchSegment.objects.filter(kind=what.kind, is_whole=True, postings__lt=POSTINGS // 2).order_by("postings")
    taken: list[SearchSegment] = []
    weight = 0
    for part in small[: 8 * FAN]:
        if len(taken) >= FAN and (part.postings > 2 * weight or weight + part.postings > POSTINGS):
            break
        taken.append(part)
        weight += part.postings
    if len(taken) < FAN or taken[FAN - 1].postings > 2 * sum(part.postings for part in taken[: FAN - 1]):
        return False
    ids = np.unique(np.concatenate([ids_of(part) for part in taken]))
    made = make(what, those(what, ids.tolist()), limit=2 * CHARACTERS)
    with transaction.atomic():
        if drop([part.pk for part in taken]) == len(taken) and not made.reached:
            write(what, made, is_whole=True)
        else:
            transaction.set_rollback(True)
    return True


@contextmanager
def _alone(what: Searchable, act: str) -> Iterator[bool]:
    """Whether nobody else is at this act until it ends: it would be the same work twice. Whoever dies gives the lock back."""
    number = crc32(f"{what.kind} {act}".encode()) & 0x7FFFFFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [ADVISORY, number])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [ADVISORY, number])
