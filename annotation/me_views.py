"""A reviewer's own days: nobody else's are on it."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import desk, team_charts
from .preferences import GOALS, goal_of, set_goal
from .screens import user_of

DAYS = 30


@require_safe
@role_required("reviewer")
def my_days(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    past, day, goal = desk.days(user, DAYS), desk.today(user), goal_of(user.preferences)
    context = {
        "past": past, "day": day, "day_done": len(day.cells), "goal": goal, "goals": GOALS, "blank": day.blank(goal),
        "minutes_left": day.minutes_to(goal), "chart": _chart(past), "week": sum(one.decided for one in past[:7]),
        "all": sum(one.decided for one in past), "worked": sum(1 for one in past if one.decided),
    }  # fmt: skip
    return render(request, "annotation/me.html", context)


@require_POST
@role_required("reviewer")
def choose_goal(request: HttpRequest) -> HttpResponse:
    """How many decisions one wants to make a day: one of GOALS."""
    try:
        set_goal(user_of(request), int(request.POST.get("goal", "")))
    except ValueError:
        raise BadRequest from None
    return redirect("annotation:me")


def _chart(past: list[desk.Past]) -> team_charts.Columns:
    return team_charts.stacked([(_said(one), f"{one.day:%d}", (one.accept, one.edit, one.reject)) for one in reversed(past)])


def _said(one: desk.Past) -> str:
    counts = {"day": date_format(one.day, "MONTH_DAY_FORMAT"), "a": one.accept, "e": one.edit, "r": one.reject}
    return _("%(day)s: %(a)s accepted, %(e)s edited, %(r)s rejected") % counts
