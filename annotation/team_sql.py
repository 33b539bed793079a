"""The team's sums, as the database makes them: one statement over the decisions of a span, so that all are of the same moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

Rows = dict[str, list[dict[str, Any]]]
DECIDED = """
WITH decided AS MATERIALIZED (
  SELECT review.id, review.pair_id, review.by_id, (review.at AT TIME ZONE %(zone)s)::date AS day, pair.source_id, review.verdict,
    review.reasons, review.seconds, width_bucket(review.seconds, %(edges)s::float8[]) AS pace,
    coalesce(call.provider, '') COLLATE "C" AS provider, coalesce(call.model, '') COLLATE "C" AS model,
    coalesce(call.prompt_id, 0) AS prompt_id
  FROM annotation_review AS review
  JOIN annotation_pair AS pair ON pair.id = review.pair_id
  LEFT JOIN annotation_draft AS draft ON draft.id = review.draft_id
  LEFT JOIN annotation_modelcall AS call ON call.id = draft.call_id
  WHERE review.by_id = ANY(%(people)s) AND review.at >= %(since)s AND review.verdict IN ('accept', 'edit', 'reject')
    AND pair.source_id = ANY(%(sources)s)
    AND NOT EXISTS (SELECT FROM annotation_review AS undo WHERE undo.undoes_id = review.id)
)
"""
# What `kind` is: a bit for each column of GROUPING that is summed over, the first column being the highest.
ALL, DAYS, PEOPLE, BOTH, SOURCES, MODELS, PROMPTS, PACE, SCORES = 63, 31, 47, 15, 55, 59, 61, 62, 49
SUMS = """
SELECT GROUPING(day, by_id, source_id, model, prompt_id, pace) AS kind, day, by_id, source_id, provider, model, prompt_id, pace,
  count(*) FILTER (WHERE verdict = 'accept') AS a, count(*) FILTER (WHERE verdict = 'edit') AS e,
  count(*) FILTER (WHERE verdict = 'reject') AS r, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds
FROM decided GROUP BY GROUPING SETS
  ((), (day), (by_id), (day, by_id), (source_id), (provider, model), (prompt_id), (pace), (provider, model, prompt_id, source_id))
"""
REASONS = """
SELECT provider, model, prompt_id, source_id, code, count(*) AS n FROM decided, jsonb_array_elements_text(reasons) AS code
WHERE verdict = 'reject' AND model <> '' GROUP BY 1, 2, 3, 4, 5
"""
# Of two people at one pair: how many such twos there are, and how many of them said the same. The latest word of each counts.
AGREED = """
SELECT count(*) AS pairs, coalesce(sum(n * (n - 1) / 2), 0) AS twos,
  coalesce(sum((a * (a - 1) + e * (e - 1) + r * (r - 1)) / 2), 0) AS same_verdict,
  coalesce(sum(((a + e) * (a + e - 1) + r * (r - 1)) / 2), 0) AS same_fate
FROM (
  SELECT count(*) AS n, count(*) FILTER (WHERE verdict = 'accept') AS a, count(*) FILTER (WHERE verdict = 'edit') AS e,
    count(*) FILTER (WHERE verdict = 'reject') AS r
  FROM (SELECT DISTINCT ON (pair_id, by_id) pair_id, verdict FROM decided ORDER BY pair_id, by_id, id DESC) AS latest
  GROUP BY pair_id HAVING count(*) > 1
) AS judged
"""
# The newest edits of each model's, prompt's and source's drafts: what was drafted, and what became of it.
EDITS = """
SELECT edited.provider, edited.model, edited.prompt_id, edited.source_id, draft.output AS before, review.output AS after
FROM (
  SELECT *, row_number() OVER (PARTITION BY provider, model, prompt_id, source_id ORDER BY id DESC) AS number
  FROM decided WHERE verdict = 'edit' AND model <> ''
) AS edited
JOIN annotation_review AS review ON review.id = edited.id JOIN annotation_draft AS draft ON draft.id = review.draft_id
WHERE edited.number <= %(edits)s
"""
SUMMED = {"sums": SUMS, "reasons": REASONS, "agreed": AGREED, "edits": EDITS}


def read(given: Mapping[str, Any]) -> Rows:
    """What each SELECT of SUMMED finds, by its name."""
    parts = (f"SELECT '{name}', to_jsonb(found) FROM ({select}) AS found" for name, select in SUMMED.items())  # noqa: S608 - constants
    rows: Rows = {name: [] for name in SUMMED}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '64MB', true)")  # of this transaction: 100,000 decisions are sorted without a file
        cursor.execute(DECIDED + " UNION ALL ".join(parts), dict(given))
        for name, row in cursor.fetchall():
            rows[name].append(row if isinstance(row, dict) else json.loads(row))
    return rows
