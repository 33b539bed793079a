"""Pages of previews: what screening again would change, before it does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import policy, previewing, screening
from .jobs import send_hint
from .models import Post, Preview, Source
from .screens import BadScreen
from .tasks import preview_screens, screen_source
from .views import page, person

OPEN = (Preview.State.QUEUED, Preview.State.RUNNING)


@require_POST
@role_required("admin")
def order(request: HttpRequest, slug: str) -> HttpResponse:
    """Of the screens that the source has."""
    source = get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
    return start(request, source, source.screens)


def start(request: HttpRequest, source: Source, screens: Sequence[Mapping[str, Any]]) -> HttpResponse:
    try:
        preview = previewing.order(source, screens, by=person(request))
    except BadScreen as error:
        messages.error(request, _("This is no screen with settings that it knows: %(error)s") % {"error": error}, extra_tags="no")
        return redirect("sources:detail", slug=source.slug)
    send_hint(preview_screens, preview.pk)
    return redirect("sources:preview", pk=preview.pk)


@require_safe
@role_required("admin")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return page(request, "sources/preview.html", **_shown(_preview(request, pk)))


@require_safe
@role_required("admin")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves. When there is nothing more to move, the whole page is asked for once."""
    preview = _preview(request, pk)
    response = render(request, "sources/_preview_progress.html", {"preview": preview, "is_open": preview.state in OPEN})
    if preview.state not in OPEN:
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
@role_required("admin")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    preview = _preview(request, pk)
    previewing.cancel(preview)
    return redirect("sources:detail", slug=preview.source.slug)


@require_POST
@role_required("admin")
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the source the screens that were tried, and screen it again by them."""
    preview = _preview(request, pk)
    try:
        count = previewing.apply(preview, by=person(request))
    except screening.StaleState:
        messages.info(request, _("The posts are being screened at this moment. Try again when that is done."))
        return redirect("sources:preview", pk=pk)
    except (BadScreen, policy.BadPolicy) as error:
        messages.error(request, _("This is no screen with settings that it knows: %(error)s") % {"error": error}, extra_tags="no")
        return redirect("sources:preview", pk=pk)
    send_hint(screen_source, preview.source_id)
    text = _("%(count)s posts are screened again. Reviewed pairs and rescued posts stay as they are.")
    messages.success(request, text % {"count": count}, extra_tags="ok")
    return redirect("sources:detail", slug=preview.source.slug)


def _preview(request: HttpRequest, pk: int) -> Preview:
    sources = Source.objects.for_user(person(request))
    return get_object_or_404(Preview.objects.select_related("source").filter(source__in=sources), pk=pk)


def _shown(preview: Preview) -> dict[str, Any]:
    changes = preview.result.get("changes", [])
    wanted = [pk for change in changes for pk in change["posts"]]
    posts = Post.objects.in_bulk(wanted)
    groups: dict[str, list[dict[str, Any]]] = {"lost": [], "back": [], "new": [], "other": []}
    for change in changes:
        examples = [posts[pk] for pk in change["posts"] if pk in posts]
        groups[_direction(change)].append({**change, "examples": examples})
    totals = {name: sum(change["count"] for change in group) for name, group in groups.items()}
    error = json.loads(preview.error_detail or "{}").get("error", "") if preview.state == Preview.State.FAILED else ""
    is_same = preview.screens == preview.source.screens
    return {"preview": preview, "is_open": preview.state in OPEN, "groups": groups, "totals": totals, "error": error, "is_same": is_same}


def _direction(change: Mapping[str, Any]) -> str:
    before, after = change["before"][0], change["after"][0]
    if before == Post.Status.NEW:
        return "new"
    if before == Post.Status.KEPT and after == Post.Status.DROPPED:
        return "lost"
    return "back" if before == Post.Status.DROPPED and after == Post.Status.KEPT else "other"
