"""What replies are worth: drafts and pairs to review, scores, or named failures. Many at a time, and again without harm."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import rows
from sources import scoring

from . import judging, prompting, requesting
from .models import Draft, ModelCall, Pair, Purpose
from .ranking import rank_anew

log = logging.getLogger(__name__)

State = ModelCall.State
OPEN = (State.QUEUED, State.SENDING)
UNKNOWN = "unknown_call"  # the failure of a pair whose call may have been paid
BATCH = 200


@dataclass(frozen=True)
class Reading:
    """What a call's reply says: `text` is the draft of one that is `ok`, `score` its judgement."""

    call: ModelCall
    outcome: str
    text: str = ""
    score: Decimal | None = None


def read(call: ModelCall, raw: Any) -> Reading:
    """Pure, but for what it is told about the call."""
    if call.purpose == Purpose.SCORE:
        outcome, score = judging.read_score(raw)
        return Reading(call, outcome, score=score)
    about = {"instruction": call.material.get("instruction", ""), "marker": requesting.marker_of(call)}
    return Reading(call, *prompting.judge(raw, canary=requesting.canary_of(call), **about))


# --- replies that were stored, and not read yet -------------------------------------------------------------------------
READ = """
UPDATE annotation_modelcall AS call SET outcome = reply.outcome, score = reply.score
FROM jsonb_to_recordset(%s::jsonb) AS reply(id bigint, outcome text, score numeric) WHERE call.id = reply.id
"""


def land(call_ids: Iterable[int]) -> None:
    """Make of stored replies what they are worth. Idempotent: whoever comes second finds it done. One reply that cannot be
    dealt with does not hold up the others."""
    ids = sorted(call_ids)
    try:
        _land(ids)
    except Exception:
        if len(ids) == 1:
            log.exception("the reply of call %s cannot be dealt with", ids[0])
            ModelCall.objects.filter(pk=ids[0], state=State.DONE, outcome="").update(outcome="unparseable")
            return conclude(ModelCall.objects.filter(pk=ids[0]).values_list("pair_id", flat=True))
        for pk in ids:
            land([pk])


def land_stored() -> int:
    """Replies that were stored by a worker that went away before reading them."""
    found = list(ModelCall.objects.filter(state=State.DONE, outcome="").order_by("id").values_list("pk", flat=True)[:BATCH])
    if found:
        land(found)
    return len(found)


@transaction.atomic
def _land(ids: Sequence[int]) -> None:
    unread = ModelCall.objects.filter(pk__in=ids, state=State.DONE, outcome="")
    pairs = lock(unread.values_list("pair_id", flat=True))
    calls = list(unread.select_related("prompt", "run").order_by("id").select_for_update(of=("self",)))
    readings = [read(call, call.raw) for call in calls]
    said = [{"id": each.call.pk, "outcome": each.outcome, "score": each.score and str(each.score)} for each in readings]
    rows.run(READ, [json.dumps(said)])
    place(readings, pairs)


# --- the pairs --------------------------------------------------------------------------------------------------------
@dataclass
class Standing:
    """Where one pair stands, and what its calls and drafts say about it."""

    status: str
    failure: str
    calls: list[tuple[str, str, str, bool, bool]] = field(default_factory=list)  # state, outcome, error, is under way, is a redraft
    outputs: list[str] = field(default_factory=list)
    drafted: set[int] = field(default_factory=set)  # calls that have a draft
    last: int = 0  # number of the last draft

    @property
    def waits(self) -> bool:
        return self.status == Pair.Status.DRAFTING or (self.status == Pair.Status.FAILED and self.failure == UNKNOWN)

    @property
    def is_open(self) -> bool:
        return any(under_way for _state, _outcome, _error, under_way, _again in self.calls)

    @property
    def output(self) -> str:
        """A redraft takes the place of what was wanted otherwise; of several candidates the first stands for them."""
        return self.outputs[-1] if self.calls and self.calls[-1][-1] else self.outputs[0]

    @property
    def why(self) -> str:
        if any(state == State.UNKNOWN for state, *_rest in self.calls):
            return UNKNOWN
        sent = [call for call in self.calls if call[0] != State.QUEUED]
        _state, outcome, error, _under_way, _again = (sent or self.calls)[-1]
        return outcome or error or "unparseable"


LOCK = "SELECT id, status, failure FROM annotation_pair WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"


