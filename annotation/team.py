"""What the team did in a span of days: who decided how much, what became of whose drafts, how long it took. Read-only.

A decision counts unless it was taken back. The sums by day, person, source, model and prompt are one pass over the decisions
of the span (`GROUPING SETS`), so they are of the same moment and add up to the same total.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from django.utils import timezone
from rapidfuzz.distance import Levenshtein

from accounts.models import User
from sources.models import Source

from . import providers
from . import team_sql as sql
from .models import PromptVersion
from .scorecard import FEW, Key, Score

SPANS = (7, 14, 30, 90)  # days, today included
EDGES = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 90, 120)  # seconds; the last group has no end
SPARK = 8  # days in a person's line
EDITS = 200  # the newest edits of a row of the scorecard, of which the median is taken: more would hardly move it


@dataclass(frozen=True)
class Span:
    """The days and the sources that are asked about."""

    days: int
    sources: list[Source]

    @property
    def first(self) -> date:
        return timezone.localdate() - timedelta(days=self.days - 1)

    @property
    def since(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time()))

    def dates(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(self.days)]


@dataclass(frozen=True)
class Tally:
    accepted: int = 0  # unchanged
    edited: int = 0
    rejected: int = 0
    seconds: float | None = None  # of a decision, the median

    @property
    def decided(self) -> int:
        return self.accepted + self.edited + self.rejected

    @property
    def is_few(self) -> bool:
        return self.decided < FEW

    @property
    def accepted_share(self) -> float | None:
        """None of few: it would say nothing."""
        return None if self.is_few else self.accepted / self.decided

    @property
    def edited_share(self) -> float | None:
        return None if self.is_few else self.edited / self.decided

    @property
    def rejected_share(self) -> float | None:
        return None if self.is_few else self.rejected / self.decided


@dataclass(frozen=True)
class Agreement:
    """Of all twos of people who judged the same pair, the share that said the same."""

    pairs: int = 0  # judged by several
    twos: int = 0
    same_verdict: int = 0
    same_fate: int = 0  # both keep the pair, edited or not, or both reject it

    @property
    def verdict_share(self) -> float | None:
        return self.same_verdict / self.twos if self.twos else None

    @property
    def fate_share(self) -> float | None:
        return self.same_fate / self.twos if self.twos else None


@dataclass
class Figures:
    """All sums of a span. What they are by comes in a fixed order, which is no ranking."""

    total: Tally = Tally()
    days: dict[date, Tally] = field(default_factory=dict)  # every day of the span
    people: dict[str, Tally] = field(default_factory=dict)
    people_by_day: dict[tuple[date, str], Tally] = field(default_factory=dict)
    sources: list[tuple[Source, Tally]] = field(default_factory=list)
    models: dict[str, Tally] = field(default_factory=dict)  # "": the source's own answer
    prompts: dict[str, Tally] = field(default_factory=dict)  # "": none, as above
    pace: list[int] = field(default_factory=list)  # decisions by seconds, between EDGES
    agreed: Agreement = Agreement()
    scores: dict[Key, Score] = field(default_factory=dict)


def figures(span: Span) -> Figures:
    found = sql.read(_given(span))
    sums: dict[int, dict[Any, Tally]] = {}
    for row in found["sums"]:
        sums.setdefault(row["kind"], {})[_key(row)] = Tally(row["a"], row["e"], row["r"], row["seconds"])
    people = dict(User.objects.filter(pk__in=sums.get(sql.PEOPLE, {})).order_by("username").values_list("pk", "username"))
    prompts = {0: ""} | dict(PromptVersion.objects.filter(pk__in=sums.get(sql.PROMPTS, {})).values_list("pk", "name"))
    days, both, pace, by_source, models = (sums.get(kind, {}) for kind in (sql.DAYS, sql.BOTH, sql.PACE, sql.SOURCES, sql.MODELS))
    return Figures(
        total=sums.get(sql.ALL, {}).get(None, Tally()),
        days={day: days.get(day, Tally()) for day in span.dates()},
        people=_in_order(people, sums.get(sql.PEOPLE, {})),
        people_by_day={(day, people[by]): both[day, by] for day in span.dates() for by in people if (day, by) in both},
        sources=[(source, by_source[source.pk]) for source in span.sources if source.pk in by_source],
        models=_in_order(_by_name({key: providers.ref(*key) if key[1] else "" for key in models}), models),
        prompts=_in_order(_by_name(prompts), sums.get(sql.PROMPTS, {})),
        pace=[pace.get(n + 1, Tally()).decided for n in range(len(EDGES))],
        agreed=Agreement(**{name: int(n) for name, n in found["agreed"][0].items()}),
        scores=_scores(span, sums.get(sql.SCORES, {}), prompts, found),
    )


def _key(row: dict[str, Any]) -> Any:
    """What a row of sums is about."""
    day = date.fromisoformat(row["day"]) if row["day"] else None
    about: dict[int, Any] = {
        sql.DAYS: day, sql.PEOPLE: row["by_id"], sql.BOTH: (day, row["by_id"]), sql.SOURCES: row["source_id"],
        sql.PROMPTS: row["prompt_id"], sql.MODELS: (row["provider"], row["model"]), sql.PACE: row["pace"], sql.SCORES: _drafted(row),
    }  # fmt: skip
    return about.get(row["kind"])


def _drafted(row: dict[str, Any]) -> Key:
    return row["provider"], row["model"], row["prompt_id"], row["source_id"]


def _scores(span: Span, tallies: dict[Key, Tally], prompts: dict[int, str], rows: sql.Rows) -> dict[Key, Score]:
    """The scorecard of the drafts that were decided on, without what they cost."""
    names = {source.pk: source for source in span.sources}
    found = {
        key: Score(
            providers.ref(*key[:2]), prompts[key[2]], names[key[3]].name, names[key[3]].slug,
            accepted=tally.accepted, edited=tally.edited, rejected=tally.rejected, seconds=tally.seconds,
        )
        for key, tally in tallies.items() if key[1]
    }  # fmt: skip
    for row in sorted(rows["reasons"], key=lambda row: (-row["n"], row["code"])):
        found[_drafted(row)].reasons[row["code"]] = row["n"]
    distances: dict[Key, list[int]] = {}
    for row in rows["edits"]:
        distances.setdefault(_drafted(row), []).append(Levenshtein.distance(row["before"], row["after"]))
    for key, measured in distances.items():
        found[key].distance = median(measured)
    return found


def _given(span: Span) -> dict[str, Any]:
    return {
        "zone": timezone.get_current_timezone_name(), "edges": list(EDGES), "since": span.since, "edits": EDITS,
        "people": list(User.objects.values_list("pk", flat=True)),  # all of them: so the index of a person's days serves the span
        "sources": [source.pk for source in span.sources],
    }  # fmt: skip


def _by_name(names: dict[Any, str]) -> dict[Any, str]:
    """In the order of the names, what has none last."""
    return dict(sorted(names.items(), key=lambda item: (not item[1], item[1])))


def _in_order(names: dict[Any, str], tallies: dict[Any, Tally]) -> dict[str, Tally]:
    return {name: tallies[key] for key, name in names.items() if key in tallies}
