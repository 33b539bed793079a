"""Pages of leads about who does what: many items at once from the list, and one decision sent back to its author."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import role_required

from . import returning, steering
from .forms import ListForm, ReturnForm, SteerForm, UndoBulkForm
from .list_views import list_page
from .models import Pair, Reason, Review
from .screens import user_of
from .seats import Refused


@require_POST
@role_required("lead")
def steer(request: HttpRequest) -> HttpResponse:
    """Name somebody for the ticked items, free their seats, open them again, or send them back."""
    form = SteerForm(request.POST)
    if not form.is_valid():
        return list_page(request, ListForm(request.GET), status=400, errors=form.errors)
    data = form.cleaned_data
    to = User.objects.filter(username=data["to"]).first() if data["to"] else None
    done = steering.steer(data["pairs"], data["act"], by=user_of(request), batch=data["batch"], to=to, note=data["note"])
    return list_page(request, ListForm(request.GET), steered=done, batch_done=data["batch"], act=data["act"], to=to)


@require_POST
@role_required("lead")
def close(request: HttpRequest) -> HttpResponse:
    """Take back that items were opened again."""
    form = UndoBulkForm(request.POST)
    if not form.is_valid():
        return list_page(request, ListForm(request.GET), status=400, errors=form.errors)
    closed = steering.close_many(form.cleaned_data["pairs"], by=user_of(request), batch=form.cleaned_data["batch"])
    return list_page(request, ListForm(request.GET), closed=closed)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("reviewer")
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision goes back to its author, with the reason."""
    user = user_of(request)
    review = get_object_or_404(Review.objects.select_related("pair__source", "by"), pk=pk, pair__in=Pair.objects.for_user(user))
    form = ReturnForm(request.POST or None)
    if not returning.may_send_back(review.pair, user):
        raise PermissionDenied
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            returning.send_back(pk, by=user, op_id=data["op_id"], reasons=data["reasons"], comment=data["comment"])
        except Refused as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("#%(n)s is back with its author, before all other items.") % {"n": review.pair_id})
            return redirect("annotation:history", review.pair_id)
    named = review.pair.status != Pair.Status.DISPUTED or review.pair.source.names_shown
    context = {"review": review, "pair": review.pair, "form": form, "named": named, "reasons": Reason.choices, "op_id": uuid.uuid4()}
    return render(request, "annotation/send_back.html", context, status=400 if form.errors else 200)
