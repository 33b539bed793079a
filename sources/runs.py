"""What an admin does with a run that is over: go on where it stopped, or take it back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import AuditEntry

from .importing import audit
from .models import ImportRun, Post, Source
from .screening import StaleState, alone
from .screens import SET_REASONS
from .verdicts import ROLLED_BACK, decided_by_people

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
CHUNK = 1_000
NEW = {"status": Post.Status.NEW, "drop_reason": "", "drop_value": "", "cluster": None}
OVER = (ImportRun.State.SUCCEEDED, ImportRun.State.FAILED, ImportRun.State.CANCELLED)


def resume(run: ImportRun, *, by: User | None = None) -> bool:
    """Go on after the last batch of a run that was cancelled or failed. False when it is neither (any more), or when the same
    bytes are imported, or were, by another run."""
    changes = {"state": ImportRun.State.QUEUED, "attempts": 0, "error_code": "", "error_detail": "", "started_at": None,
               "finished_at": None, "not_before": None, "resumed_at_row": F("read")}  # fmt: skip
    try:
        with transaction.atomic():
            resumed = bool(ImportRun.objects.filter(pk=run.pk, state__in=["cancelled", "failed"]).update(**changes))
            if resumed:
                audit("import_resumed", run, by)
    except IntegrityError:
        resumed = False
    run.refresh_from_db()
    return resumed


def roll_back(run: ImportRun, *, by: User | None) -> dict[str, int]:
    """Take the posts of a run that is over out again, in one commit, and say so in the audit log. Raises StaleState when it is not
    over (any more), or while its source is being screened.

    A post is deleted unless something points to it, a pair above all: such a post is dropped, which keeps the pair from
    everybody. One that a person decided about stays as it is: {"deleted": n, "dropped": n, "stayed": n}. Posts that fell as
    duplicates of those taken out are screened again. What is left of the run's counts is what is left of its posts.
    """
    with alone(run.source_id) as is_mine, transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=run.source_id)  # nobody makes a pair meanwhile
        over = ImportRun.objects.filter(pk=run.pk, state__in=OVER)
        if not is_mine or not over.update(state=ImportRun.State.ROLLED_BACK):
            raise StaleState(f"import {run.pk} is not over, or its source is being screened")
        before = {"read": run.read, "created": run.created, "known": run.known, "rejected": run.rejected}
        done = _take_out(run)
        run.rejected_rows.all().delete()
        left = run.posts.count()
        ImportRun.objects.filter(pk=run.pk).update(read=left, created=left, known=0, rejected=0)
        detail = {"counts": before, **done}
        AuditEntry.objects.create(by=by, action="import_rolled_back", subject=f"import {run.pk}", detail=detail)
    run.refresh_from_db()
    return done


def _take_out(run: ImportRun) -> dict[str, int]:
    decided = decided_by_people(run.posts.all()).values("pk")
    stayed = run.posts.filter(pk__in=decided).count()
    free = run.posts.filter(pairs=None, takedown=None, calls=None)  # a pair, a takedown and a paid call each point to their post
    gone = list(free.values_list("pk", flat=True))
    held = run.posts.exclude(pk__in=decided).exclude(pk__in=gone)
    dropped = list(held.values_list("pk", flat=True).distinct())
    for at in range(0, max(len(gone), len(dropped)), CHUNK):
        _give_back([*gone[at : at + CHUNK], *dropped[at : at + CHUNK]])
        lost = {"status": Post.Status.DROPPED, "drop_reason": ROLLED_BACK, "drop_value": str(run.pk), "rescued_by": None, "cluster": None}
        Post.objects.filter(pk__in=dropped[at : at + CHUNK]).update(**lost)
        Post.objects.filter(pk__in=gone[at : at + CHUNK]).delete()
    Post.objects.filter(source=run.source_id, status=Post.Status.DROPPED, drop_reason__in=SET_REASONS).update(**NEW)
    return {"deleted": len(gone), "dropped": len(dropped), "stayed": stayed}


def _give_back(pks: list[int]) -> None:
    """Whoever fell as a duplicate of one of these, in any source, is judged again."""
    fallen = Post.objects.filter(status=Post.Status.DROPPED, drop_reason__in=["duplicate", "near_duplicate"])
    fallen.filter(drop_value__in=[str(pk) for pk in pks]).update(**NEW)
