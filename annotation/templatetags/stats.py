"""Numbers in templates, with the words for them: pages of sources show the funnel without their app knowing this one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.translation import pgettext_lazy

from annotation import stats
from annotation.draft_progress import failure_text as failure_words
from annotation.models import Pair, Reason
from sources import wording
from sources.models import Source

register = template.Library()
BAR = 10_000  # the width of a bar in its own units
GAP, LEAST = 15, 40  # between two segments, and of a segment that would be too small to see
STAGES = {
    "read": pgettext_lazy("funnel", "Read"),
    "imported": pgettext_lazy("funnel", "Imported"),
    "screened": pgettext_lazy("funnel", "Screened"),
    "drafted": pgettext_lazy("funnel", "Drafted"),
    "reviewed": pgettext_lazy("funnel", "Reviewed"),
    "accepted": pgettext_lazy("funnel", "Accepted"),
}
FATES = {
    "accepted": pgettext_lazy("funnel", "Accepted"),
    "rejected": pgettext_lazy("funnel", "Rejected"),
    "failed": pgettext_lazy("funnel", "Drafting failed"),
    "waiting": pgettext_lazy("funnel", "Waiting"),
    "duplicate": pgettext_lazy("funnel", "Duplicate"),
    "filtered": pgettext_lazy("funnel", "Filtered"),
}
COLOURS = {"accepted": "f-ok", "rejected": "f-rev", "failed": "f-fail", "waiting": "f-wait", "duplicate": "f-dup", "filtered": "f-fil"}


@register.simple_tag
def funnel(source: Source) -> list[dict[str, Any]]:
    """The stages of a source; each with `label`, and `lost` and `open` as lists of {reason, label, count}."""
    return _worded(stats.funnel(source))


@register.simple_tag
def funnels(sources: Iterable[Source]) -> dict[str, Any]:
    """`rows`: {source, stages, bar} for each source. `sum`: what they have together, by stage and fate."""
    sources = list(sources)
    found = stats.funnels(sources)
    together = {key: sum(stages[n]["count"] for stages in found.values()) for n, key in enumerate(stats.STAGES)}
    waiting = sum(n for stages in found.values() for stage in stages if stage["key"] == "reviewed" for n in stage["waiting"].values())
    rows = [{"source": source, "stages": _worded(found[source.pk]), "bar": _segments(found[source.pk])} for source in sources]
    return {"rows": rows, "sum": {**together, "to_review": waiting}, "fates": _key(stats.fates(s) for s in found.values())}


@register.simple_tag
def fate_bar(source: Source) -> list[dict[str, Any]]:
    return _segments(stats.funnel(source))


@register.filter
def percent_of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "–"


def _key(fates: Iterable[stats.Counts]) -> list[dict[str, Any]]:
    """The legend: what any of the bars shows. Failed drafts are rare enough to be named only where there are some."""
    failed = any(fate["failed"] for fate in fates)
    return [{"label": label, "colour": COLOURS[key]} for key, label in FATES.items() if key != "failed" or failed]


def _segments(stages: list[stats.Stage]) -> list[dict[str, Any]]:
    """A bar of what became of all rows: whole numbers on a width of BAR, nothing so small that it cannot be seen."""
    fates = {key: n for key, n in stats.fates(stages).items() if n}
    total = sum(fates.values())
    widths = {key: max(LEAST, BAR * n // total) for key, n in fates.items()}
    scale, x, found = BAR / max(1, sum(widths.values())), 0, []
    for key, n in fates.items():
        width = int(widths[key] * scale)
        found.append({"key": key, "label": FATES[key], "colour": COLOURS[key], "count": n, "x": x, "width": max(1, width - GAP)})
        x += width
    return found


def _worded(stages: list[stats.Stage]) -> list[dict[str, Any]]:
    return [
        {
            **stage,
            "label": STAGES[stage["key"]],
            "lost": [_item(stage["key"], reason, n) for reason, n in stage["dropped"].items()],
            "lost_count": sum(stage["dropped"].values()),
            "open": [_item(stage["key"], status, n) for status, n in stage["waiting"].items()],
            "colour": _colour(stage["key"]),
        }
        for stage in stages
    ]


def _item(stage: str, code: str, count: int) -> dict[str, Any]:
    return {"reason": code, "label": label_of(stage, code), "count": count}


def label_of(stage: str, code: str) -> Any:
    words: dict[str, Any] = {
        "known": pgettext_lazy("funnel", "Known already"),
        "new": pgettext_lazy("funnel", "Not screened yet"),
        "drafting": pgettext_lazy("funnel", "To be drafted"),
    }
    if not code:
        return STAGES[stage]
    if code in words:
        return words[code]
    if code in (Pair.Status.PENDING, Pair.Status.DISPUTED):
        return Pair.Status(code).label
    if stage == "imported":
        return wording.row_reason(code).rstrip("。.")
    if stage == "screened":
        return wording.post_reason(code)
    return Reason(code).label if code in Reason.values and stage == "accepted" else failure_words(code)


def _colour(stage: str) -> str:
    """Of what is lost or waits on the way to a stage."""
    fates = {"imported": "duplicate", "screened": "filtered", "drafted": "failed", "reviewed": "waiting", "accepted": "rejected"}
    return COLOURS[fates[stage]] if stage in fates else ""
