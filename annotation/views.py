"""The review page. Every act is a form that works alone, with a redirect; asked by the page's own script, it answers with the
next screen instead, so that one item follows the other without a page load."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import reviewing
from .autosaving import autosave as keep_text
from .forms import AutosaveForm, DecisionForm, MendForm, SeatForm, TextsForm, UndoForm
from .item import Item
from .models import Pair, Review
from .preferences import remapped
from .reviewing import LostSeat, Refused, SameKeyOtherBody, Stale
from .screens import answer, of_the_page, screen, seats_of, show, user_of, wish

STATUS: dict[type[Refused], int] = {LostSeat: 409, Stale: 409, SameKeyOtherBody: 422, reviewing.CannotUndo: 409}
NOTICES = {LostSeat: "lost", SameKeyOtherBody: "saved", Stale: "stale"}


@require_safe
@role_required("reviewer")
def review(request: HttpRequest) -> HttpResponse:
    """The next item for this person: the one they hold already, so that a reload shows it again."""
    return screen(request, wish(request, request.GET))


@require_POST
@role_required("reviewer")
def decide(request: HttpRequest) -> HttpResponse:
    """Accept, edit or reject. A refusal keeps what was typed on the screen."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    pair = get_object_or_404(Pair.objects.for_user(user_of(request)), pk=form.cleaned_data["pair"])
    try:
        made = reviewing.decide(pair.pk, by=user_of(request), **form.decision(pair))
    except Refused as refusal:
        return _refuse(request, refusal, form)
    return _go_on(request, made=made)


@require_POST
@role_required("reviewer")
def skip(request: HttpRequest) -> HttpResponse:
    form = SeatForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    try:
        reviewing.skip(form.cleaned_data["assignment"], by=user_of(request))
    except Refused as refusal:
        return _refuse(request, refusal, form)
    return _go_on(request)


@require_POST
@role_required("reviewer")
def undo(request: HttpRequest) -> HttpResponse:
    """Take a decision back, and show its item again."""
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    try:
        entry = reviewing.undo(_undone(request, form), by=user_of(request), op_id=form.cleaned_data["op_id"])
    except Refused as refusal:
        return _refuse(request, refusal, form)
    return _go_on(request, pair_id=entry.pair_id)


@require_POST
@role_required("reviewer")
def renew(request: HttpRequest) -> HttpResponse:
    form = SeatForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    try:
        seat = reviewing.renew(form.cleaned_data["assignment"], by=user_of(request), token=form.cleaned_data["token"])
    except Refused as refusal:
        return _refuse(request, refusal, form)
    if of_the_page(request):
        return JsonResponse({"left": Item(seat, user_of(request)).left})
    return _go_on(request, pair_id=seat.pair_id)


@require_POST
@role_required("reviewer")
def diff(request: HttpRequest) -> HttpResponse:
    """What has changed so far, what the checks say to it, and how it reads. Nothing is saved."""
    form = TextsForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    seat = get_object_or_404(seats_of(user_of(request)), pk=form.cleaned_data["assignment"], pair=form.cleaned_data["pair"])
    item = Item(seat, user_of(request), typed=form.texts(), chosen=form.cleaned_data["draft"])
    item.by_sentence = request.POST.get("by") == "sentence"
    return render(request, "annotation/_preview.html", {"item": item})


@require_POST
@role_required("reviewer")
def mend(request: HttpRequest) -> HttpResponse:
    """The texts with what one key may mend. Nothing is saved: the script puts them into the editor, and without it they are shown there."""
    form = MendForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    user, data = user_of(request), form.cleaned_data
    seat = get_object_or_404(seats_of(user), pk=data["assignment"], pair=data["pair"])
    texts = form.mended()
    if of_the_page(request):
        return JsonResponse({"texts": texts})
    item = Item(seat, user, typed=texts, chosen=data["draft"], editing=True)
    return show(request, item, wish(request, request.POST))


