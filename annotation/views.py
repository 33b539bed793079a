"""The review page. Every act is a form that works alone, with a redirect; asked by the page's own script, it answers with the
next screen instead, so that one item follows the other without a page load."""

from __future__ import annotations

import uuid
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.permissions import role_required
from sources.models import Source

from . import desk, reviewing
from .forms import DecisionForm, SeatForm, TextsForm, UndoForm
from .item import Item, taken_back
from .models import Assignment, Pair, Reason, Review
from .reviewing import LostSeat, Refused, SameKeyOtherBody

STATUS: dict[type[Refused], int] = {LostSeat: 409, SameKeyOtherBody: 422, reviewing.CannotUndo: 409}
NOTICES = {LostSeat: "lost", SameKeyOtherBody: "saved"}


def of_the_page(request: HttpRequest) -> bool:
    """Whether the page's own script asks, which puts the answer into the page."""
    return request.headers.get("X-Requested-With") == "fetch"


@require_safe
@role_required("reviewer")
def review(request: HttpRequest) -> HttpResponse:
    """The next item for this person: the one they hold already, so that a reload shows it again."""
    return _screen(request, _wish(request, request.GET))


@require_POST
@role_required("reviewer")
def decide(request: HttpRequest) -> HttpResponse:
    """Accept, edit or reject. A refusal keeps what was typed on the screen."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    pair = get_object_or_404(Pair.objects.for_user(_user(request)), pk=form.cleaned_data["pair"])
    try:
        made = reviewing.decide(pair.pk, by=_user(request), **form.decision(pair))
    except Refused as refusal:
        return _refuse(request, refusal, form)
    return _go_on(request, told=_told(made))


@require_POST
@role_required("reviewer")
def skip(request: HttpRequest) -> HttpResponse:
    form = SeatForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    try:
        reviewing.skip(form.cleaned_data["assignment"], by=_user(request))
    except Refused as refusal:
        return _refuse(request, refusal, form)
    return _go_on(request, told={"verdict": "skip", "text": _("Skipped. It comes back at the end."), "undo": False})


@require_POST
@role_required("reviewer")
def undo(request: HttpRequest) -> HttpResponse:
    """Take a decision back, and show its item again."""
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    try:
        entry = reviewing.undo(form.cleaned_data["review"], by=_user(request), op_id=form.cleaned_data["op_id"])
    except Refused as refusal:
        return _refuse(request, refusal, form)
    return _go_on(request, told={"verdict": "undo", "text": _("Taken back."), "undo": False}, pair_id=entry.pair_id)


@require_POST
@role_required("reviewer")
def renew(request: HttpRequest) -> HttpResponse:
    form = SeatForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    try:
        seat = reviewing.renew(form.cleaned_data["assignment"], by=_user(request), token=form.cleaned_data["token"])
    except Refused as refusal:
        return _refuse(request, refusal, form)
    if of_the_page(request):
        return JsonResponse({"left": Item(seat, _user(request)).left})
    return _go_on(request, pair_id=seat.pair_id)


@require_POST
@role_required("reviewer")
def diff(request: HttpRequest) -> HttpResponse:
    """What has changed so far, what the checks say to it, and how it reads. Nothing is saved."""
    form = TextsForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    seat = get_object_or_404(_seats(_user(request)), pk=form.cleaned_data["assignment"], pair=form.cleaned_data["pair"])
    return render(request, "annotation/_preview.html", {"item": Item(seat, _user(request), typed=form.texts())})


@require_POST
@role_required("reviewer")
def keys(request: HttpRequest) -> HttpResponse:
    """Switch the single keys on or off, for this account."""
    user = _user(request)
    user.preferences["single_keys"] = request.POST.get("on") == "1"
    user.save(update_fields=["preferences"])
    return HttpResponse(status=204)


# --- the screen ----------------------------------------------------------------------------------------------------------


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


def _seats(user: User) -> Any:
    visible = Pair.objects.for_user(user)
    return Assignment.objects.filter(reviewer=user, pair__in=visible).select_related("pair__source", "pair__post__run")


def _wish(request: HttpRequest, data: Any) -> Source | None:
    """The source that the reviewer wants to stay in."""
    slug = data.get("source", "")
    return get_object_or_404(Source.objects.for_user(_user(request)), slug=slug) if slug else None


def _screen(request: HttpRequest, source: Source | None, *, pair_id: int | None = None, status: int = 200, **extra: Any) -> HttpResponse:
    """The page, or its inside: the seat that `claim` gives, and the desk around it."""
    user = _user(request)
    pair_id = pair_id or _number(request.GET.get("pair"))
    claimed = reviewing.claim(user, pair_id=pair_id) if pair_id else None
    claimed = claimed or reviewing.claim(user, source=source)
    seat = _seats(user).get(pk=claimed.pk) if claimed else None
    item = Item(seat, user, typed=taken_back(seat.pair, user)) if seat else None
    return _show(request, item, source, status, **extra)


def _show(request: HttpRequest, item: Item | None, source: Source | None, status: int = 200, **extra: Any) -> HttpResponse:
    user = _user(request)
    found = desk.queues(user)
    everything = desk.everything(found)
    queue = everything if source is None else next((q for q in found if q.slug == source.slug), desk.Queue(source.slug, source.name))
    context = {"item": item, "queue": queue, "queues": found, "all": everything, "reasons": Reason.choices, **_own(user, queue), **extra}
    if item is None:
        ended = desk.fate(user, queue.slug)
        idle = "done" if queue.total else "drafting" if queue.drafting else "empty"
        context |= {"idle": idle, "fate": ended, "grid": desk.grid(ended), "is_admin": user.has_role("admin")}
    template = "annotation/_screen.html" if of_the_page(request) else "annotation/review.html"
    return render(request, template, context, status=status)


def _own(user: User, queue: desk.Queue) -> dict[str, Any]:
    day = desk.today(user)
    recent = list(reviewing.undoable(user)[:5])
    for entry in recent:
        entry.fresh_op_id = uuid.uuid4()  # type: ignore[attr-defined]
    return {
        "day": day, "day_done": len(day.cells), "recent": recent, "strip": range(39 - len(day.cells)),
        "minutes_left": -(-(day.seconds or 0) * queue.left // 60),
        "single_keys": user.preferences.get("single_keys", True),
    }  # fmt: skip


def _go_on(request: HttpRequest, *, told: dict[str, Any] | None = None, pair_id: int | None = None) -> HttpResponse:
    """The next screen for the script, a redirect to it for everybody else."""
    source = _wish(request, request.POST)
    if of_the_page(request):
        return _screen(request, source, pair_id=pair_id, told=told)
    query = {"source": source.slug if source else "", "pair": pair_id}
    return redirect(reverse("annotation:review") + "?" + urlencode({name: value for name, value in query.items() if value}))


def _refuse(request: HttpRequest, refusal: Refused, form: forms.Form) -> HttpResponse:
    """Say why not. Without the script, the screen comes again with what was typed on it."""
    status = next((code for kind, code in STATUS.items() if isinstance(refusal, kind)), 400)
    notice = {"code": next((c for kind, c in NOTICES.items() if isinstance(refusal, kind)), "refused"), "message": refusal.message}
    if of_the_page(request):
        return JsonResponse(notice | {"reason": refusal.code}, status=status)
    seat = _seats(_user(request)).filter(pk=form.cleaned_data.get("assignment", 0), review=None).first()
    if seat is None or not isinstance(form, TextsForm):
        return _screen(request, _wish(request, request.POST), status=status, notice=notice)
    item = Item(seat, _user(request), typed=form.texts(), editing=True, op_id=str(form.cleaned_data.get("op_id") or uuid.uuid4()))
    return _show(request, item, _wish(request, request.POST), status, notice=notice)


def _malformed(form: forms.Form) -> Refused:
    return Refused("malformed", _("This form is not complete: %(fields)s.") % {"fields": ", ".join(form.errors)})


def _told(made: Review) -> dict[str, Any]:
    """What the toast says of a decision."""
    if made.verdict == Review.Verdict.REJECT:
        labels = [str(Reason(code).label) for code in made.reasons]
        return {"verdict": "reject", "text": _("Rejected: %(reasons)s") % {"reasons": _(", ").join(labels)}, "undo": True}
    text = _("Accepted") if made.verdict == Review.Verdict.ACCEPT else _("Edited and accepted")
    return {"verdict": made.verdict, "text": text, "undo": True}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
