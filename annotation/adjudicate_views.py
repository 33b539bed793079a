"""Disputes: what waits for a lead, and the page on which one is decided. Everything on it works without a script."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import role_required

from . import adjudicating, diffing, rendering, reviewing
from .adjudicating import Version
from .decisions import with_lf
from .folding import TEXTS, texts_of
from .forms import AdjudicationForm, UndoForm
from .models import Pair, Reason, Review
from .preferences import KEYS
from .reviewing import CannotUndo, LostSeat, Refused, SameKeyOtherBody, Stale
from .screens import user_of

STATUS: dict[type[Refused], int] = {LostSeat: 409, Stale: 409, SameKeyOtherBody: 422, CannotUndo: 409}
DRAFT, NOTHING = "draft", "none"  # what the versions can be compared with, besides each other


@dataclass(frozen=True)
class Column:
    """A version beside what it is compared with. `texts` are those of the fields that are worth showing."""

    version: Version
    against: dict[str, str] | None

    @property
    def review(self) -> Review:
        return self.version.review

    @cached_property
    def texts(self) -> dict[str, SafeString]:
        mine = {name: with_lf(text) for name, text in self.review.texts().items()}
        if self.against is None:
            shown = {name: rendering.plain(text) for name, text in mine.items()}
            return {"instruction": shown["instruction"], **({"input": shown["input"]} if mine["input"] else {})}
        changed = {name: diffing.diff(self.against[name], text) for name, text in mine.items() if self.against[name] != text}
        return {name: rendering.changes(segments) for name, segments in changed.items()}


@require_safe
@role_required("lead")
def disputed(request: HttpRequest) -> HttpResponse:
    """What waits for a lead, the oldest first."""
    page = Paginator(adjudicating.disputed(user_of(request)).prefetch_related("reviews__by"), 50).get_page(request.GET.get("page"))
    found = [{"pair": pair, "versions": adjudicating.versions(pair)} for pair in page.object_list]
    context = {"page": page, "found": found, "done": _done(request), **_keys(user_of(request))}
    return render(request, "annotation/disputed.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("lead")
def adjudicate(request: HttpRequest, pk: int) -> HttpResponse:
    """The versions side by side, and the last word."""
    pair = get_object_or_404(Pair.objects.for_user(user_of(request)).select_related("source", "post"), pk=pk)
    if request.method != "POST":
        return _page(request, pair) if pair.status == Pair.Status.DISPUTED else redirect("annotation:history", pk)
    form = AdjudicationForm(request.POST)
    if not form.is_valid():
        return _page(request, pair, 400, message=_("This form is not complete: %(fields)s.") % {"fields": ", ".join(form.errors)})
    try:
        made = adjudicating.adjudicate(pk, by=user_of(request), **form.decision())
    except Refused as refusal:
        status = next((code for kind, code in STATUS.items() if isinstance(refusal, kind)), 400)
        pair.refresh_from_db()
        return _page(request, pair, status, message=refusal.message, typed=form.cleaned_data)
    following = _next(request, pk)
    url = reverse("annotation:adjudicate", args=[following.pk]) if following else reverse("annotation:disputed")
    return redirect(f"{url}?done={made.pk}")


@require_POST
@role_required("lead")
def undo(request: HttpRequest) -> HttpResponse:
    """Take the last word back: the item is disputed again, and on the screen."""
    form = UndoForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    made = get_object_or_404(Review, pk=form.cleaned_data["review"], by=user_of(request))
    try:
        reviewing.undo(made.pk, by=user_of(request), op_id=form.cleaned_data["op_id"])
    except Refused as refusal:
        pair = get_object_or_404(Pair.objects.for_user(user_of(request)).select_related("source", "post"), pk=made.pair_id)
        return _page(request, pair, 409, message=refusal.message)
    return redirect("annotation:adjudicate", made.pair_id)


def _page(request: HttpRequest, pair: Pair, status: int = 200, *, typed: dict[str, Any] | None = None, message: str = "") -> HttpResponse:
    user, versions = user_of(request), adjudicating.versions(pair)
    letters = {version.letter: version for version in versions}
    asked = request.GET.get("against", DRAFT)
    against = asked if asked in (NOTHING, *letters) else DRAFT
    draft, base = _draft(pair, versions), letters.get(request.GET.get("edit", ""))
    texts = draft if against == DRAFT else letters[against].review.texts() if against in letters else None
    kept = next((version for version in versions if version.is_kept), None)
    base = base or kept or (versions[0] if versions else None)
    typed = typed or ({**base.review.texts(), "base": base.review.pk} if base else {**texts_of(pair)})
    waiting = adjudicating.disputed(user)
    context = {
        "pair": pair, "message": message, "done": _done(request), "draft": draft, "against": against, "base": base, "typed": typed,
        "columns": [Column(one, None if one.letter == against else _lf(texts)) for one in versions], "versions": versions,
        "is_open": pair.status == Pair.Status.DISPUTED, "own": any(one.review.by_id == user.pk for one in versions),
        "reasons": Reason.choices, "op_id": uuid.uuid4(), "editing": bool(message) or "edit" in request.GET, "left": waiting.count(),
        "following": _next(request, pair.pk), **_keys(user),
    }  # fmt: skip
    return render(request, "annotation/adjudicate.html", context, status=status)


def _keys(user: User) -> dict[str, Any]:
    return {"keymap": KEYS | user.preferences.get("keys", {}), "single_keys": user.preferences.get("single_keys", True)}


def _lf(texts: dict[str, str] | None) -> dict[str, str] | None:
    return None if texts is None else {name: with_lf(text) for name, text in texts.items()}


def _draft(pair: Pair, versions: list[Version]) -> dict[str, str]:
    """The texts that the reviewers were shown: the pair's, with the draft that they judged, or its newest."""
    judged = next((version.review.draft for version in versions if version.review.draft), None)
    draft = judged or pair.drafts.order_by("-number").first()
    before = versions[0].review.before if versions and versions[0].review.before else texts_of(pair)
    return {name: str(before.get(name, "")) for name in TEXTS} | ({"output": draft.output} if draft else {})


def _next(request: HttpRequest, pk: int) -> Pair | None:
    """The dispute after this one; after the last, the first."""
    waiting = adjudicating.disputed(user_of(request)).exclude(pk=pk)
    return waiting.filter(pk__gt=pk).first() or waiting.first()


def _done(request: HttpRequest) -> dict[str, Any] | None:
    """What was just decided, and whose the versions were: now it may be known."""
    text = request.GET.get("done", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    made = Review.objects.filter(pk=number, by=user_of(request), undone_by=None).select_related("pair__source").first()
    return {"review": made, "versions": adjudicating.versions(made.pair)} if made else None
