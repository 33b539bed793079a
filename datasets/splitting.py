"""The part of freezing that draws lots: how much of each source is taken, in which order records stand, and in which split.

Every draw is a hash of the seed and of what the post is called at its source, so it comes out the same on any machine and
at any time, and a post that was in the test split of one version is in that of the next. Posts that belong together (a
near-duplicate cluster, answers to one question, the same text) are drawn as one.

    pick ─▶ fate 'share' for what is not drawn ─▶ chosen: position, pair, review, draft, post, source, split, answer_from, told
"""

from collections.abc import Callable
from typing import Any

from django.db import connection

from .lots import DRAW, DRAWN
from .recipes import Recipe

SHARE = f"""
    UPDATE pick SET fate = 'share' FROM (
        SELECT pair, row_number() OVER (ORDER BY {DRAW.format(name="o.external_id")}, o.external_id, pair) AS place
        FROM pick k JOIN sources_post o ON o.id = k.post JOIN sources_source s ON s.id = k.source
        WHERE k.kept AND k.fate = '' AND s.slug = %(source)s
    ) drawn WHERE drawn.pair = pick.pair AND drawn.place > %(take)s
"""
# Posts of the sources that may belong together with others, picked or not: so that a group is called the same whoever of it has been
# accepted yet. Most posts stand alone, and are not in it.
GROUPED = f"""
    CREATE TEMP TABLE grouped AS
    SELECT o.id AS post, COALESCE(o.cluster_id, o.id) AS root, COALESCE(o.cluster_id, o.id) AS cluster, o.content_hash AS text,
        CASE WHEN o.question_id <> '' THEN o.source_id || ':' || o.question_id END AS question, {DRAWN} AS draw
    FROM sources_post o JOIN sources_source s ON s.id = o.source_id
    WHERE o.source_id IN (SELECT DISTINCT source FROM pick) AND (o.status = 'kept' OR o.id IN (SELECT post FROM pick)) AND (
        o.question_id <> '' OR o.cluster_id IS NOT NULL
        OR o.id IN (SELECT member.cluster_id FROM sources_post member WHERE member.cluster_id IS NOT NULL)
        OR o.content_hash IN (SELECT content_hash FROM sources_post GROUP BY content_hash HAVING count(*) > 1)
    )
"""
# The draw of all is that of their first, also where that is a post of another source, or not kept.
TOGETHER_DRAWN = f"""
    UPDATE grouped SET draw = {DRAWN} FROM sources_post o JOIN sources_source s ON s.id = o.source_id
    WHERE o.id = grouped.root AND grouped.root <> grouped.post
"""
TOGETHER = """
    UPDATE grouped SET root = m.root FROM (
        SELECT {by}, min(root) AS root FROM grouped WHERE {by} IS NOT NULL GROUP BY {by} HAVING min(root) < max(root)
    ) m WHERE grouped.{by} = m.{by} AND grouped.root > m.root
"""
# Who answered: what `pick` says, or else the texts, and nobody's draft is a person's own answer.
ANSWERED = "COALESCE(NULLIF(k.answer_from, ''), a.said, 'human')"
OTHERS = f"""
    UPDATE pick SET fate = 'answer_from' FROM pick k LEFT JOIN answer a ON a.pair = k.pair
    WHERE k.pair = pick.pair AND k.kept AND k.fate = '' AND {ANSWERED} <> %s
"""
CHOSEN = """
    CREATE TEMP TABLE chosen AS
    SELECT (row_number() OVER (ORDER BY k.source, k.pair) - 1)::integer AS position, k.pair, k.review, k.draft, k.post, k.source,
        {split} AS split, {answered} AS answer_from, k.told
    FROM pick k LEFT JOIN answer a ON a.pair = k.pair {joined} WHERE k.kept AND k.fate = ''
"""
BAD = """
    INSERT INTO candidate SELECT k.pair, k.draft, 'bad' FROM pick k JOIN annotation_review r ON r.id = k.review
    WHERE NOT k.kept AND k.fate = '' AND k.draft IS NOT NULL AND r.reasons ?| %(reasons)s::text[]
"""
GROUPS = "LEFT JOIN grouped g ON g.post = k.post"


def draw(recipe: Recipe, meanwhile: Callable[[], None]) -> dict[str, int]:
    """Fill `chosen`, and a split for every candidate; give split -> records."""
    with connection.cursor() as cursor:
        if recipe.answer_from:
            cursor.execute(OTHERS, [recipe.answer_from])
        for source, share in recipe.mixture.items():
            if share.take is not None:
                cursor.execute(SHARE, {"seed": str(recipe.seed), "source": source, "take": share.take})
        if len(recipe.splits) > 1:
            _group(cursor, recipe, meanwhile)
        meanwhile()
        _choose(cursor, recipe)
        meanwhile()
        _split_candidates(cursor, recipe)
        cursor.execute("SELECT split, count(*) FROM chosen GROUP BY split")
        counted = dict(cursor.fetchall())
    return {split: counted[split] for split in recipe.splits if split in counted}


def _group(cursor: Any, recipe: Recipe, meanwhile: Callable[[], None]) -> None:
    """Give the posts that belong together one root: the first of them. Ends, because roots only ever become smaller."""
    values = {"seed": str(recipe.seed)}
    cursor.execute("DROP TABLE IF EXISTS grouped")
    cursor.execute(GROUPED, values)
    cursor.execute("CREATE UNIQUE INDEX ON grouped (post)")
    cursor.execute("ANALYZE grouped")
    moved = 1
    while moved:
        moved = 0
        for by in ("cluster", "text", "question"):
            meanwhile()
            cursor.execute(TOGETHER.format(by=by))
            moved += cursor.rowcount
    cursor.execute(TOGETHER_DRAWN, values)


def _choose(cursor: Any, recipe: Recipe) -> None:
    joined = GROUPS if len(recipe.splits) > 1 else ""
    cursor.execute("DROP TABLE IF EXISTS chosen")
    cursor.execute(CHOSEN.format(split=_split(recipe), answered=ANSWERED, joined=joined))
    cursor.execute("CREATE UNIQUE INDEX ON chosen (position)")
    cursor.execute("CREATE UNIQUE INDEX ON chosen (pair)")
    cursor.execute("ANALYZE chosen")


def _split(recipe: Recipe) -> str:
    """The split of a post as an SQL expression over its group's root."""
    *first, last = recipe.splits
    bound, cases = 0.0, ""
    for split in first:
        bound += recipe.splits[split]
        cases += f"WHEN COALESCE(g.draw, k.draw) < {bound!r} THEN '{split}' "
    return f"CASE {cases}ELSE '{last}' END" if cases else f"'{last}'"


def _split_candidates(cursor: Any, recipe: Recipe) -> None:
    """Rejected drafts join the candidates, and each candidate gets the split that its pair has, or would have."""
    cursor.execute(BAD, {"reasons": list(recipe.preferences.reasons)})
    joined = GROUPS if len(recipe.splits) > 1 else ""
    cursor.execute("DROP TABLE IF EXISTS preferred")
    cursor.execute(
        f"CREATE TEMP TABLE preferred AS SELECT c.pair, c.draft, c.kind, k.review, {_split(recipe)} AS split "
        f"FROM candidate c JOIN pick k ON k.pair = c.pair {joined} WHERE k.fate = ''"
    )
