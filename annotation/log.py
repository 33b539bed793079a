"""The log of one pair is written by one at a time: whoever writes locks the pair's row first, adds an entry, and lets the pair
follow what the log then says. An act has an id of its own: the same act twice is one entry."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts import rows
from accounts.models import User
from accounts.rows import columns
from sources.models import Source

from .folding import LABELS, TEXTS, fold, labels_of, texts_of
from .models import Pair, Review
from .near import bands_of
from .seat_sql import VISIBLE
from .seats import Refused, lost_seat

# The pair, if this person may see it: locked against other decisions, not against new drafts.
LOCK = f"""
    SELECT {columns(Pair, "p")}, {columns(Source, "source")} FROM annotation_pair p JOIN sources_source source ON source.id = p.source_id
    WHERE p.id = %(pair)s AND {VISIBLE} FOR NO KEY UPDATE OF p
"""  # noqa: S608 (only constants are put together)
LOG = f"SELECT {columns(Review, 'entry')} FROM annotation_review entry WHERE entry.pair_id = %s"  # noqa: S608
# An accepted pair is to be found by what is near to it from now on.
MOVE = """
    WITH moved AS (
        UPDATE annotation_pair SET status = %(status)s, decision_id = %(decision)s, instruction = %(instruction)s, input = %(input)s,
        output = %(output)s, task_type = %(task_type)s, domain = %(domain)s, version = version + 1, updated_at = %(now)s
        WHERE id = %(pair)s AND status = %(was)s AND version = %(version)s RETURNING id
    ),
    filed AS (
        INSERT INTO annotation_nearband (band, pair_id) SELECT unnest(%(bands)s::bigint[]), id FROM moved ON CONFLICT DO NOTHING
    )
    SELECT id FROM moved
"""


class SameKeyOtherBody(Refused):
    """This op_id was used for another act, or by somebody else."""


class Stale(Refused):
    """The pair has changed since it was shown: the decision was made on an earlier version."""


def once(op_id: UUID, by: User, asked: dict[str, Any], write: Callable[[str], Review]) -> Review:
    """`write` in one transaction, unless `op_id` has been used: then what it gave. A used one fails in `write`, by its
    seat or by the unique constraint, so that the first time need not ask. Of two at once, one gets through."""
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    try:
        with transaction.atomic():
            return write(digest)
    except (IntegrityError, Refused):
        if repeated := _repeated(op_id, by, digest):
            return repeated
        raise


def lock(pair_id: int, by: User) -> Pair:
    """The pair with its source, until the transaction ends. Raises LostSeat when there is no such pair for `by`."""
    for pair, source in rows.read(LOCK, {"pair": pair_id, "user": by.pk, "all": by.has_role("lead"), "slug": None}, Pair, Source):
        pair.source = source
        return cast("Pair", pair)
    raise lost_seat()


def move(pair: Pair, before: dict[str, Any] | None = None, log: list[Review] | None = None) -> None:
    """Let the pair follow its log, which is read unless it is given. `before`: the texts and labels that come back with a decision that is
    taken back."""
    outcome = fold(rows.read(LOG, [pair.pk], Review) if log is None else log, pair)
    accepted = outcome.decision if outcome.status == Pair.Status.ACCEPTED else None
    now = texts_of(pair) | labels_of(pair)
    texts = accepted.texts() | labels_of(accepted) if accepted else before or now
    decision_id = outcome.decision.pk if outcome.decision else None
    if (outcome.status, decision_id, texts) == (pair.status, pair.decision_id, now):
        return
    changes = {"status": str(outcome.status), "decision": decision_id, **texts, "now": timezone.now()}
    changes |= {name: Jsonb(texts[name]) for name in LABELS}
    changes["bands"] = bands_of(accepted.instruction, accepted.input) if accepted else []
    if not rows.read(MOVE, changes | {"pair": pair.pk, "was": pair.status, "version": pair.version}):
        raise lost_seat()


def before_decision(pair: Pair, decision: Review | None) -> dict[str, Any]:
    """The texts and labels that an accepted pair had before `decision`, byte for byte; those of any other are what they were."""
    now = texts_of(pair) | labels_of(pair)
    if pair.status != Pair.Status.ACCEPTED or decision is None:
        return now
    return {name: (decision.before or {}).get(name, now[name]) for name in (*TEXTS, *LABELS)}


def stale() -> Stale:
    return Stale("stale", _("This item has changed since you opened it."))


def _repeated(op_id: UUID, by: User, digest: str) -> Review | None:
    review = Review.objects.filter(op_id=op_id).first()
    if review and (review.by_id, review.op_digest) != (by.pk, digest):
        raise SameKeyOtherBody("same_key_other_body", _("This key was used for something else."))
    return review
