"""The funnel of a dry run, and its lost rows in the groups that people look through."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from . import dry_wording
from .dry_wording import TWINS
from .models import DryRow, DryRun, Reply

FULL = 10_000  # width of a bar in its own units
OF_TWINS = Q(outcome=DryRow.Outcome.KNOWN) | Q(outcome=DryRow.Outcome.DROPPED, reason__in=TWINS)
GROUPS = {
    "no_post": Q(outcome=DryRow.Outcome.REJECTED),
    "filtered": Q(outcome=DryRow.Outcome.DROPPED) & ~Q(reason__in=TWINS),
    "twins": OF_TWINS,
    "kept": Q(is_kept=True),
}


def stages(dry: DryRun) -> list[dict[str, Any]]:
    """Read, posts, filtered, deduped, and what comes next: {label, count, width, colour, lost: [{label, count, reason, show}], note}."""
    twins = {reason: n for reason, n in dry.counts["dropped"].items() if reason in TWINS}
    filtered = {reason: n for reason, n in dry.counts["dropped"].items() if reason not in TWINS}
    if dry.counts["known"]:
        twins["known"] = dry.counts["known"]
    after = [
        (pgettext("funnel", "Read"), "f-fil", "", {}),
        (_("Made posts"), "f-fil", "no_post", dry.counts["rejected"]),
        (_("After the filters"), "f-wait", "filtered", filtered),
        (_("Deduped"), "f-now", "twins", twins),
    ]
    left, found = dry.read, []
    for label, colour, show, lost in after:
        left -= sum(lost.values())
        found.append({"label": label, "count": left, "colour": colour, "lost": _reasons(show, lost), "note": ""})
    next_ = _("To be drafted") if dry.source.reply == Reply.MODEL else _("To be reviewed")
    found.append({"label": next_, "count": coming(dry), "colour": "f-ok", "lost": [], "note": _note(dry)})
    return [{**stage, "width": FULL * stage["count"] // max(1, dry.read)} for stage in found]


def coming(dry: DryRun) -> int:
    """How many posts the import will keep: what got through, and what was kept all the same since."""
    return dry.through + (dry.rows.filter(row__in=dry.kept, outcome=DryRow.Outcome.DROPPED).count() if dry.kept else 0)


def _reasons(show: str, lost: dict[str, int]) -> list[dict[str, Any]]:
    outcome = DryRow.Outcome.REJECTED if show == "no_post" else DryRow.Outcome.DROPPED
    ordered = sorted(lost.items(), key=lambda item: (-item[1], item[0]))
    return [{"label": dry_wording.row_reason(outcome, reason), "count": n, "reason": reason, "show": show} for reason, n in ordered]


def _note(dry: DryRun) -> str:
    parts = [_("%(n)s kept all the same") % {"n": len(dry.kept)}] if dry.kept else []
    if dry.counts["displaced"]:
        parts.append(_("%(n)s posts that are there give way") % {"n": dry.counts["displaced"]})
    return " · ".join(parts)


def groups(dry: DryRun) -> list[dict[str, Any]]:
    """The choices above the table of lost rows: {show, label, count}."""
    twins = sum(n for reason, n in dry.counts["dropped"].items() if reason in TWINS) + dry.counts["known"]
    rejected = sum(dry.counts["rejected"].values())
    counted = [
        ("", pgettext("filter", "All"), dry.lost),
        ("no_post", _("No post"), rejected),
        ("filtered", _("Filtered"), dry.lost - rejected - twins),
        ("twins", _("Duplicates"), twins),
        ("kept", _("Kept"), len(dry.kept)),
    ]
    return [{"show": show, "label": label, "count": n} for show, label, n in counted if n or not show]


def lost_rows(dry: DryRun, show: str, reason: str) -> Any:
    """Rows that get lost (or would, but are kept), of one group, for one reason."""
    rows = dry.rows.filter(Q(is_kept=True) | ~Q(outcome=DryRow.Outcome.PASSED))
    rows = rows.filter(GROUPS[show]) if show in GROUPS else rows
    return rows.filter(reason=reason.replace("\0", "")) if reason else rows
