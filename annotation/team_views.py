"""The lead's page of the team, and its tables as files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.permissions import role_required

from . import team, team_charts, team_costs, team_tables
from .screens import user_of
from .team_forms import DEFAULT, TeamForm


@require_safe
@role_required("lead")
def team_page(request: HttpRequest) -> HttpResponse:
    form, span = asked(request)
    found = found_in(span)
    tables = {name: make(found) for name, make in team_tables.TABLES.items()}
    query = {name: request.GET[name] for name in ("days", "source") if request.GET.get(name)}
    context = {
        "form": form, "span": span, "total": found.figures.total, "tables": tables, "scores": found.scores, "agreed": found.figures.agreed,
        "cost": team_costs.in_all(found.spent), "per_day": round(found.figures.total.decided / span.days), "few": team.FEW,
        "people": _people(found.figures, span), "query": urlencode(query), **_charts(found.figures),
    }  # fmt: skip
    return render(request, "annotation/team.html", context)


@require_safe
@role_required("lead")
def team_file(request: HttpRequest, name: str) -> HttpResponse:
    """One of the tables, for a spreadsheet."""
    if name not in team_tables.TABLES:
        raise Http404
    table = team_tables.TABLES[name](found_in(asked(request)[1]))
    heading = {"Content-Disposition": f'attachment; filename="team-{name}.excel.csv"'}
    return HttpResponse(team_tables.as_csv(table), content_type="text/csv; charset=utf-8", headers=heading)


def asked(request: HttpRequest) -> tuple[TeamForm, team.Span]:
    form = TeamForm(user_of(request), {"days": request.GET.get("days") or DEFAULT, "source": request.GET.get("source", "")})
    if not form.is_valid():
        raise BadRequest
    return form, form.span()


def found_in(span: team.Span) -> team_tables.Found:
    figures = team.figures(span)
    spent = team_costs.spent(span, figures.scores)
    scores = sorted(figures.scores.values(), key=lambda score: (score.source, score.model, score.prompt))
    return team_tables.Found(figures, spent, scores)


def _people(figures: team.Figures, span: team.Span) -> list[dict[str, Any]]:
    days = span.dates()[-team.SPARK :]
    return [
        {
            "name": name,
            "tally": tally,
            "line": team_charts.line([figures.people_by_day.get((day, name), team.Tally()).decided for day in days]),
        }
        for name, tally in figures.people.items()
    ]


def _charts(figures: team.Figures) -> dict[str, Any]:
    days = team_charts.stacked([(_said(day, tally), f"{day:%d}", _parts(tally)) for day, tally in figures.days.items()])
    edges = [*team.EDGES, ""]
    pace = team_charts.stacked(
        [
            (
                ngettext("%(n)s decision", "%(n)s decisions", n) % {"n": n},
                str(low) if high else f"{low}+",
                [0 if low else n, n if low else 0],
            )
            for low, high, n in zip(edges, [*edges[1:], ""], figures.pace, strict=False)
        ],
        ("w", "e"),
    )
    middle = figures.total.seconds
    return {
        "days_chart": days, "pace_chart": pace, "middle": None if middle is None else team_charts.middle_at(middle, team.EDGES, pace),
        "mixes": {
            "sources": _mixes((source.name, tally) for source, tally in figures.sources),
            "models": _mixes(figures.models.items()),
            "prompts": _mixes(figures.prompts.items()),
        },
    }  # fmt: skip


def _mixes(rows: Iterable[tuple[str, team.Tally]]) -> list[tuple[Any, team.Tally, Any]]:
    return [(name or team_tables.NONE_OF_A_MODEL, tally, team_charts.mix(_parts(tally))) for name, tally in rows]


def _parts(tally: team.Tally) -> tuple[int, int, int]:
    return tally.accepted, tally.edited, tally.rejected


def _said(day: Any, tally: team.Tally) -> str:
    counts = {"day": date_format(day, "MONTH_DAY_FORMAT"), "a": tally.accepted, "e": tally.edited, "r": tally.rejected}
    return _("%(day)s: %(a)s accepted, %(e)s edited, %(r)s rejected") % counts
