"""What a version says about itself, in words for people."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .models import Version

BUILDING = (Version.State.QUEUED, Version.State.RUNNING)


def status_of(version: Version) -> str:
    """The status as the API says it."""
    return "building" if version.state in BUILDING else version.state


def why_failed(version: Version) -> str:
    """What happened and what to do, in a sentence or two. "" for a version that did not fail."""
    if version.state != Version.State.FAILED:
        return ""
    if version.error_code == "empty":
        return why_empty(version.left_out)
    if version.error_code == "disk":
        return _("The files could not be written (%(why)s). Nothing is lost: make room on the server's disk and freeze again.") % {
            "why": version.error_detail
        }
    if version.error_code == "worker_lost":
        return _("The worker died three times while building this version. Look at its log, then freeze again.")
    return _("Something unexpected happened. Nothing is lost: look at the worker's log, then freeze again.")


def why_empty(left_out: dict[str, int]) -> str:
    """Why a version holds nothing."""
    if demo := left_out.get("demo"):
        text = ngettext(
            "The %(n)s accepted pair answers with a demo draft. Switch on “include demo drafts”, or draft with a real model.",
            "All %(n)s accepted pairs answer with demo drafts. Switch on “include demo drafts”, or draft with a real model.",
            demo,
        )
        return text % {"n": demo}
    if unknown := left_out.get("licence"):
        text = ngettext(
            "The %(n)s accepted pair is of unknown licence. Write down the licence of its source, or include unknown licences.",
            "All %(n)s accepted pairs are of unknown licence. Write down the licences of their sources, or include unknown licences.",
            unknown,
        )
        return text % {"n": unknown}
    return _("No pair of its sources is accepted yet. Review some first.")


def left_out_notes(left_out: dict[str, int]) -> list[str]:
    """What was accepted and is not in the version, a sentence for each reason."""
    notes = []
    if demo := left_out.get("demo"):
        text = ngettext(
            "%(n)s accepted pair answers with a demo draft and is not in it.",
            "%(n)s accepted pairs answer with demo drafts and are not in it.",
            demo,
        )
        notes.append(text % {"n": demo})
    if unknown := left_out.get("licence"):
        text = ngettext(
            "%(n)s accepted pair is of unknown licence and is not in it.",
            "%(n)s accepted pairs are of unknown licence and are not in it.",
            unknown,
        )
        notes.append(text % {"n": unknown})
    return notes
