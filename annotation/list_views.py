"""The list of items: search, filter, sort, jump by number, and for leads deciding on many at once."""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import rows
from accounts.models import User
from accounts.permissions import role_required
from sources.models import Source

from . import listing
from .forms import BulkForm, ListForm, UndoBulkForm
from .models import Assignment, Pair, Reason
from .screens import user_of
from .wording import LABELS

SHOWN = 50
# Of the drafts of late: models of which there is nothing newer are not asked for.
MODELS = "SELECT DISTINCT model FROM (SELECT model FROM annotation_draft WHERE model <> '' ORDER BY id DESC LIMIT 2000) late"


@require_safe
@role_required("reviewer")
def items(request: HttpRequest) -> HttpResponse:
    """One page of items; whether there are more is known from one row more, so that nothing is counted."""
    return list_page(request, ListForm(request.GET))


@require_safe
@role_required("reviewer")
def find(request: HttpRequest) -> HttpResponse:
    """Ctrl K: a number goes to that item, anything else is searched for."""
    text = request.GET.get("q", "").strip()
    pair = Pair.objects.for_user(user_of(request)).filter(pk=listing.number_in(text) or 0).first()
    if pair and pair.status == Pair.Status.PENDING:
        return redirect(reverse("annotation:review") + f"?pair={pair.pk}")
    if pair:
        return redirect("annotation:history", pair.pk)
    url = reverse("annotation:items")
    query = request.GET.copy()
    query["search"] = query.pop("q", [""])[0]
    return redirect(f"{url}?{query.urlencode()}")


@require_POST
@role_required("lead")
def bulk(request: HttpRequest) -> HttpResponse:
    """Accept or reject the items that are ticked."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        return list_page(request, ListForm(request.GET), status=400, errors=form.errors)
    data = form.cleaned_data
    done = listing.decide_many(
        data["pairs"], by=user_of(request), batch=data["batch"], verdict=data["verdict"], reasons=data["reasons"], comment=data["comment"]
    )
    return list_page(request, ListForm(request.GET), done=done, batch_done=data["batch"], verdict=data["verdict"])


@require_POST
@role_required("lead")
def undo_bulk(request: HttpRequest) -> HttpResponse:
    form = UndoBulkForm(request.POST)
    if not form.is_valid():
        return list_page(request, ListForm(request.GET), status=400, errors=form.errors)
    undone = listing.undo_many(form.cleaned_data["pairs"], by=user_of(request), batch=form.cleaned_data["batch"])
    return list_page(request, ListForm(request.GET), undone=undone)


def list_page(request: HttpRequest, form: ListForm, *, status: int = 200, **extra: Any) -> HttpResponse:
    user = user_of(request)
    asked = form.cleaned_data if form.is_valid() else {}
    number = asked.get("page") or 1
    pairs = list(listing.found(user, asked)[(number - 1) * SHOWN : number * SHOWN + 1])
    query = request.GET.copy()
    query.pop("page", None)
    if user.has_role("lead"):
        _with_holders(pairs[:SHOWN])
    context = {
        "form": form, "asked": asked, "pairs": pairs[:SHOWN], "more": len(pairs) > SHOWN, "number": number, "query": query.urlencode(),
        "reasons": Reason.choices, "is_lead": user.has_role("lead"), "batch": uuid.uuid4(), **_choices(user), **extra,
    }  # fmt: skip
    return render(request, "annotation/items.html", context, status=status)


def _with_holders(pairs: list[Pair]) -> None:
    """Who sits at each, undecided, or is named for it."""
    held: dict[int, list[Assignment]] = {}
    for seat in Assignment.objects.live().filter(pair__in=pairs, review=None).select_related("reviewer").order_by("seat"):
        held.setdefault(seat.pair_id, []).append(seat)
    for pair in pairs:
        pair.held = held.get(pair.pk, [])  # type: ignore[attr-defined]


def _choices(user: User) -> dict[str, Any]:
    people: QuerySet[User] = User.objects.filter(is_active=True) if user.has_role("lead") else User.objects.filter(pk=user.pk)
    models = sorted(model for (model,) in rows.read(MODELS, []))
    return {
        "sources": Source.objects.for_user(user), "people": people.order_by("username").values_list("username", flat=True)[:500],
        "statuses": Pair.Status.choices, "checks": [(name, str(label)) for name, label in LABELS.items()], "models": models,
    }  # fmt: skip