@require_POST
@role_required("reviewer")
def ahead(request: HttpRequest) -> HttpResponse:
    """For the script: the next items, reserved and ready."""
    return answer(request, wish(request, request.POST), pair_id=_pair_asked(request))


@require_POST
@role_required("reviewer")
def autosave(request: HttpRequest) -> HttpResponse:
    """Keep what is typed. Tells whether it was kept, the number of what is, and the seconds left of the seat."""
    form = AutosaveForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _malformed(form), form)
    user, data = user_of(request), form.cleaned_data
    try:
        kept = keep_text(data["pair"], by=user, assignment=data["assignment"], token=data["token"], seq=data["seq"], texts=form.texts())
    except Refused as refusal:
        if refusal.code == "decided" and of_the_page(request):  # the decision overtook it: nothing is wrong, nothing to keep
            return JsonResponse({"saved": False, "decided": True})
        return _refuse(request, refusal, form)
    if not of_the_page(request):
        return _go_on(request, pair_id=data["pair"])
    return JsonResponse({"saved": kept.saved, "seq": kept.seq, "left": Item(kept.held, user).left if kept.held else None})


@require_POST
@role_required("reviewer")
def keys(request: HttpRequest) -> HttpResponse:
    """Switch the single keys on or off, or give an act another key, for this account."""
    user = user_of(request)
    if "on" in request.POST:
        user.preferences["single_keys"] = request.POST["on"] == "1"
    user.preferences["keys"] = remapped(user.preferences.get("keys", {}), request.POST)
    user.save(update_fields=["preferences"])
    return HttpResponse(status=204) if of_the_page(request) else redirect("annotation:review")


def _pair_asked(request: HttpRequest) -> int | None:
    text = request.POST.get("show", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _undone(request: HttpRequest, form: UndoForm) -> int:
    """The number of the decision to take back; 0, which is none, for a key that made none."""
    if number := form.cleaned_data["review"]:
        return int(number)
    made = Review.objects.filter(op_id=form.cleaned_data["of"], by=user_of(request)).values_list("pk", flat=True).first()
    return made or 0


def _go_on(request: HttpRequest, *, made: Review | None = None, pair_id: int | None = None) -> HttpResponse:
    """What the script lacks, a redirect to the next screen for everybody else."""
    source = wish(request, request.POST)
    if of_the_page(request):
        return answer(request, source, made=made, pair_id=pair_id)
    query = {"source": source.slug if source else "", "pair": pair_id}
    return redirect(reverse("annotation:review") + "?" + urlencode({name: value for name, value in query.items() if value}))


def _refuse(request: HttpRequest, refusal: Refused, form: forms.Form) -> HttpResponse:
    """Say why not. Without the script, the screen comes again with what was typed on it."""
    status = next((code for kind, code in STATUS.items() if isinstance(refusal, kind)), 400)
    notice = {"code": next((c for kind, c in NOTICES.items() if isinstance(refusal, kind)), "refused"), "message": refusal.message}
    if of_the_page(request):
        return JsonResponse(notice | {"reason": refusal.code}, status=status)
    seat = seats_of(user_of(request)).filter(pk=form.cleaned_data.get("assignment", 0), review=None).first()
    if seat is None or not isinstance(form, TextsForm):
        return screen(request, wish(request, request.POST), status=status, notice=notice)
    op_id = str(uuid.uuid4()) if isinstance(refusal, Stale) else str(form.cleaned_data.get("op_id") or uuid.uuid4())
    item = Item(seat, user_of(request), typed=form.texts(), chosen=form.cleaned_data.get("draft"), editing=True, op_id=op_id)
    return show(request, item, wish(request, request.POST), status, notice=notice)


def _malformed(form: forms.Form) -> Refused:
    return Refused("malformed", _("This form is not complete: %(fields)s.") % {"fields": ", ".join(form.errors)})
