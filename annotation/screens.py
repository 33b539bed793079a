"""What the review page shows: the whole screen, or for its own script only what is new on it."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import User
from sources.models import Source

from . import adjudicating, desk, reviewing
from .forms import PageForm
from .item import Item
from .models import Assignment, Pair, Reason, Review
from .preferences import KEYS, goal_of

AT_HAND = 3  # items that a page has: the one it shows, and the next two


def of_the_page(request: HttpRequest) -> bool:
    """Whether the page's own script asks, which puts the answer into the page."""
    return request.headers.get("X-Requested-With") == "fetch"


def user_of(request: HttpRequest) -> User:
    return cast("User", request.user)


def wish(request: HttpRequest, data: Any) -> Source | None:
    """The source that the reviewer wants to stay in."""
    slug = data.get("source", "")
    return get_object_or_404(Source.objects.for_user(user_of(request)), slug=slug) if slug else None


def screen(request: HttpRequest, source: Source | None, *, pair_id: int | None = None, status: int = 200, **extra: Any) -> HttpResponse:
    """The page: the seat that `claim` gives, and the desk around it."""
    user = user_of(request)
    pair_id = pair_id or _number(request.GET.get("pair"))
    seat = reviewing.claim(user, pair_id=pair_id) if pair_id else None
    seat = seat or reviewing.claim(user, source=source)
    return show(request, Item.of(seat, user) if seat else None, source, status, **extra)


def show(request: HttpRequest, item: Item | None, source: Source | None, status: int = 200, **extra: Any) -> HttpResponse:
    user = user_of(request)
    context = _desk(user, source) | {"item": item, "reasons": Reason.choices, **extra}
    if item is None:
        context |= _idle(user, context["queue"])
    return render(request, "annotation/review.html", context, status=status)


def answer(request: HttpRequest, source: Source | None, *, made: Review | None = None, pair_id: int | None = None) -> HttpResponse:
    """For the script: the items that it lacks, and which of those it has are lost. `pair_id` comes first, to be shown now."""
    user, form = user_of(request), PageForm(request.POST)
    have = set(form.cleaned_data["have"]) if form.is_valid() else set()
    lost = _open(user, form) if form.is_valid() else None
    have.discard(lost or 0)
    seats = [seat for seat in [reviewing.claim(user, pair_id=pair_id)] if seat] if pair_id else []
    if not have and not seats and (seat := reviewing.claim(user, source=source)):
        seats.append(seat)
    taken = have | {seat.pk for seat in seats}
    seats += reviewing.reserve(user, AT_HAND - len(taken), source=source, besides=taken)
    queue = {"slug": source.slug if source else ""}
    context: dict[str, Any] = {"items": [Item.of(seat, user) for seat in seats], "reasons": Reason.choices, "queue": queue, "ahead": True}
    context |= {"made": made, "lost": lost, "front": bool(pair_id and seats), "single_keys": True}
    if (not have and not seats) or request.POST.get("rail"):
        context |= _desk(user, source) | {"rail": True}
    if not have and not seats:
        context |= _idle(user, context["queue"])
    return render(request, "annotation/_answer.html", context)


def _open(user: User, form: PageForm) -> int | None:
    """The item that the page has just turned to is looked at from now on. Gives its number when it is somebody else's."""
    opened, token = form.cleaned_data["opened"], form.cleaned_data["opened_token"]
    if not opened or not token:
        return None
    try:
        reviewing.renew(opened, by=user, token=token)
    except reviewing.LostSeat:
        return int(opened)
    return None


def _desk(user: User, source: Source | None) -> dict[str, Any]:
    found = desk.queues(user)
    everything = desk.everything(found)
    queue = everything if source is None else next((q for q in found if q.slug == source.slug), desk.Queue(source.slug, source.name))
    day, goal = desk.today(user), goal_of(user.preferences)
    recent = reviewing.undoable(user)
    return {
        "queue": queue, "queues": found, "all": everything, "day": day, "day_done": len(day.cells), "recent": recent,
        "strip": range(39 - len(day.cells)), "goal": goal, "blank": day.blank(goal), "minutes_left": day.minutes_to(goal),
        "disputes": adjudicating.disputed(user).count() if user.has_role("lead") else 0,
        "single_keys": user.preferences.get("single_keys", True), "keymap": KEYS | user.preferences.get("keys", {}),
    }  # fmt: skip


def _idle(user: User, queue: desk.Queue) -> dict[str, Any]:
    ended = desk.fate(user, queue.slug)
    idle = "done" if queue.total else "drafting" if queue.drafting else "empty"
    return {"idle": idle, "fate": ended, "grid": desk.grid(ended), "is_admin": user.has_role("admin")}


def seats_of(user: User) -> Any:
    visible = Pair.objects.for_user(user)
    return Assignment.objects.filter(reviewer=user, pair__in=visible).select_related("pair__source", "pair__post__run")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
