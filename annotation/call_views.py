"""The page of calls that want a person (of unknown fate, or without a draft), and releasing them."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.permissions import role_required
from sources.jobs import send_hint

from . import call_queue
from .call_filters import calls_of, choices
from .releasing import Done
from .releasing import release_many as release_calls
from .tasks import draft_run

PAGE = 50


@role_required("admin")
@require_safe
def calls(request: HttpRequest) -> HttpResponse:
    """`?kind=unknown|without|attempts`, `?code=`, `?source=`, `?model=`, `?days=`, `?run=`."""
    user: User = request.user  # type: ignore[assignment]
    asked = request.GET.dict()
    visible = calls_of(user, asked)
    counts = call_queue.counts(visible)
    kind = asked.get("kind", "")
    if kind not in call_queue.KINDS:
        kind = next((kind for kind in call_queue.KINDS if counts[kind]), call_queue.UNKNOWN)
    code = asked.get("code", "").replace("\0", "")
    found = call_queue.queue(visible, kind, code).select_related("pair", "post", "run__source", "price").defer("raw").order_by("-pk")
    page = Paginator(found, PAGE).get_page(asked.get("page"))
    context = {"kind": kind, "counts": counts, "groups": call_queue.groups(visible, kind), "page": page, "asked": asked, "code": code}
    context |= {"kept_fields": [(name, asked[name]) for name in ("kind", "run") if asked.get(name)]}
    return render(request, "annotation/calls.html", context | choices(user))


@role_required("admin")
@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a call of unknown fate again, possibly paying twice."""
    user: User = request.user  # type: ignore[assignment]
    call = get_object_or_404(calls_of(user, {}), pk=pk)
    _told(request, release_calls([call.pk], by=user))
    return redirect("annotation:draft_run", call.run_id or 0)


@role_required("admin")
@require_POST
def release_many(request: HttpRequest) -> HttpResponse:
    """The chosen ones of the list."""
    numbers = [int(pk) for pk in request.POST.getlist("call") if pk.isascii() and pk.isdecimal() and len(pk) < 18]
    done = release_calls(numbers, by=request.user)  # type: ignore[arg-type]
    _told(request, done)
    if not done.released:
        messages.info(request, _("Nothing was released. Choose the calls first."))
    return redirect("annotation:draft_calls")


def _told(request: HttpRequest, done: Done) -> None:
    for call in done.released:
        send_hint(draft_run, call.run_id or 0)
    if done.refused:
        messages.warning(request, done.refused[-1][1], extra_tags="warn")
    if n := len(done.released):
        messages.success(request, ngettext("%(n)s call is sent again.", "%(n)s calls are sent again.", n) % {"n": n}, extra_tags="ok")
