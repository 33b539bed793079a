"""What the checks found in review, and how often it was overruled: counted from the log. Read-only.

A decision keeps the names of the checks that found something in what was shown (`before.found`), and of those that found something in
what was kept all the same (`bypassed`). Decisions from before that was so count with what they bypassed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from accounts import rows
from accounts.models import User
from sources.models import Source

from .checks import CHECKS, ERROR
from .wording import LABELS, LOOKS_FOR

DECISIONS = 20_000  # the latest: their log is read for every look at the page
WEEKS = 8
FEW = 30  # fewer findings than this make no rate
FOUND = """
    WITH recent AS (
        SELECT r.id, p.source_id, date_trunc('week', r.at AT TIME ZONE %(zone)s)::date AS week, r.bypassed,
            coalesce(r.before -> 'found', '[]'::jsonb) || r.bypassed AS found
        FROM annotation_review r JOIN annotation_pair p ON p.id = r.pair_id
        WHERE r.verdict IN ('accept', 'edit', 'reject') AND p.source_id = ANY(%(sources)s)
            AND NOT EXISTS (SELECT 1 FROM annotation_review u WHERE u.undoes_id = r.id)
        ORDER BY r.id DESC LIMIT %(most)s
    )
    SELECT name, recent.source_id, recent.week, count(*), count(*) FILTER (WHERE recent.bypassed ? name)
    FROM recent CROSS JOIN LATERAL (SELECT DISTINCT jsonb_array_elements_text(recent.found) AS name) names GROUP BY 1, 2, 3
"""


@dataclass
class Count:
    """Decisions in which a check found something, and those that kept the text all the same."""

    hits: int = 0
    bypassed: int = 0

    def add(self, hits: int, bypassed: int) -> None:
        self.hits, self.bypassed = self.hits + hits, self.bypassed + bypassed

    @property
    def percent(self) -> int:
        return round(100 * self.bypassed / self.hits) if self.hits else 0

    @property
    def rate(self) -> int | None:
        """Percent; None where there are too few to say."""
        return self.percent if self.hits >= FEW else None


@dataclass
class Row:
    """A check: what it is, and its counts in all, by week (the latest last), and by source."""

    name: str
    label: str
    looks_for: str
    blocks: bool
    experimental: bool
    total: Count = field(default_factory=Count)
    weeks: list[Count] = field(default_factory=list)
    sources: dict[str, Count] = field(default_factory=dict)  # by name


def weeks() -> list[date]:
    """The Mondays of the latest weeks."""
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=ago) for ago in range(WEEKS - 1, -1, -1)]


def table(user: User, slug: str = "") -> list[Row]:
    """All checks in their order, of the sources that `user` sees; with `slug`, of that one."""
    sources = Source.objects.for_user(user).filter(**{"slug": slug} if slug else {})
    names = dict(sources.values_list("pk", "name"))
    mondays = weeks()
    found = {name: _row(name, len(mondays)) for name in CHECKS}
    asked: dict[str, Any] = {"sources": list(names), "most": DECISIONS, "zone": timezone.get_current_timezone_name()}
    for name, source, week, hits, bypassed in rows.read(FOUND, asked):
        if name not in found:
            continue  # a check of an earlier release
        found[name].total.add(hits, bypassed)
        found[name].sources.setdefault(names[source], Count()).add(hits, bypassed)
        if week in mondays:
            found[name].weeks[mondays.index(week)].add(hits, bypassed)
    return list(found.values())


def _row(name: str, count: int) -> Row:
    check = CHECKS[name]
    words = str(LABELS[name]), str(LOOKS_FOR[name])
    return Row(name, *words, check.level == ERROR, check.experimental, weeks=[Count() for _week in range(count)])
