"""What a version says about itself, in words for people."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .models import Export, Version

# Why an accepted pair is not in a version, and why one is no longer in it.
REASONS = {
    "takedown": gettext_lazy("the post was taken down"),
    "demo": gettext_lazy("answered by a demo draft"),
    "licence": gettext_lazy("unknown licence"),
    "licence_other": gettext_lazy("another licence than those asked for"),
    "verdict": gettext_lazy("another kind of decision"),
    "score": gettext_lazy("too low a score, or none"),
    "votes": gettext_lazy("too few votes"),
    "date": gettext_lazy("decided at another time"),
    "posted": gettext_lazy("posted at another time"),
    "agreement": gettext_lazy("reviewers do not agree enough"),
    "reviews": gettext_lazy("too few people kept this text"),
    "answer_from": gettext_lazy("answered by others than those asked for"),
    "share": gettext_lazy("not drawn"),
    "rejected": gettext_lazy("rejected since"),
    "reopened": gettext_lazy("taken back and open again"),
    "source": gettext_lazy("its source is no longer in the recipe"),
    "recipe": gettext_lazy("the recipe has changed"),
    "decided": gettext_lazy("somebody has decided since"),
    "metadata": gettext_lazy("its licence or metadata has changed"),
}


def status_of(version: Version) -> str:
    """The status as the API says it."""
    return "building" if version.is_open else version.state


def why_failed(job: Version | Export) -> str:
    """What happened and what to do, in a sentence or two. "" for what did not fail."""
    if job.state != "failed":
        return ""
    if job.error_code == "empty" and isinstance(job, Version):
        return why_empty(job.left_out)
    if job.error_code == "disk":
        text = _("The files could not be written (%(why)s). Nothing is lost: make room on the server's disk and try again.")
        return text % {"why": job.error_detail}
    if job.error_code == "worker_lost":
        return _("The worker died three times at this. Look at its log, then try again.")
    return job.error_detail or _("Something unexpected happened. Nothing is lost: look at the worker's log, then try again.")


def why_empty(left_out: Mapping[str, int]) -> str:
    """Why a version holds nothing, and what to do about it."""
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
    if left_out:
        return _("The recipe leaves out every accepted pair: %(why)s. Change the recipe.") % {"why": "; ".join(left_out_notes(left_out))}
    return _("No pair of its sources is accepted yet. Review some first.")


def left_out_notes(left_out: Mapping[str, int]) -> list[str]:
    """What was accepted and is not in the version, a note for each reason."""
    return [_("%(n)s pairs: %(why)s") % {"n": f"{n:,}", "why": REASONS.get(reason, reason)} for reason, n in sorted(left_out.items())]
