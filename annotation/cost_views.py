"""Pages of numbers: what drafting cost, and how drafts fared with reviewers."""

import csv

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import role_required
from sources.spreadsheets import safe

from . import charts, costs, scorecard
from .call_filters import calls_of, choices
from .model_forms import CapForm


@role_required("admin")
@require_safe
def cost_page(request: HttpRequest) -> HttpResponse:
    """`?format=csv` gives the lines as a file."""
    user: User = request.user  # type: ignore[assignment]
    asked = request.GET.dict()
    lines = costs.lines(calls_of(user, asked))
    if asked.get("format") == "csv":
        return as_csv(lines)
    months = costs.grouped(lines, lambda line: line.month)
    context = {
        "lines": lines, "total": costs.total(lines), "asked": asked, "charts": charts.by_month(months), "months": months,
        "by_source": costs.grouped(lines, lambda line: line.source), "by_model": costs.grouped(lines, lambda line: line.model),
        "caps": costs.caps(), "cap_form": CapForm(user, initial={"per": "day", "currency": "CNY"}),
    }  # fmt: skip
    return render(request, "annotation/costs.html", context | choices(user))


def as_csv(lines: list[costs.Line]) -> HttpResponse:
    """One row per line and currency. A cell that a spreadsheet would run gets an apostrophe before it."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="costs.csv"'})
    response.write("\ufeff")
    rows = csv.writer(response)
    rows.writerow(["month", "source", "model", "purpose", "calls", "tokens_in", "tokens_out", "currency", "cost", "unpriced", "unknown"])
    for line in lines:
        for currency, amount in sorted(line.cost.amounts.items()) or (("", ""),):
            named = [safe(cell) for cell in (line.source, line.model, line.purpose)]
            cost = line.cost
            counted = [cost.calls, cost.tokens_in, cost.tokens_out, currency, amount, cost.unpriced, cost.unknown]
            rows.writerow([f"{line.month:%Y-%m}", *named, *counted])
    return response


@role_required("admin")
@require_safe
def scorecard_page(request: HttpRequest) -> HttpResponse:
    user: User = request.user  # type: ignore[assignment]
    asked = request.GET.dict()
    scores = scorecard.scorecard(calls_of(user, asked))
    context = {"scores": scores, "reasons": scorecard.reasons_of(scores), "asked": asked, "few": scorecard.FEW}
    return render(request, "annotation/scorecard.html", context | choices(user))
