"""Pages of fetches: naming a file by its URL, and watching it come. When it is here, the page is that of its import."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import downloading
from .fetch_forms import FetchForm
from .forms import ImportForm
from .import_views import upload_page
from .jobs import send_hint
from .models import Fetch, Source
from .tasks import fetch_url
from .views import page, person


@require_POST
@role_required("admin")
def new(request: HttpRequest, slug: str = "") -> HttpResponse:
    if not settings.FETCH:
        raise Http404
    sources = Source.objects.for_user(person(request))
    source = get_object_or_404(sources, slug=slug) if slug else None
    form = FetchForm(request.POST, sources=sources, source=source)
    if not form.is_valid():
        form.mark()
        return upload_page(request, ImportForm(sources=sources, source=source), source, form)
    given = form.cleaned_data
    options = {"importer": given["importer"], "encoding": given.get("encoding", ""), "dry_run": True}
    fetch, _created = downloading.order(source or given["source"], url=given["url"], by=person(request), **options)
    send_hint(fetch_url, fetch.pk)
    return redirect("sources:fetch", pk=fetch.pk)


@require_POST
@role_required("admin")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    downloading.cancel(_fetch(request, pk))
    return redirect("sources:fetch", pk=pk)


@require_safe
@role_required("admin")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    fetch = _fetch(request, pk)
    if fetch.dry_run_id:
        return redirect("sources:dry_run", pk=fetch.dry_run_id)
    if fetch.run is None:
        return page(request, "sources/fetch.html", **_progress(fetch))
    if fetch.run.created_at < fetch.created_at:
        messages.info(request, _("This very file was imported before: this is that import. Nothing was read twice."))
    return redirect("sources:import", pk=fetch.run.pk)


@require_safe
@role_required("admin")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves. When there is nothing more to move, the whole page is asked for once."""
    fetch = _fetch(request, pk)
    response = render(request, "sources/_fetch_progress.html", _progress(fetch))
    if not _is_open(fetch):
        response.headers["HX-Refresh"] = "true"
    return response


def _fetch(request: HttpRequest, pk: int) -> Fetch:
    sources = Source.objects.for_user(person(request))
    return get_object_or_404(Fetch.objects.select_related("source", "by", "run").filter(source__in=sources), pk=pk)


def _is_open(fetch: Fetch) -> bool:
    return fetch.state in (Fetch.State.QUEUED, Fetch.State.RUNNING)


def _progress(fetch: Fetch) -> dict[str, Any]:
    return {"fetch": fetch, "run": fetch, "is_open": _is_open(fetch), "error": downloading.describe(fetch)}
