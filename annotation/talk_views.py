"""Pages about one pair besides deciding on it: comments, mentions, its history, and the wish for another draft."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import role_required
from sources.jobs import send_hint

from . import diffing, redrafting, refusals, rendering, returning, talking
from .forms import CommentForm, RedraftForm
from .models import Pair
from .screens import of_the_page, seats_of, user_of
from .seats import Refused
from .tasks import draft_run


def _pair(request: HttpRequest, pk: int) -> Pair:
    return get_object_or_404(Pair.objects.for_user(user_of(request)).select_related("source", "post__run"), pk=pk)


@require_POST
@role_required("reviewer")
def comment(request: HttpRequest) -> HttpResponse:
    """Say something about an item. The script gets the comments as they are now."""
    form = CommentForm(request.POST)
    pair = _pair(request, form.cleaned_data["pair"]) if form.is_valid() else None
    if pair is None:
        return JsonResponse({"code": "refused", "message": _("Write something first.")}, status=400)
    try:
        talking.comment(pair, by=user_of(request), text=form.cleaned_data["text"], op_id=form.cleaned_data["op_id"])
    except Refused as refusal:
        return JsonResponse({"code": "refused", "message": refusal.message, "reason": refusal.code}, status=400)
    if not of_the_page(request):
        return redirect(reverse("annotation:review") + f"?pair={pair.pk}")
    comments = talking.comments(pair, user_of(request))
    return render(request, "annotation/_comments.html", {"pair": pair, "comments": comments})


@require_safe
@role_required("reviewer")
def mentions(request: HttpRequest) -> HttpResponse:
    """Where one is named. What is new is marked, and no longer new the next time."""
    user = user_of(request)
    page = Paginator(talking.mentions(user), 30).get_page(request.GET.get("page"))
    found = list(page.object_list)
    response = render(request, "annotation/mentions.html", {"page": page, "mentions": found})
    talking.read_mentions(user)
    return response


@require_safe
@role_required("reviewer")
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """All versions of an item's texts, and what differs between any two: the last two unless `a` and `b` name others."""
    pair = _pair(request, pk)
    texts = talking.versions(pair, user_of(request))
    named = {text.key: text for text in texts}
    new = named.get(request.GET.get("b", ""), texts[-1] if texts else None)
    old = named.get(request.GET.get("a", ""), texts[-2] if len(texts) > 1 else new)
    context: dict[str, Any] = {"pair": pair, "versions": texts, "a": old, "b": new, "open": talking.may_see_all(pair, user_of(request))}
    if old and new:
        told = [name for name in new.texts if old.texts[name] or new.texts[name]]
        context["changes"] = {name: rendering.changes(diffing.diff(old.texts[name], new.texts[name])) for name in told}
    context["returnable"] = returning.returnable(pair, user_of(request))
    return render(request, "annotation/history.html", context | {"comments": talking.comments(pair, user_of(request))})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("reviewer")
def redraft(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another draft, with a note on what should be different and a hint. Whoever asks holds the item."""
    pair = _pair(request, pk)
    held = seats_of(user_of(request)).filter(pair=pair, review=None)
    if request.method != "POST":
        return render(request, "annotation/redraft.html", {"pair": pair, "seat": get_object_or_404(held)})
    form = RedraftForm(request.POST)
    if not form.is_valid() or not held.filter(pk=form.cleaned_data["assignment"], token=form.cleaned_data["token"]).exists():
        return _refused(request, pair, _("This item is no longer reserved for you."), 409)
    try:
        run = redrafting.redraft(pair, by=user_of(request), note=form.cleaned_data["note"], hint=form.cleaned_data["hint"])
    except refusals.Refused as refusal:
        return _refused(request, pair, str(refusal), 409 if isinstance(refusal, refusals.StaleState) else 400)
    send_hint(draft_run, run.pk)
    if of_the_page(request):
        return JsonResponse({"pair": pair.pk})
    messages.success(request, _("A new draft is being written. The item comes back when it is there."))
    return redirect(reverse("annotation:review") + f"?source={pair.source.slug}")


def _refused(request: HttpRequest, pair: Pair, message: str, status: int) -> HttpResponse:
    if of_the_page(request):
        return JsonResponse({"code": "refused", "message": message}, status=status)
    messages.error(request, message)
    return redirect(reverse("annotation:review") + f"?pair={pair.pk}")
