"""Accepted pairs that ask nearly the same as this one: looked up, never searched for by going through all of them."""

from __future__ import annotations

from accounts import rows

from .bands import bands
from .checks import Near
from .checks.likeness import core
from .models import Pair

MOST = 8  # pairs that the check compares
HEAD = 400  # characters of a text
# Of posts that read the same, or that are of one cluster of near-duplicates; and of those that are filed under one of the numbers,
# the ones under most of them. A number that thousands have says little: of these the newest. Every step of it has an index, and is
# LATERAL, so that it is used: told of the whole and a limit, the planner reads accepted pairs until it has found enough of them.
NEAR = f"""
    WITH mine AS (SELECT id, content_hash, coalesce(cluster_id, id) AS root FROM sources_post WHERE id = %(post)s),
    posts AS (
        (SELECT post.id FROM mine CROSS JOIN LATERAL (SELECT id FROM sources_post WHERE content_hash = mine.content_hash LIMIT 50) post)
        UNION (SELECT post.id FROM mine CROSS JOIN LATERAL (SELECT id FROM sources_post WHERE cluster_id = mine.root LIMIT 50) post)
        UNION SELECT root FROM mine
    ),
    filed AS (
        SELECT near.pair_id, count(*) AS shared FROM unnest(%(bands)s::bigint[]) wanted CROSS JOIN LATERAL (
            SELECT pair_id FROM annotation_nearband WHERE band = wanted ORDER BY pair_id DESC LIMIT 25
        ) near GROUP BY near.pair_id ORDER BY shared DESC, near.pair_id LIMIT 40
    )
    (SELECT pair.id, left(pair.instruction, {HEAD}), left(pair.input, {HEAD}) FROM posts CROSS JOIN LATERAL (
        SELECT id, instruction, input FROM annotation_pair WHERE post_id = posts.id AND status = 'accepted' AND id <> %(pair)s LIMIT {MOST}
    ) pair LIMIT {MOST})
    UNION ALL
    (SELECT pair.id, left(pair.instruction, {HEAD}), left(pair.input, {HEAD}) FROM filed CROSS JOIN LATERAL (
        SELECT id, instruction, input FROM annotation_pair WHERE id = filed.pair_id AND status = 'accepted' AND id <> %(pair)s LIMIT 1
    ) pair ORDER BY filed.shared DESC, filed.pair_id LIMIT {MOST})
"""  # noqa: S608 (only numbers are put in: limits that come as values the planner takes for a tenth of the table)


def accepted_near(pair: Pair, instruction: str) -> list[Near]:
    """At most a handful, for the check to compare word by word."""
    wanted = {"post": pair.post_id, "pair": pair.pk, "bands": bands_of(instruction, pair.input)}
    found = {number: _text(*texts) for number, *texts in rows.read(NEAR, wanted)}
    return [Near(number, text) for number, text in found.items()]


def still_near(pair: Pair, number: int) -> list[Near]:
    """The pair that was near when this one was shown, if it still is accepted."""
    found = Pair.objects.accepted().filter(pk=number).exclude(pk=pair.pk).values_list("instruction", "input").first()
    return [Near(number, _text(found[0][:HEAD], found[1][:HEAD]))] if found else []


def bands_of(instruction: str, given: str) -> list[int]:
    """Under which numbers such a question is filed."""
    return bands(core(_text(instruction[:HEAD], given[:HEAD])))


def _text(instruction: str, given: str) -> str:
    """As the check puts them together."""
    return f"{instruction}\n{given}" if given else instruction
