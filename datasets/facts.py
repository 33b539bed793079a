"""Figures about a version, counted once, while it is frozen: what its page, its card and its licence table say."""

from collections import Counter
from collections.abc import Sequence as Column
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from annotation.stats import funnels
from sources.models import Source

MODELS = """
    SELECT d.model, pv.name, pv.sha256, count(*) FROM chosen c JOIN annotation_draft d ON d.id = c.draft
    JOIN annotation_modelcall m ON m.id = d.call_id JOIN annotation_promptversion pv ON pv.id = m.prompt_id
    GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2 LIMIT 100
"""
# Pairs that several people decided on, and those of them where all kept the very same texts.
AGREEMENT = """
    SELECT count(*), count(*) FILTER (WHERE same) FROM (
        SELECT c.pair, bool_and(e.verdict <> 'reject' AND (e.instruction, e.input, e.output) = (r.instruction, r.input, r.output)) AS same
        FROM chosen c JOIN annotation_pair p ON p.id = c.pair AND p.reviews_wanted > 1 JOIN annotation_review r ON r.id = c.review
        JOIN annotation_review e ON e.pair_id = c.pair AND e.id <= %(position)s AND e.verdict IN ('accept', 'edit', 'reject')
        AND NOT EXISTS (SELECT FROM annotation_review u WHERE u.undoes_id = e.id AND u.id <= %(position)s)
        AND NOT EXISTS (SELECT FROM annotation_review u
                        WHERE u.pair_id = c.pair AND u.verdict = 'reopen' AND u.id > e.id AND u.id <= %(position)s
                        AND NOT EXISTS (SELECT FROM annotation_review v WHERE v.undoes_id = u.id AND v.id <= %(position)s))
        GROUP BY c.pair HAVING count(*) > 1
    ) x
"""


class Tally:
    """Counts records as they are written."""

    def __init__(self) -> None:
        self.lines: Counter[tuple[str, str]] = Counter()  # (source, licence)
        self.answers: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.people: set[int] = set()
        self.first: float | None = None  # seconds since 1970
        self.last: float | None = None
        self.asked: Counter[int] = Counter()  # length in characters -> records
        self.answered: Counter[int] = Counter()

    def add(
        self, sources: Column[str], licences: Column[str], answers: Column[str], verdicts: Column[str], people: Column[int],
        at: Column[float], asked: Column[int], answered: Column[int],
    ) -> None:  # fmt: skip
        """Of records that there are, what each column holds."""
        self.lines.update(zip(sources, licences, strict=True))
        self.answers.update(answers)
        self.verdicts.update(verdicts)
        self.people.update(people)
        self.first, self.last = min(self.first or at[0], *at), max(self.last or at[0], *at)
        self.asked.update(asked)
        self.answered.update(answered)

    def figures(self) -> dict[str, Any]:
        ordered = sorted(self.lines.items(), key=lambda line: (-line[1], line[0]))
        return {
            "lines": [{"source": source, "licence": licence, "records": n} for (source, licence), n in ordered],
            "unknown_licence": sum(n for (_, licence), n in ordered if not licence),
            "answers": dict(sorted(self.answers.items())),
            "verdicts": dict(sorted(self.verdicts.items())),
            "reviewers": len(self.people),
            "decided_from": _day(self.first),
            "decided_to": _day(self.last),
            "instruction_length": _lengths(self.asked),
            "output_length": _lengths(self.answered),
        }


def _day(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat() if at is not None else ""


def gather(tally: Tally, position: int) -> dict[str, Any]:
    """The facts of the version whose records `tally` has counted; needs the tables that it was made from."""
    facts = tally.figures()
    with connection.cursor() as cursor:
        cursor.execute(MODELS)
        facts["models"] = [dict(zip(("model", "prompt", "sha256", "records"), row, strict=True)) for row in cursor.fetchall()]
        cursor.execute(AGREEMENT, {"position": position})
        facts["agreement"] = dict(zip(("several", "agreed"), cursor.fetchone(), strict=True))
    return facts | {"sources": _sources([line["source"] for line in facts["lines"]])}


def _sources(slugs: list[str]) -> list[dict[str, Any]]:
    """The sources as they were when the version was frozen: their names and terms, guidelines, and what became of their rows."""
    sources = list(Source.objects.filter(slug__in=slugs))
    stages = funnels(sources)
    return [
        {
            "slug": source.slug, "name": source.name, "platform": source.platform, "licence": source.licence, "terms_url": source.terms_url,
            "reply": source.reply, "guidelines": source.guidelines, "reviews_wanted": source.reviews_wanted,
            "screens": [screen.get("screen", "") for screen in source.screens if isinstance(screen, dict)],
            "funnel": stages[source.pk],
        }
        for source in sources
    ]  # fmt: skip


def _lengths(counted: Counter[int]) -> dict[str, int]:
    """Mean and median, in characters."""
    total = counted.total()
    if not total:
        return {"mean": 0, "median": 0}
    passed, middle = 0, 0
    for length in sorted(counted):
        passed, middle = passed + counted[length], length
        if 2 * passed >= total:
            break
    return {"mean": round(sum(length * n for length, n in counted.items()) / total), "median": middle}
