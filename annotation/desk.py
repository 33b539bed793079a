"""What lies around the text on a reviewer's desk: the queues, one's own day, what one did last, how a pair came to be.

Read-only. Nothing here tells a reviewer what another one decided about a pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import rows
from accounts.models import User
from sources.models import Post

from .models import Assignment, Draft, Pair, Review
from .scorecard import Median
from .seat_sql import VISIBLE

if TYPE_CHECKING:
    from django.db.models import QuerySet

LETTERS = {"accept": "a", "edit": "e", "reject": "r", "skip": "s"}  # the classes of the cells
# A pair whose post was dropped since waits for the post, not for a reviewer: `seats` hands it to nobody.
HELD_BACK = Q(status__in=[Pair.Status.DRAFTING, Pair.Status.PENDING]) & ~Q(post__status=Post.Status.KEPT)
GRID, ROW = 200, 25  # cells in the grid of a finished queue, and in a row of it


@dataclass(frozen=True)
class Queue:
    """The pairs of one source, or of all that this person may review, as this person meets them."""

    slug: str
    name: str
    total: int = 0
    left: int = 0  # pending, and not yet decided by this person
    drafting: int = 0

    @property
    def done(self) -> int:
        return self.total - self.left


# By source and status, in the order of the sources. The database counts as it writes, so this costs the same at any size.
TALLIES = f"""
    SELECT source.id, source.slug, source.name, tally.status, sum(tally.n) FROM sources_source source
    JOIN sources_importrun run ON run.source_id = source.id JOIN annotation_standingtally tally ON tally.run_id = run.id
    WHERE {VISIBLE} GROUP BY source.id, tally.status ORDER BY source.id
"""  # noqa: S608 (only constants are put together)
# Pairs that wait for others, as this person has decided.
MINE = """
    SELECT p.source_id, count(*) FROM annotation_assignment seat JOIN annotation_pair p ON p.id = seat.pair_id AND p.status = 'pending'
    JOIN sources_post post ON post.id = p.post_id AND post.status = 'kept'
    WHERE seat.reviewer_id = %(user)s AND seat.review_id IS NOT NULL GROUP BY 1
"""


def queues(user: User) -> list[Queue]:
    """One per source that has pairs; those with work first."""
    asked = {"user": user.pk, "all": user.has_role("lead"), "slug": None}
    names: dict[int, tuple[str, str]] = {}
    counts: dict[int, Counter[str]] = {}
    for source, slug, name, status, n in rows.read(TALLIES, asked):
        if n:
            names[source] = slug, name
            counts.setdefault(source, Counter())[status] = int(n)
    mine = dict(rows.read(MINE, asked))
    found = [_queue(*names[source], counts[source], mine.get(source, 0)) for source in names]
    return sorted(found, key=lambda queue: queue.left == 0)


def _queue(slug: str, name: str, counts: Counter[str], mine: int) -> Queue:
    drafting = counts["drafting"]
    return Queue(slug, name, counts.total() - drafting - counts["failed"], counts["pending"] - mine, drafting)


def everything(found: list[Queue]) -> Queue:
    """All queues as one."""
    total, left, drafting = (sum(getattr(queue, name) for queue in found) for name in ("total", "left", "drafting"))
    return Queue("", _("All sources"), total, left, drafting)


@dataclass(frozen=True)
class Day:
    """What one person did since midnight: a cell per decision or skip, in order."""

    cells: list[str] = field(default_factory=list)
    seconds: int | None = None  # in the middle

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(self.cells)
        return {name: found[letter] for name, letter in LETTERS.items()}

    def blank(self, goal: int) -> range:
        """Cells to the goal, and always to the end of a row of ten."""
        full = max(goal, -(-(len(self.cells) + 1) // 10) * 10)
        return range(full - len(self.cells) - 1)

    def minutes_to(self, goal: int) -> int | None:
        """At the pace of today. None: there is no pace yet."""
        left = max(0, goal - len(self.cells))
        return None if self.seconds is None else -(-self.seconds * left // 60)


TODAY = """
    SELECT mine.at, mine.verdict, mine.seconds FROM annotation_review mine
    WHERE mine.by_id = %(user)s AND mine.at >= %(midnight)s AND mine.verdict IN ('accept', 'edit', 'reject')
    AND NOT EXISTS (SELECT FROM annotation_review undo WHERE undo.undoes_id = mine.id)
    UNION ALL SELECT skip.at, 'skip', NULL FROM annotation_skip skip WHERE skip.reviewer_id = %(user)s AND skip.at >= %(midnight)s
    ORDER BY 1
