"""Accepted pairs that ask nearly the same as this one: looked up, never searched for by going through all of them."""

from __future__ import annotations

from accounts import rows
from sources.nearby import sharing

from .checks import Near
from .models import Pair
from .searching import PAIRS

MOST = 8  # pairs that the check compares
# Of posts that read the same, or that are of one cluster of near-duplicates; every step of it has an index.
OF_THE_POST = """
    WITH mine AS (SELECT id, content_hash, coalesce(cluster_id, id) AS root FROM sources_post WHERE id = %(post)s),
    posts AS (
        (SELECT post.id FROM sources_post post, mine WHERE post.content_hash = mine.content_hash LIMIT 50)
        UNION (SELECT post.id FROM sources_post post, mine WHERE post.cluster_id = mine.root LIMIT 50)
        UNION SELECT root FROM mine
    )
    SELECT pair.id, left(pair.instruction, 400), left(pair.input, 400) FROM annotation_pair pair
    WHERE pair.post_id IN (SELECT id FROM posts) AND pair.status = 'accepted' AND pair.id <> %(pair)s LIMIT %(most)s
"""


def accepted_near(pair: Pair, instruction: str) -> list[Near]:
    """At most a handful, for the check to compare word by word."""
    of_the_post = rows.read(OF_THE_POST, {"post": pair.post_id, "pair": pair.pk, "most": MOST})
    found = {number: _text(*texts) for number, *texts in of_the_post}
    accepted = Pair.objects.accepted().exclude(pk=pair.pk)
    found |= {row.pk: _text(*row.texts) for row in sharing(PAIRS, instruction, accepted, ("instruction", "input"), MOST)}
    return [Near(number, text) for number, text in found.items()]


def still_near(pair: Pair, number: int) -> list[Near]:
    """The pair that was near when this one was shown, if it still is accepted."""
    found = Pair.objects.accepted().filter(pk=number).exclude(pk=pair.pk).values_list("instruction", "input").first()
    return [Near(number, _text(found[0][:400], found[1][:400]))] if found else []


def _text(instruction: str, given: str) -> str:
    """As the check puts them together."""
    return f"{instruction}\n{given}" if given else instruction
