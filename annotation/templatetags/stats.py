"""Numbers in templates, with the words for them: pages of sources show the funnel without their app knowing this one."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils import formats
from django.utils.translation import pgettext_lazy

from annotation import stats
from annotation.draft_progress import failure_text as failure_words
from annotation.models import Pair, Reason
from sources import wording
from sources.models import ImportRun, Source

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
CELLS = {"accepted": "a", "rejected": "r", "failed": "x", "waiting": "q", "duplicate": "w", "filtered": "s"}
SQUARES = 500
SIGNS, NBSP = {"CNY": "¥", "USD": "$", "EUR": "€"}, "\u00a0"
COLOURS = {"accepted": "f-ok", "rejected": "f-rev", "failed": "f-fail", "waiting": "f-wait", "duplicate": "f-dup", "filtered": "f-fil"}


@register.simple_tag
def funnel(source: Source, run: ImportRun | None = None) -> dict[str, Any]:
    """What became of the rows of a source, or of one of its runs: `stages`, each with `label`, `href`, and `lost` and `open` as lists of
    {reason, label, count, href}; the `bar`; `cells`, one for each `per_cell` rows; `total` and `accepted`."""
    stages = stats.funnel(source, run)
    return _shown(source, run, stages) | _cells(stats.fates(stages))


@register.simple_tag
def funnels(sources: Iterable[Source]) -> dict[str, Any]:
    """`rows`: {source, stages, bar, cost} for each source. `sum`: what they have together, by stage and fate. `cost`: of drafting."""
    sources = list(sources)
    found, costs = stats.funnels(sources), stats.costs(sources)
    together = {key: sum(stages[n]["count"] for stages in found.values()) for n, key in enumerate(stats.STAGES)}
    waiting = sum(n for stages in found.values() for stage in stages if stage["key"] == "reviewed" for n in stage["waiting"].values())
    rows = [
        {
            "source": source,
            "cost": _per_pair(costs.get(source.pk, {}), found[source.pk][-1]["count"]),
            **_shown(source, None, found[source.pk]),
        }
        for source in sources
    ]
    key = _key(stats.fates(stages) for stages in found.values())
    return {"rows": rows, "sum": {**together, "to_review": waiting}, "fates": key, "cost": _cost(costs.values(), together["accepted"])}


@register.simple_tag
def run_bars(runs: Iterable[ImportRun]) -> list[dict[str, Any]]:
    """{run, bar} for each of these runs."""
    runs = list(runs)
    found = stats.funnels_of_runs(runs)
    return [{"run": run, "bar": _segments(found[run.pk], run.source, run)} for run in runs]


@register.filter
def money(amount: Decimal, currency: str) -> str:
    return f"{SIGNS.get(currency, currency + NBSP)}{formats.number_format(amount, 2 if amount >= 1 else 4, force_grouping=True)}"


@register.filter
def percent_of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "–"


def _key(fates: Iterable[stats.Counts]) -> list[dict[str, Any]]:
    """The legend: what any of the bars shows. Failed drafts are rare enough to be named only where there are some."""
    failed = any(fate["failed"] for fate in fates)
    return [{"label": label, "colour": COLOURS[key]} for key, label in FATES.items() if key != "failed" or failed]


def _cost(costs: Iterable[dict[str, Decimal]], accepted: int) -> dict[str, Any] | None:
    """What all of it cost, and an accepted pair; None where it cost nothing known, or was paid in several currencies."""
    together: dict[str, Decimal] = {}
    for each in costs:
        together |= {currency: together.get(currency, Decimal(0)) + amount for currency, amount in each.items()}
    return _per_pair(together, accepted)


def _per_pair(costs: dict[str, Decimal], accepted: int) -> dict[str, Any] | None:
    if len(costs) != 1:
        return None
    ((currency, amount),) = costs.items()
    return {"currency": currency, "amount": amount, "pair": amount / accepted if accepted else None}


def _cells(fates: stats.Counts) -> dict[str, Any]:
    """A square for each row, or for as many rows as make some 500 squares; shares by the largest remainders, so that the squares add up."""
    total = sum(fates.values())
    squares = min(total, SQUARES)
    exact = {fate: n * squares / total for fate, n in fates.items() if n}
    whole = {fate: int(share) for fate, share in exact.items()}
    for fate in sorted(exact, key=lambda fate: whole[fate] - exact[fate])[: squares - sum(whole.values())]:
        whole[fate] += 1
    cells = [CELLS[fate] for fate, n in whole.items() for _ in range(n)]
    return {"cells": cells, "per_cell": round(total / squares, 1) if total > squares else 1}


def _shown(source: Source, run: ImportRun | None, stages: list[stats.Stage]) -> dict[str, Any]:
    worded = _worded(stages, source, run)
    return {"stages": worded, "bar": _segments(stages, source, run), "total": stages[0]["count"], "accepted": stages[-1]["count"]}


def href(source: Source, run: ImportRun | None, stage: str, reason: str = "") -> str:
    """The page with what a number of the funnel counts; empty where nothing of it is kept (rows known already)."""
    query = {"run": run.pk} if run else {}
    if stage == "imported" and reason:
        return (
            f"{reverse('sources:rejected_rows', args=[source.slug])}?{urlencode({'reason': reason, **query})}" if reason != "known" else ""
        )
    if stage == "screened" and reason != "new":
        asked = {"status": "dropped", "reason": reason} if reason else {"status": "kept"}
        return f"{reverse('sources:posts', args=[source.slug])}?{urlencode(asked | query)}"
    if stage in ("read", "imported"):
        return f"{reverse('sources:posts', args=[source.slug])}{'?' * bool(query)}{urlencode(query)}"
    asked = {"stage": stage, "reason": reason} if reason else {"stage": stage}
    return f"{reverse('annotation:posts_at', args=[source.slug])}?{urlencode(asked | query)}"


def _fate_href(source: Source, run: ImportRun | None, fate: str) -> str:
    query = {"fate": fate, **({"run": run.pk} if run else {})}
    return f"{reverse('annotation:posts_at', args=[source.slug])}?{urlencode(query)}"


def _segments(stages: list[stats.Stage], source: Source, run: ImportRun | None) -> list[dict[str, Any]]:
    """A bar of what became of all rows: whole numbers on a width of BAR, nothing so small that it cannot be seen."""
    fates = {key: n for key, n in stats.fates(stages).items() if n}
    total = sum(fates.values())
    widths = {key: max(LEAST, BAR * n // total) for key, n in fates.items()}
    scale, x, found = BAR / max(1, sum(widths.values())), 0, []
    for key, n in fates.items():
        width = int(widths[key] * scale)
        shape = {"x": x, "width": max(1, width - GAP), "href": _fate_href(source, run, key)}
        found.append({"key": key, "label": FATES[key], "colour": COLOURS[key], "count": n, **shape})
        x += width
    return found


def _worded(stages: list[stats.Stage], source: Source, run: ImportRun | None) -> list[dict[str, Any]]:
    def items(stage: str, counts: stats.Counts) -> list[dict[str, Any]]:
        return [{"reason": r, "label": label_of(stage, r), "count": n, "href": href(source, run, stage, r)} for r, n in counts.items()]

    return [
        {
            **stage,
            "label": STAGES[stage["key"]],
            "href": href(source, run, stage["key"]) if stage["key"] != "read" else "",
            "lost": items(stage["key"], stage["dropped"]),
            "lost_count": sum(stage["dropped"].values()),
            "open": items(stage["key"], stage["waiting"]),
            "colour": _colour(stage["key"]),
        }
        for stage in stages
    ]


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
