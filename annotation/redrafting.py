"""A reviewer wants another draft of one pair, and says why: the wish, and the hint on the fallacy, go to the drafter as data."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from sources.models import Post

from . import foreseeing, providers
from .draft_terms import Order, Refused, StaleState, check
from .models import DraftRun, ModelCall, Pair
from .ordering import audit, material_of, new_call, queue, write
from .pairing import lock
from .prompt_versions import prompt

LONGEST = 2_000  # characters of a note or a hint


def redraft(pair: Pair, *, by: User | None, note: str = "", hint: str | None = None, model: str | None = None) -> DraftRun:
    """Order one more draft of `pair`, of the model that wrote the last one unless another is named. Until it is there, the pair
    is being drafted and its undecided seats are given back; what it had stays, and it comes back to review either way.

    Raises Refused: `bad_note`; StaleState when somebody has decided about the pair, or a call of it is open.
    """
    note, hint = note.strip(), pair.hint if hint is None else hint.strip()
    if len(note) > LONGEST or len(hint) > LONGEST or not (note or hint):
        raise Refused("bad_note", _("Say in 1 to %(most)s characters what should be different.") % {"most": LONGEST})
    wish = Order(models=[model] if model else _last_model(pair), note=note, limit=1)
    terms, version = check(pair.source, wish), prompt()
    foreseen = foreseeing.estimate(pair.source, pairs=1, wish=wish, terms=terms, prompt=version)
    with transaction.atomic():
        lock(pair.source)
        pair = _opened(pair, hint)
        run = write(pair.source, wish, terms, version, by=by, foreseen=foreseen)
        queue(run, iter([_fresh_call(run, pair, note, *terms.models[0])]))
        audit("pair_redraft_ordered", run, by, pair=pair.pk, models=run.model_names)
    return run


def _last_model(pair: Pair) -> list[str] | None:
    call = pair.calls.filter(draft__isnull=False).order_by("-id").first()
    known = {provider.name for provider in providers.every()}
    return [providers.ref(call.provider, call.model)] if call and call.provider in known else None


def _opened(pair: Pair, hint: str) -> Pair:
    """The pair, locked and in `drafting`. Raises StaleState."""
    wanted = Pair.objects.select_for_update(no_key=True).select_related(None).get(pk=pair.pk)
    unsure = wanted.calls.under_way() | wanted.calls.filter(state=ModelCall.State.UNKNOWN)
    ready = wanted.status in (Pair.Status.PENDING, Pair.Status.FAILED, Pair.Status.DRAFTING) and wanted.failure != "no_instruction"
    if not ready or wanted.assignments.filter(review__isnull=False).exists() or not Post.objects.kept().filter(pk=wanted.post_id).exists():
        raise StaleState(_("Somebody has decided about this pair, or its post was dropped."))
    if unsure.exists():
        raise StaleState(_("A draft of this pair is under way, or its fate is unknown."))
    wanted.assignments.filter(review=None, expires_at__isnull=False).delete()  # whoever was named for it stays so
    wanted.calls.left_over().delete()
    changes: dict[str, Any] = {"status": Pair.Status.DRAFTING, "failure": "", "hint": hint, "updated_at": timezone.now()}
    Pair.objects.filter(pk=wanted.pk).update(version=F("version") + 1, **changes)
    wanted.refresh_from_db()
    return wanted


def _fresh_call(run: DraftRun, pair: Pair, note: str, provider: str, model: str) -> ModelCall:
    """The first sample of this request that nobody has asked for: the same wish once more is a wish for another reply."""
    before = list(pair.calls.filter(provider=provider, model=model).defer("raw"))
    taken = {call.key for call in before if call.state == ModelCall.State.DONE}
    for sample in range(len(before) + 1):
        call = new_call(run, before=before, pair=pair, provider=provider, model=model, material=material_of(pair, note), sample=sample)
        if call.key not in taken:
            break
    return call
