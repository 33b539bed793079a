"""What a person does with a dry run: order it, pause, go on, stop, try again with other settings, keep a row, and import."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import AuditEntry

from . import importing, policy
from .models import DryRow, DryRun, ImportRun, Source
from .personal import find
from .uploads import StoredFile

if TYPE_CHECKING:
    from accounts.models import User

OPEN = (DryRun.State.QUEUED, DryRun.State.RUNNING)
BEFORE_THE_END = (*OPEN, DryRun.State.PAUSED)
MOST_KEPT = 1_000  # rows kept one by one; more of them want another setting of a screen
GENERIC = "generic"  # the format whose columns a person names
FORGOTTEN_AFTER = timedelta(days=7)


class NotPossible(Exception):
    """This cannot be done with the dry run, or the row, as it is now. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def imported_before(source: Source, sha256: str) -> ImportRun | None:
    """The import of the same bytes into the source, unless it failed, was cancelled or was rolled back."""
    return ImportRun.objects.filter(source=source, sha256=sha256, state__in=["queued", "running", "succeeded"]).first()


def order(
    source: Source,
    stored: StoredFile,
    *,
    name: str,
    by: User | None,
    importer: str = "",
    mapping: Mapping[str, str] | None = None,
    encoding: str = "",
    screens: Sequence[Mapping[str, Any]] | None = None,
    kept: Collection[int] = (),
) -> DryRun:
    """Order a dry run of a stored file. `screens`: instead of the source's. Raises BadPolicy."""
    mapping = {field: column for field, column in (mapping or {}).items() if column}
    asked = importer or (GENERIC if mapping else "")
    wanted = policy.check_screens([dict(screen) for screen in (source.screens if screens is None else screens)])
    return DryRun.objects.create(
        source=source, by=by, file_name=importing.printable(name), sha256=stored.sha256, size=stored.size, asked=asked, importer=asked,
        mapping=mapping, encoding=encoding, screens=wanted, kept=sorted(kept),
    )  # fmt: skip


def again(dry: DryRun, *, by: User | None, **changes: Any) -> DryRun:
    """Another dry run of the same file with these settings instead (those of `order`), in the place of this one. Raises BadPolicy,
    and NotPossible when it was imported."""
    settings = {"importer": dry.asked, "mapping": dry.mapping, "encoding": dry.encoding, "screens": dry.screens, **changes}
    if changes.get("importer", GENERIC) != GENERIC and "mapping" not in changes:
        settings["mapping"] = {}  # columns are those of the generic format
    with transaction.atomic():
        new = order(dry.source, StoredFile(dry.sha256, dry.size), name=dry.file_name, by=by, kept=dry.kept, **settings)
        if not discard(dry):
            raise NotPossible("imported")
    return new


def save_mapping(dry: DryRun, mapping: Mapping[str, str], *, by: User | None) -> bool:
    """Propose `mapping` for the next file with the columns of this one. False when it names none: then nothing is saved."""
    if mapping:
        policy.save_mapping(dry.source, columns=[column["name"] for column in dry.columns], mapping=mapping, by=by)
    return bool(mapping)


def pause(dry: DryRun) -> bool:
    """After the batch that is being read. False when it is over, or paused already."""
    return _move(dry, OPEN, state=DryRun.State.PAUSED, lease_token=None, lease_until=None)


def resume(dry: DryRun) -> bool:
    """Go on with a paused one after the last batch."""
    return _move(dry, (DryRun.State.PAUSED,), state=DryRun.State.QUEUED, attempts=0, started_at=None, resumed_at_row=F("read"))


def stop(dry: DryRun) -> bool:
    """For good; what was found until then can be looked at."""
    return _move(dry, BEFORE_THE_END, state=DryRun.State.STOPPED, lease_token=None, lease_until=None, finished_at=timezone.now())


def _move(dry: DryRun, states: Sequence[str], **changes: Any) -> bool:
    moved = bool(DryRun.objects.filter(pk=dry.pk, state__in=states, run=None).update(**changes))
    dry.refresh_from_db()
    return moved


def why_not_kept(row: DryRow) -> str:
    """Why a row cannot be kept all the same, as a code; empty when it can."""
    if row.outcome != DryRow.Outcome.DROPPED:
        return "not_dropped"
    has_personal = row.reason == "personal_data" or any(True for text in (row.title, row.body, row.answer) for _found in find(text))
    return "personal_data" if has_personal else ""


def keep(dry: DryRun, number: int, *, is_kept: bool = True) -> DryRow:
    """Row `number` is imported whatever a screen says (or, after all, is not). Whoever imports it is who rescued it.

    Raises NotPossible (no_such_row, not_dropped, personal_data, too_many, imported).
    """
    with transaction.atomic():
        locked = DryRun.objects.select_for_update().get(pk=dry.pk)
        row = locked.rows.filter(row=number).first()
        if locked.run_id or row is None:
            raise NotPossible("imported" if locked.run_id else "no_such_row")
        if is_kept and not row.is_kept and (why := why_not_kept(row)):
            raise NotPossible(why)
        kept = ({*locked.kept} | {number}) if is_kept else ({*locked.kept} - {number})
        if len(kept) > MOST_KEPT:
            raise NotPossible("too_many")
        locked.rows.filter(pk=row.pk).update(is_kept=is_kept)
        DryRun.objects.filter(pk=dry.pk).update(kept=sorted(kept))
    row.is_kept, dry.kept = is_kept, sorted(kept)
    return row


def start(dry: DryRun, *, by: User, is_skipping: bool = False) -> tuple[ImportRun, bool]:
    """Import the file as the dry run has it: its screens are saved to the source, and it becomes that import.

    Raises NotPossible (not_over) before it has succeeded, unless `is_skipping`: then it is stopped, and nobody knows what will come.
    """
    with transaction.atomic():
        locked = DryRun.objects.select_for_update(of=("self",)).select_related("source").get(pk=dry.pk)
        if locked.state != DryRun.State.SUCCEEDED and not is_skipping:
            raise NotPossible("not_over")
        policy.change(locked.source, by=by, screens=locked.screens)
        run, created = importing.start_import(
            locked.source, StoredFile(locked.sha256, locked.size), name=locked.file_name, by=by, importer=locked.importer,
            mapping=locked.mapping, encoding=locked.encoding, kept=locked.kept,
        )  # fmt: skip
        if created and (rescued := _kept_rows(locked)):
            AuditEntry.objects.create(by=by, action="rows_kept", subject=f"import {run.pk}", detail={"rows": rescued})
        changes = {} if locked.state == DryRun.State.SUCCEEDED else {"state": DryRun.State.STOPPED, "finished_at": timezone.now()}
        DryRun.objects.filter(pk=dry.pk).update(run=run, lease_token=None, lease_until=None, **changes)
        locked.rows.all().delete()
    dry.refresh_from_db()
    return run, created


def _kept_rows(dry: DryRun) -> dict[str, str]:
    """What each row that is kept all the same would have been dropped for."""
    rows = dry.rows.filter(row__in=dry.kept, outcome=DryRow.Outcome.DROPPED).order_by("row")
    return {str(row): f"{reason} {value}".strip() for row, reason, value in rows.values_list("row", "reason", "value")}


def discard(dry: DryRun) -> bool:
    """Forget it and its rows; the file is left to what else may use it. False when it is imported."""
    return bool(DryRun.objects.filter(pk=dry.pk, run=None).delete()[0])


def forget_old() -> None:
    """Dry runs that nobody came back to."""
    DryRun.objects.filter(created_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