def lock(pair_ids: Iterable[int | None]) -> dict[int, Standing]:
    """The pairs, locked until the transaction ends. Everybody locks them in one order."""
    ids = sorted({pk for pk in pair_ids if pk})
    if not ids:
        return {}
    return {pk: Standing(status, failure) for pk, status, failure in rows.read(LOCK, [ids])}


# Under way as ModelCallQuerySet.under_way has it: what an ended run has left queued is nobody's, until it is taken up again.
CALLS = """
SELECT call.pair_id, call.state, call.outcome, call.error_code,
    call.state = 'sending' OR (call.state = 'done' AND call.outcome = '')
        OR (call.state = 'queued' AND coalesce(run.state, '') NOT IN ('succeeded', 'stopped', 'failed')),
    call.material ? 'note'
FROM annotation_modelcall AS call LEFT JOIN annotation_draftrun AS run ON run.id = call.run_id
WHERE call.pair_id = ANY(%s::bigint[]) AND call.purpose = 'draft' ORDER BY call.id
"""
DRAFTS = "SELECT pair_id, call_id, number, output FROM annotation_draft WHERE pair_id = ANY(%s::bigint[]) ORDER BY number"


def _look(pairs: dict[int, Standing]) -> None:
    for pair, *row in rows.read(CALLS, [list(pairs)]):
        pairs[pair].calls.append(tuple(row))
    for pair, call, number, output in rows.read(DRAFTS, [list(pairs)]):
        pairs[pair].outputs.append(output)
        pairs[pair].drafted.add(call)
        pairs[pair].last = number


def place(readings: Iterable[Reading], pairs: dict[int, Standing]) -> None:
    """Drafts for the replies that are good, scores for the posts that wait for one; then the pairs move on. The caller has
    locked `pairs`, and written the outcomes."""
    readings = list(readings)
    scores = {each.call.post_id: (each.score, each.call.model_returned or each.call.model) for each in readings if each.score}
    if scores:
        scoring.record({pk: (score, judge) for pk, (score, judge) in scores.items() if pk and score})
        rank_anew(Pair.objects.filter(post__in=list(scores)).values_list("pk", flat=True))
    if not pairs:
        return
    _look(pairs)
    drafts = []
    for each in readings:
        call, pair = each.call, pairs.get(each.call.pair_id or 0)
        if each.outcome != "ok" or pair is None or call.pk in pair.drafted:
            continue
        pair.last += 1
        pair.outputs.append(each.text)
        drafts.append(
            Draft(pair_id=call.pair_id or 0, number=pair.last, call=call, model=call.model_returned or call.model, output=each.text)
        )
    if drafts:
        Draft.objects.bulk_create(drafts)
    _move_on(pairs, {draft.pair_id for draft in drafts})


def conclude(pair_ids: Iterable[int | None]) -> None:
    """Once none of its calls is open: a pair with a draft can be reviewed, one without has failed."""
    with transaction.atomic():
        if pairs := lock(pair_ids):
            _look(pairs)
            _move_on(pairs, set())


MOVE = """
UPDATE annotation_pair AS pair SET status = moved.status, failure = moved.failure, version = pair.version + moved.step,
    output = coalesce(moved.output, pair.output), updated_at = %s
FROM jsonb_to_recordset(%s::jsonb) AS moved(id bigint, status text, failure text, output text, step int) WHERE pair.id = moved.id
"""


def _move_on(pairs: dict[int, Standing], got_more: set[int]) -> None:
    moved = {pk: _moved(pair, pk in got_more) for pk, pair in pairs.items()}
    if any(moved.values()):
        rows.run(MOVE, [timezone.now(), json.dumps([{"id": pk, **changes} for pk, changes in moved.items() if changes])])
        rank_anew(pk for pk, changes in moved.items() if changes and changes["status"] == Pair.Status.PENDING)


def _moved(pair: Standing, got_more: bool) -> dict[str, Any] | None:
    if pair.status == Pair.Status.PENDING and got_more:  # whoever looks at it sees one candidate too few
        return {"status": pair.status, "failure": "", "output": None, "step": 1}
    if not pair.waits or pair.is_open or not pair.calls:
        return None
    if pair.outputs:
        return {"status": Pair.Status.PENDING, "failure": "", "output": pair.output, "step": 1}
    return {"status": Pair.Status.FAILED, "failure": pair.why, "output": None, "step": 0}