"""


def today(user: User) -> Day:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    marks = rows.read(TODAY, {"user": user.pk, "midnight": midnight})
    times = [seconds for _at, _verdict, seconds in marks if seconds]
    return Day([LETTERS[verdict] for _at, verdict, _seconds in marks], round(median(times)) if times else None)


@dataclass(frozen=True)
class Past:
    """What one person did on one day."""

    day: date
    accept: int = 0
    edit: int = 0
    reject: int = 0
    seconds: float | None = None

    @property
    def decided(self) -> int:
        return self.accept + self.edit + self.reject


def days(user: User, n: int) -> list[Past]:
    """The last `n` days of one person, today first, each with what stands of it. One look into the index of a person's days."""
    last = timezone.localdate()
    since = timezone.make_aware(datetime.combine(last - timedelta(days=n - 1), time()))
    each = {verdict.value: Count("pk", filter=Q(verdict=verdict)) for verdict in Review.DECISIONS}
    sums = decisions(user).filter(at__gte=since).order_by().values(day=TruncDate("at")).annotate(middle=Median("seconds"), **each)
    found = {row[0]: Past(*row) for row in sums.values_list("day", *each, "middle")}
    return [found.get(day, Past(day)) for day in (last - timedelta(days=k) for k in range(n))]


def decisions(user: User) -> QuerySet[Review]:
    """This person's decisions that stand."""
    return Review.objects.filter(by=user, verdict__in=Review.DECISIONS, undone_by=None)


def recent(user: User, n: int = 5) -> list[Review]:
    return list(decisions(user).order_by("-id")[:n])


@dataclass(frozen=True)
class Entry:
    """A line of a pair's history. `who` is empty for the system."""

    at: datetime
    what: str
    who: str = ""


def history(pair: Pair, user: User, log: Sequence[Review], drafts: Sequence[Draft], assignment: Assignment) -> list[Entry]:
    """How this pair came to be, newest first; of the decisions in its log, only this person's own."""
    own = {
        "accept": _("accepted it"), "edit": _("edited and accepted it"), "reject": _("rejected it"), "undo": _("took the decision back"),
        "reopen": _("opened it again"), "return": _("sent it back"),
    }  # fmt: skip
    entries = [Entry(review.at, own[review.verdict], str(user)) for review in log if review.by_id == user.pk]
    entries += [Entry(draft.created_at, _drafted(draft.number, draft.is_human)) for draft in drafts]
    entries.append(Entry(pair.post.created_at, _("imported it from %(file)s") % {"file": pair.post.run.file_name}))
    entries.append(Entry(assignment.created_at, _("opened and locked it"), str(user)))
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _drafted(number: int, human: bool) -> str:
    return _("took over the original answer") if human else _("wrote draft %(n)s") % {"n": number}


def fate(user: User, slug: str = "") -> dict[str, int]:
    """How the pairs of a queue ended, for its last page."""
    pairs = Pair.objects.for_user(user).filter(**{"source__slug": slug} if slug else {})
    return pairs.exclude(HELD_BACK).aggregate(
        accept=Count("id", filter=Q(status="accepted") & ~Q(decision__verdict="edit")),
        edit=Count("id", filter=Q(status="accepted", decision__verdict="edit")),
        reject=Count("id", filter=Q(status="rejected")),
        waiting=Count("id", filter=Q(status__in=["pending", "disputed"])),
    )


def grid(ended: dict[str, int]) -> list[str]:
    """The same as cells in full rows: one each, or in proportion where there are too many."""
    shown = {"accept": "a", "edit": "e", "reject": "r", "waiting": ""}
    total = sum(ended[name] for name in shown)
    scale = min(1.0, GRID / max(1, total))
    cells = [letter for name, letter in shown.items() for _n in range(round(ended[name] * scale) or bool(ended[name]))]
    return cells + [""] * (-len(cells) % ROW)
