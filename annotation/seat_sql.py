"""The statements of claiming, each beside the rule that it carries; `seats` runs them. (docs/adr/0014)"""

from accounts.rows import columns
from sources.models import Source

from .models import Assignment, Draft, Pair

CANDIDATES = 16  # pairs looked at in one go; others may hold locks on some of them
FEW = 6  # of these, the first that are looked at: mostly one of them will do

# A seat that keeps another person out. With `greedy`, one that is only reserved ahead does not.
TAKEN = """
    seat.review_id IS NOT NULL OR seat.expires_at IS NULL
    OR (seat.expires_at > %(now)s AND (seat.opened_at IS NOT NULL OR NOT %(greedy)s::bool))
"""
# A pending pair p of a kept post with a free seat, at which this person has none. One look at its seats tells both.
# (A post that is screened again, or was dropped by that, is not kept: its pair waits.)
FREE = f"""
    p.status = 'pending' AND p.id <> ALL(%(tried)s::bigint[])
    AND EXISTS (SELECT FROM sources_post post WHERE post.id = p.post_id AND post.status = 'kept')
    AND NOT EXISTS (
        SELECT FROM annotation_assignment seat WHERE seat.pair_id = p.id
        HAVING bool_or(
            seat.reviewer_id = %(user)s AND (seat.review_id IS NOT NULL OR seat.expires_at IS NULL OR seat.expires_at > %(now)s)
        )
        OR count(*) FILTER (WHERE {TAKEN}) >= p.reviews_wanted
    )
"""  # noqa: S608 (only constants are put together)
# The sources that this person may work on: those of `Source.objects.for_user`, narrowed to one slug if asked.
ASKED = "(%(slug)s::text IS NULL OR source.slug = %(slug)s)"
VISIBLE = f"""
    {ASKED} AND (%(all)s::bool
    OR NOT EXISTS (SELECT FROM sources_source_reviewers chosen WHERE chosen.source_id = source.id)
    OR EXISTS (SELECT FROM sources_source_reviewers chosen WHERE chosen.source_id = source.id AND chosen.user_id = %(user)s))
"""  # noqa: S608
# Each source is read along its own piece of the index pair_queue, and no further than needed. One condition over all
# sources would make the database sort the whole queue for every claim. Ranks of two sources say nothing about each other: of
# what is first in each, the oldest is next. (Limits are written out: of one that comes as a value the planner thinks that it is a tenth
# of the table, and makes a new plan each time instead of keeping that.)
FRESH = f"""
    SELECT next.id FROM sources_source source CROSS JOIN LATERAL (
        SELECT p.id, p.rank FROM annotation_pair p WHERE p.source_id = source.id AND {FREE}
        AND NOT EXISTS (SELECT FROM annotation_skip skip WHERE skip.pair_id = p.id AND skip.reviewer_id = %(user)s)
        ORDER BY p.rank, p.id LIMIT {CANDIDATES}
    ) next WHERE {VISIBLE}
    ORDER BY row_number() OVER (PARTITION BY source.id ORDER BY next.rank, next.id), next.id LIMIT {CANDIDATES}
"""  # noqa: S608
SKIPPED = f"""
    SELECT p.id FROM annotation_skip skip JOIN annotation_pair p ON p.id = skip.pair_id
    JOIN sources_source source ON source.id = p.source_id
    WHERE skip.reviewer_id = %(user)s AND {VISIBLE} AND {FREE}
    ORDER BY skip.at, p.id LIMIT {CANDIDATES}
"""  # noqa: S608
WISHED = f"""
    SELECT p.id FROM annotation_pair p JOIN sources_source source ON source.id = p.source_id
    WHERE p.id = %(pair)s AND {VISIBLE} AND {FREE}
"""  # noqa: S608
# The lock comes first, and the count is a second statement: it sees every seat that was committed before the lock.
LOCK = """
    SELECT p.id FROM annotation_pair p WHERE p.id = ANY(%(ids)s::bigint[]) AND p.status = 'pending'
    ORDER BY array_position(%(ids)s::bigint[], p.id) LIMIT 1 FOR NO KEY UPDATE
"""
# A free seat at the pair p, which is locked.
SEATED = """
    seat AS (
        INSERT INTO annotation_assignment (pair_id, seat, reviewer_id, token, expires_at, opened_at, created_at)
        SELECT p.id, free.seat, %(user)s, %(token)s, %(now)s + make_interval(mins => source.lease_minutes), %(opened)s, %(now)s
        FROM p JOIN sources_source source ON source.id = p.source_id
        CROSS JOIN LATERAL (
            SELECT number AS seat FROM generate_series(1, p.reviews_wanted) AS number
            WHERE NOT EXISTS (SELECT FROM annotation_assignment seat WHERE seat.pair_id = p.id AND seat.seat = number)
            ORDER BY number LIMIT 1
        ) free
        WHERE NOT EXISTS (
            SELECT FROM annotation_assignment seat WHERE seat.pair_id = p.id
            HAVING bool_or(seat.reviewer_id = %(user)s) OR count(*) >= p.reviews_wanted
        ) ON CONFLICT DO NOTHING RETURNING *
    )
"""
# It comes with its pair, its source and the pair's drafts, each of these in a row.
ITEM = f"SELECT {columns(Assignment, 'seat')}, {columns(Pair, 'p')}, {columns(Source, 'source')}, {columns(Draft, 'draft')}"
AROUND = "JOIN sources_source source ON source.id = p.source_id LEFT JOIN annotation_draft draft ON draft.pair_id = p.id"
SIT = f"""
    WITH p AS (SELECT * FROM annotation_pair WHERE id = %(pair)s), {SEATED} {ITEM} FROM seat JOIN p ON p.id = seat.pair_id {AROUND}
"""  # noqa: S608
CLEAR = f"""
    DELETE FROM annotation_assignment seat WHERE seat.pair_id = %(pair)s AND NOT ({TAKEN})
"""  # noqa: S608
# One's own undecided seats: opened ones, the last first; then those that one was named for, or that came back; then reserved ones.
HELD = f"""
    SELECT seat.id FROM annotation_assignment seat JOIN annotation_pair p ON p.id = seat.pair_id
    JOIN sources_source source ON source.id = p.source_id
    WHERE seat.reviewer_id = %(user)s AND seat.review_id IS NULL AND (seat.expires_at IS NULL OR seat.expires_at > %(now)s)
    AND p.status = 'pending' AND (%(pair)s::bigint IS NULL OR p.id = %(pair)s) AND {VISIBLE}
    ORDER BY seat.opened_at DESC NULLS LAST, seat.expires_at ASC NULLS FIRST, seat.id LIMIT 1
"""  # noqa: S608
HELD_ITEM = f"{ITEM} FROM annotation_assignment seat JOIN annotation_pair p ON p.id = seat.pair_id {AROUND} WHERE seat.id IN ({HELD})"
# Mostly the first that nobody else has locked will do, and a seat at it can be had at once. (If somebody has taken that since this
# statement began, which is not seen, the constraints see it: then there is no row.)
FIRST = f"""
    fresh AS MATERIALIZED (
        SELECT id, row_number() OVER () AS n FROM ({FRESH.replace(f"LIMIT {CANDIDATES}", f"LIMIT {FEW}")}) inorder WHERE true
    ),
    p AS (
        SELECT p.* FROM fresh JOIN annotation_pair p ON p.id = fresh.id WHERE p.status = 'pending'
        ORDER BY fresh.n LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED
    ),
    {SEATED}
    {ITEM} FROM seat JOIN p ON p.id = seat.pair_id {AROUND}
"""  # noqa: S608
# The same, unless one holds a seat already. (One is there the moment that another statement locked the person, so it is seen.)
HELD_OR_FIRST = f"""
    held AS MATERIALIZED ({HELD}), {FIRST.replace("WHERE true", "WHERE NOT EXISTS (SELECT FROM held)")}
    UNION ALL {ITEM} FROM held JOIN annotation_assignment seat ON seat.id = held.id JOIN annotation_pair p ON p.id = seat.pair_id {AROUND}
"""  # noqa: S608
# By whether a source is named, and whether a seat that is held already will do. (That a slug may be none is said in another text: not
# knowing whether it is, the planner makes a new plan each time.)
NEXT = {
    (is_named, or_held): f"WITH {HELD_OR_FIRST if or_held else FIRST}".replace(ASKED, "source.slug = %(slug)s" if is_named else "true")
    for is_named in (False, True)
    for or_held in (False, True)
}
OPEN = """
    UPDATE annotation_assignment SET expires_at = %(ends)s, opened_at = coalesce(opened_at, %(now)s)
    WHERE id = %(pk)s AND token = %(token)s AND review_id IS NULL AND expires_at > %(now)s
"""
RESERVED = f"""
    SELECT {columns(Assignment, "seat")}, {columns(Pair, "p")}, {columns(Source, "source")}
    FROM annotation_assignment seat JOIN annotation_pair p ON p.id = seat.pair_id JOIN sources_source source ON source.id = p.source_id
    WHERE seat.reviewer_id = %(user)s AND seat.review_id IS NULL AND seat.opened_at IS NULL
    AND (seat.expires_at IS NULL OR seat.expires_at > %(now)s)
    AND p.status = 'pending' AND {VISIBLE} ORDER BY seat.expires_at IS NOT NULL, seat.id
"""  # noqa: S608
