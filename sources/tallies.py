"""How many posts are where: read from what the database counts itself (Tally), so it costs the same at any size."""

from __future__ import annotations

from django.db import connection
from django.db.models import QuerySet, Sum

from .models import ImportRun, Post, Source, Tally

REJECTED = "rejected"  # the status of rows that did not become posts
FOLD = """
WITH many AS (SELECT run_id, status, reason FROM sources_tally GROUP BY 1, 2, 3 HAVING count(*) > 1),
     gone AS (DELETE FROM sources_tally USING many WHERE (sources_tally.run_id, sources_tally.status, sources_tally.reason)
              = (many.run_id, many.status, many.reason) RETURNING sources_tally.*)
INSERT INTO sources_tally (run_id, status, reason, n)
SELECT run_id, status, reason, sum(n) FROM gone GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""


def fold() -> None:
    """Put rows of the same kind together. The sums stay what they are at every moment, also when two do it at once."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD)


def of(source: Source, run: ImportRun | None = None) -> dict[tuple[str, str], int]:
    """(status, reason) -> posts of the source, or of one of its runs. Rejected rows have the status `rejected`."""
    tallies: QuerySet[Tally] = Tally.objects.filter(run=run) if run else Tally.objects.filter(run__source=source)
    counted = tallies.order_by().values_list("status", "reason").annotate(sum=Sum("n"))
    return {(status, reason): n for status, reason, n in counted if n}


def reasons(source: Source) -> list[str]:
    """Why posts of the source were dropped, the most frequent reason first."""
    found = {reason: n for (status, reason), n in of(source).items() if status == Post.Status.DROPPED}
    return sorted(found, key=lambda reason: (-found[reason], reason))


def posts(source: Source, *, status: str = "", reason: str = "", run: ImportRun | None = None) -> int:
    """How many posts have this status and reason; what is empty asks for nothing."""
    return sum(
        n for (at, why), n in of(source, run).items() if at != REJECTED and (not status or at == status) and (not reason or why == reason)
    )


def rejected(source: Source, *, reason: str = "", run: ImportRun | None = None) -> int:
    """How many rows did not become posts, for this reason or for any."""
    return sum(n for (at, why), n in of(source, run).items() if at == REJECTED and (not reason or why == reason))
