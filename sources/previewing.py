"""What screening a source again by certain screens would change, found out by doing all of it but the writing.

A job of its own: a large source takes as long as screening does. Posts are taken with the texts that they were found with, edited
and judged in the order of their ids, then compared. Those that screening again leaves alone (rescued, reviewed, under review) stay
what they are, and the others are measured by them.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.utils import timezone

from . import policy
from .cleaning import content_hash
from .comparing import elsewhere, tell
from .jobs import LostLease
from .lists import make
from .models import Post, Preview, Source
from .screening import EDITED, rescreen
from .screens import BadScreen, Member, SetScreen
from .verdicts import ROLLED_BACK, STAYS, WANTED, decided_by_people

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
CHUNK = 1_000
EXAMPLES = 5  # posts shown for each kind of change
COMPARING = timedelta(minutes=15)  # how long the lease holds while nothing is read or written
DECIDED = Exists(decided_by_people(Post.objects.filter(pk=OuterRef("pk"))))
FLAGS = {
    "is_left": DECIDED | WANTED & ~Q(status=Post.Status.NEW) | Q(drop_reason=ROLLED_BACK),
    "is_fixed": STAYS,
    "is_chosen": Q(chosen_by__isnull=False),
}
COLUMNS = ("pk", *EDITED, "votes", "question_id", "original", "status", "rescued_by", *FLAGS)
Verdict = tuple[str, str]  # status and reason


def order(source: Source, screens: Sequence[Mapping[str, Any]], *, by: User | None) -> Preview:
    """Ask for a preview. Raises BadScreen."""
    make(screens)
    return Preview.objects.create(source=source, screens=list(screens), by=by, total=source.posts.count())


def cancel(preview: Preview) -> bool:
    """False when it was over already."""
    changes = {"state": Preview.State.CANCELLED, "finished_at": timezone.now(), "lease_token": None, "lease_until": None}
    return bool(Preview.objects.filter(pk=preview.pk, state__in=["queued", "running"]).update(**changes))


def apply(preview: Preview, *, by: User) -> int:
    """Give the source the screens that were tried, and screen it again by them: both or none. Gives how many posts are screened.
    Raises BadPolicy, BadScreen, StaleState."""
    with transaction.atomic():
        policy.change(preview.source, by=by, screens=preview.screens)
        preview.source.refresh_from_db()
        return rescreen(preview.source, by=by)


def run_preview(preview_id: int) -> None:
    """Work off a preview that is due; of one that is not, nothing."""
    preview = Preview.claim(preview_id)
    if preview is None:
        return
    try:
        preview.finish("succeeded", result=_Trial(preview).result(), done=preview.total)
    except BadScreen as error:
        preview.finish("failed", error_code="bad_screen", error_detail=json.dumps({"error": str(error)[:500]}))
    except LostLease:
        log.info("preview %s is somebody else's now, or cancelled", preview_id)


class _Trial:
    """One preview being worked off. `lost`: the posts that would be dropped, and why."""

    def __init__(self, preview: Preview) -> None:
        self.preview, self.source = preview, preview.source
        self.posts = _flagged(self.source.posts.all())
        self.screens = make(preview.screens)
        self.lost: dict[int, str] = {}
        self.elsewhere = 0

    def result(self) -> dict[str, Any]:
        """{"same": n, "elsewhere": n, "changes": [{"before": [status, reason], "after": …, "count": n, "posts": [id, …]}, …]}.
        `elsewhere`: posts of other sources that would fall to posts of this one."""
        self._judge_all()
        for screen in self.screens:
            if isinstance(screen, SetScreen):
                self._compare(screen)
        return {**self._changes(), "elsewhere": self.elsewhere}

    def _judge_all(self) -> None:
        kept = self.posts.filter(is_left=True, status=Post.Status.KEPT).values_list("content_hash", flat=True)
        passed = set(map(hash, kept.iterator(chunk_size=CHUNK)))
        for n, row in enumerate(self._rows(), 1):
            if n % CHUNK == 0:
                self.preview.progress(done=min(n, self.preview.total))
            key = hash(row.content_hash)
            if row.rescued_by is None and (reason := self._reason(row, key in passed)):
                self.lost[row.pk] = reason
            else:
                passed.add(key)

    def _reason(self, row: Any, has_twin: bool) -> str:
        found = (screen.drops(row, 1 if has_twin else None) for screen in self.screens)
        return next((dropped.reason for dropped in found if dropped), "")

    def _compare(self, screen: SetScreen) -> None:
        mine = Preview.objects.filter(pk=self.preview.pk, lease_token=self.preview.lease_token)
        if not mine.update(lease_until=timezone.now() + COMPARING):
            raise LostLease(f"Preview {self.preview.pk}")
        tell(screen, self.source)
        members = _Members(self, _flagged(elsewhere(self.source) if screen.is_across else Post.objects.none()))
        fallen = {pk: dropped.reason for pk, dropped in screen.among(members)}
        others = Post.objects.filter(pk__in=members.strangers & fallen.keys(), status=Post.Status.KEPT)
        self.elsewhere += others.exclude(STAYS).exclude(DECIDED).count()
        self.lost |= fallen

    def _rows(self) -> Iterator[Any]:
        """The posts that would be screened again, in the order of their ids, with the texts that they would have."""
        for values in self.posts.filter(is_left=False).order_by("pk").values_list(*COLUMNS).iterator(chunk_size=CHUNK):
            found = dict(zip(COLUMNS, values, strict=True))
            row = SimpleNamespace(**{**found, **(found["original"] or {})})
            edited = False
            for screen in self.screens:
                for field, text in screen.edits(row).items():
                    setattr(row, field, text)
                    edited = True
            if edited:
                row.content_hash = content_hash(row.title, row.body, row.answer)
            row.is_fixed = row.rescued_by is not None
            yield row

    def members(self) -> Iterator[Member]:
        """Those that passed so far, and those that stay, as a screen that compares sees them."""
        for row in self._rows():
            if row.pk not in self.lost:
                yield Member(*(getattr(row, name) for name in Member._fields))
        for member in _as_members(self.posts.filter(is_left=True, status=Post.Status.KEPT)):
            if member.pk not in self.lost:  # it stays, and yet what it fell to is what further screens compare
                yield member

    def _changes(self) -> dict[str, Any]:
        counts: Counter[tuple[Verdict, Verdict]] = Counter()
        examples: dict[tuple[Verdict, Verdict], list[int]] = {}
        rows = self.posts.order_by("pk").values_list("pk", "status", "drop_reason", "is_left", "rescued_by")
        for pk, status, reason, is_left, wanted in rows.iterator(chunk_size=CHUNK):
            before: Verdict = (status, reason)
            lost = "" if wanted else self.lost.get(pk, "")
            after = before if is_left else (Post.Status.DROPPED.value if lost else Post.Status.KEPT.value, lost)
            counts[before, after] += 1
            if len(found := examples.setdefault((before, after), [])) < EXAMPLES:
                found.append(pk)
        changes = [{"before": b, "after": a, "count": n, "posts": examples[b, a]} for (b, a), n in counts.most_common() if a != b]
        return {"same": sum(n for (b, a), n in counts.items() if a == b), "changes": changes}


class _Members:
    """What a screen of the whole set iterates over, as often as it likes. `strangers`: those of other sources that it saw."""

    def __init__(self, trial: _Trial, others: QuerySet[Post]) -> None:
        self.trial, self.others = trial, others
        self.strangers: set[int] = set()

    def __iter__(self) -> Iterator[Member]:
        yield from self.trial.members()
        for member in _as_members(self.others):
            if member.pk not in self.trial.lost:
                self.strangers.add(member.pk)
                yield member


def _as_members(posts: QuerySet[Post]) -> Iterator[Member]:
    for values in posts.order_by("pk").values_list(*Member._fields).iterator(chunk_size=CHUNK):
        yield Member(*values)


def _flagged(posts: QuerySet[Post]) -> Any:
    return posts.annotate(**{name: ExpressionWrapper(condition, output_field=BooleanField()) for name, condition in FLAGS.items()})
