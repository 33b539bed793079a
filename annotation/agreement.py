"""How far reviewers agree: of the decisions that count on pairs that several people decide, per source and per two people. Read-only.

What a lead decided on top of a dispute is no judgement beside the others, and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any, NamedTuple

from accounts import rows
from accounts.models import User
from sources.models import Source

from . import alpha
from .folding import KEEPS

# The decisions that count, as `folding.effective` has them, of pairs with more than one; the first `reviews_wanted` of each.
JUDGED = """
    SELECT judged.source_id, judged.pair_id, judged.by_id, judged.verdict, judged.output FROM (
        SELECT p.source_id, e.pair_id, e.by_id, e.verdict, e.output, e.at, p.reviews_wanted,
            row_number() OVER (PARTITION BY e.pair_id ORDER BY e.id) AS number, count(*) OVER (PARTITION BY e.pair_id) AS n
        FROM annotation_pair p JOIN annotation_review e ON e.pair_id = p.id
        WHERE p.reviews_wanted > 1 AND p.source_id = ANY(%(sources)s::bigint[]) AND e.verdict IN ('accept', 'edit', 'reject')
        AND NOT EXISTS (SELECT FROM annotation_review u WHERE u.undoes_id = e.id)
        AND NOT EXISTS (
            SELECT FROM annotation_review u WHERE u.pair_id = e.pair_id AND u.verdict = 'reopen' AND u.id > e.id
            AND NOT EXISTS (SELECT FROM annotation_review v WHERE v.undoes_id = u.id)
        )
    ) AS judged WHERE judged.n > 1 AND judged.number <= judged.reviews_wanted AND (%(since)s::timestamptz IS NULL OR judged.at >= %(since)s)
    ORDER BY judged.pair_id, judged.number
"""


class Judgement(NamedTuple):
    by: int
    verdict: str
    output: str


@dataclass(frozen=True)
class Agreement:
    """Of one source, or of two people. `n` pairs were decided by two or more of them."""

    name: str
    n: int
    same: int  # pairs on which all said the same
    alpha: float | None  # None: cannot be told
    low: float | None
    high: float | None
    similarity: float | None  # of the texts where all kept it, 0 to 1
    slug: str = ""  # of the source
    people: tuple[str, ...] = ()  # the two

    @property
    def percent(self) -> int:
        return round(100 * self.same / self.n) if self.n else 0


def by_source(user: User, *, since: datetime | None = None) -> list[Agreement]:
    """For each source that `user` sees and that has pairs decided by several people, in the order of the sources."""
    sources = list(Source.objects.for_user(user))
    found = _judged(sources, since)
    return [_agreement(found[source.pk].values(), name=source.name, slug=source.slug) for source in sources if source.pk in found]


def by_pair(user: User, *, source: Source | None = None, since: datetime | None = None) -> list[Agreement]:
    """For each two people who have decided about the same pairs, those with the most of them first."""
    units: dict[tuple[int, int], list[list[Judgement]]] = defaultdict(list)
    for pairs in _judged([source] if source else Source.objects.for_user(user), since).values():
        for judgements in pairs.values():
            for one, other in combinations(sorted(judgements, key=lambda judgement: judgement.by), 2):
                units[one.by, other.by].append([one, other])
    names = dict(User.objects.filter(pk__in={pk for two in units for pk in two}).values_list("pk", "username"))
    people = {two: (names[two[0]], names[two[1]]) for two in units}
    found = [_agreement(them, name=" · ".join(people[two]), people=people[two]) for two, them in units.items()]
    return sorted(found, key=lambda one: (-one.n, one.name))


def _judged(sources: Iterable[Source], since: datetime | None) -> dict[int, dict[int, list[Judgement]]]:
    """Source → pair → its judgements, at least two of each pair."""
    found: dict[int, dict[int, list[Judgement]]] = defaultdict(lambda: defaultdict(list))
    asked: dict[str, Any] = {"sources": [source.pk for source in sources], "since": since}
    for source, pair, by, verdict, output in rows.read(JUDGED, asked):
        found[source][pair].append(Judgement(by, verdict, output))
    several = {source: {pair: them for pair, them in pairs.items() if len(them) > 1} for source, pairs in found.items()}
    return {source: pairs for source, pairs in several.items() if pairs}


def _agreement(units: Iterable[list[Judgement]], **named: Any) -> Agreement:
    units = list(units)
    verdicts = [[judgement.verdict for judgement in unit] for unit in units]
    figure = alpha.alpha(verdicts)
    alike = [value for value in _similarities(units) if value is not None]
    return Agreement(
        n=figure.n, same=sum(len(set(said)) == 1 for said in verdicts), alpha=figure.value, low=figure.low, high=figure.high,
        similarity=sum(alike) / len(alike) if alike else None, **named,
    )  # fmt: skip


def _similarities(units: Iterable[list[Judgement]]) -> Iterator[float | None]:
    for unit in units:
        if all(judgement.verdict in KEEPS for judgement in unit):
            yield alpha.similarity([judgement.output for judgement in unit])
