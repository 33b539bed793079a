"""Dry runs as people read them."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import wording

NOT_POSSIBLE: Mapping[str, object] = {
    "not_dropped": gettext_lazy("No screen drops this row, so there is nothing to keep."),
    "personal_data": gettext_lazy("It holds personal data. Such rows cannot be kept."),
    "too_many": gettext_lazy("So many rows are kept one by one already that another setting of the screen would serve better."),
    "no_such_row": gettext_lazy("There is no such row in this dry run."),
    "imported": gettext_lazy("This file is being imported. Nothing was changed."),
    "not_over": gettext_lazy("The dry run has not ended yet. Wait for it, or skip it."),
}
TWINS = ("duplicate", "near_duplicate")


def not_possible(code: str) -> str:
    return str(NOT_POSSIBLE.get(code, code))


def row_reason(outcome: str, reason: str) -> str:
    """Why a row does not get through, in a few words."""
    if reason == "known":
        return _("There already")
    return wording.row_reason(reason).rstrip(".。") if outcome == "rejected" else wording.post_reason(reason)


def row_value(reason: str, value: str) -> str:
    """What was measured; of a duplicate, what it falls to."""
    if reason not in TWINS or not value:
        return value
    return _("row %(n)s") % {"n": value[1:]} if value.startswith("~") else _("post #%(n)s") % {"n": value}
