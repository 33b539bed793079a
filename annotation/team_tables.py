"""The team's numbers as tables: what stands behind a chart, and what is downloaded. One shape for all of them.

The first column says what a row is about. The values are plain: a page words them, a file has them as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sources.spreadsheets import safe

from . import scorecard, team, team_costs
from .models import Reason

NONE_OF_A_MODEL = gettext_lazy("The source's own answer")


@dataclass(frozen=True)
class Column:
    """`kind` says how a page shows it: text, date, count, share, number or money."""

    name: str  # in a file
    label: str
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        return self.kind not in ("text", "date")


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    columns: list[Column]
    rows: list[list[Any]] = field(default_factory=list)

    def cells(self) -> list[list[tuple[Column, Any]]]:
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Found:
    """All that a table may be made of."""

    figures: team.Figures
    spent: list[team_costs.Spent]
    scores: list[scorecard.Score]


def days(found: Found) -> Table:
    return _verdicts("days", _("Decisions per day"), Column("day", _("Day"), "date"), found.figures.days.items())


def people(found: Found) -> Table:
    return _verdicts("people", _("Reviewers"), Column("person", _("Reviewer")), found.figures.people.items())


def people_by_day(found: Found) -> Table:
    table = days(found)
    rows = [[day, name, *_counts(tally)] for (day, name), tally in found.figures.people_by_day.items()]
    return Table(
        "people_by_day", _("Decisions per day and person"), [table.columns[0], Column("person", _("Reviewer")), *table.columns[1:]], rows
    )


def sources(found: Found) -> Table:
    return _verdicts(
        "sources", _("Results by source"), Column("source", _("Source")), ((s.name, tally) for s, tally in found.figures.sources)
    )


def models(found: Found) -> Table:
    rows = ((name or str(NONE_OF_A_MODEL), tally) for name, tally in found.figures.models.items())
    return _verdicts("models", _("Results by model"), Column("model", _("Model")), rows)


def prompts(found: Found) -> Table:
    rows = ((name or _("None: the source's own answer"), tally) for name, tally in found.figures.prompts.items())
    return _verdicts("prompts", _("Results by prompt"), Column("prompt", _("Prompt")), rows)


def pace(found: Found) -> Table:
    edges = [*map(str, team.EDGES), ""]
    rows: list[list[Any]] = [
        [f"{low}–{high}" if high else f"{low}+", n] for low, high, n in zip(edges, edges[1:], found.figures.pace, strict=False)
    ]
    return Table("pace", _("Seconds per decision"), [Column("seconds", _("Seconds")), Column("decisions", _("Decisions"), "count")], rows)


def costs(found: Found) -> Table:
    columns = [
        Column("source", _("Source")), Column("accepted", _("Accepted"), "count"), Column("rejected", _("Rejected"), "count"),
        Column("cost", _("Cost"), "money"), Column("unpriced", _("Calls of unknown price"), "count"),
        Column("per_accepted", _("Per accepted pair"), "money"),
    ]  # fmt: skip
    rows = [
        [one.source.name if one.source else "", one.accepted, one.rejected, one.amounts, one.unpriced, one.per_accepted]
        for one in found.spent
    ]
    return Table("costs", _("Cost per accepted pair"), columns, rows)


def scores(found: Found) -> Table:
    reasons = [code for code in Reason.values if code in scorecard.reasons_of(found.scores)]
    columns = [
        Column("model", _("Model")), Column("prompt", _("Prompt")), Column("source", _("Source")),
        Column("offered", _("Drafts"), "count"), Column("decided", _("Decided"), "count"),
        Column("accepted", _("Accepted unchanged"), "count"), Column("edited", _("Edited"), "count"),
        Column("rejected", _("Rejected"), "count"),
        Column("unchanged_share", _("Accepted unchanged"), "share"), Column("edit_distance", _("Edited, characters"), "number"),
        Column("seconds", _("Median seconds"), "number"), Column("cost_per_row", _("Per accepted row"), "money"),
    ] + [Column(code, str(Reason(code).label), "count") for code in reasons]  # fmt: skip
    rows = [
        [
            one.model, one.prompt, one.source, one.offered, one.decided, one.accepted, one.edited, one.rejected, one.unchanged_share,
            one.distance, one.seconds, one.cost_per_row, *(one.reasons.get(code, 0) for code in reasons),
        ]
        for one in found.scores
    ]  # fmt: skip
    return Table("scorecard", _("Scorecard"), columns, rows)


TABLES: dict[str, Callable[[Found], Table]] = {
    "days": days, "people": people, "people_by_day": people_by_day, "sources": sources, "models": models, "prompts": prompts, "pace": pace,
    "costs": costs, "scorecard": scores,
}  # fmt: skip


def _verdicts(name: str, title: str, first: Column, rows: Iterable[tuple[Any, team.Tally]]) -> Table:
    columns = [
        first, Column("decided", _("Decisions"), "count"), Column("accepted", _("Accepted"), "count"),
        Column("edited", _("Edited"), "count"), Column("rejected", _("Rejected"), "count"),
        Column("seconds", _("Median seconds"), "number"),
    ]  # fmt: skip
    return Table(name, title, columns, [[key, *_counts(tally)] for key, tally in rows])


def _counts(tally: team.Tally) -> list[Any]:
    return [tally.decided, tally.accepted, tally.edited, tally.rejected, tally.seconds]


def as_csv(table: Table) -> str:
    """For people with spreadsheets: nothing in it is computed when it is opened."""
    out = io.StringIO("\ufeff")
    out.seek(0, io.SEEK_END)
    lines = csv.writer(out)
    lines.writerow(column.name for column in table.columns)
    lines.writerows([safe(_plain(value)) for value in row] for row in table.rows)
    return out.getvalue()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return " + ".join(f"{currency} {Decimal(amount):f}".strip() for currency, amount in sorted(value.items()))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
