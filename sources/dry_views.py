"""The wizard: a file is tried, its reading and screens are changed until they are right, and then it is imported."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import dry_orders, dry_pages, dry_running, dry_wording, policy, screen_forms
from .dry_forms import GENERIC, ReadingForm
from .dry_stages import lost_rows
from .import_views import TYPES
from .jobs import send_hint
from .models import DryRun, Source
from .tasks import dry_run, import_file
from .views import person

PAGE = 20
MOVES = {"pause": dry_orders.pause, "resume": dry_orders.resume, "stop": dry_orders.stop}


@require_safe
@role_required("admin")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    dry = _dry(request, pk)
    if dry.run_id:
        return redirect("sources:import", pk=dry.run_id)
    return _page(request, dry, ReadingForm(dry), screen_forms.shown(dry.screens))


@require_safe
@role_required("admin")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves. A dry run whose end concerns the fields beside it asks for the whole page, once."""
    dry = _dry(request, pk)
    context = _context(request, dry)
    if dry.columns and request.GET.get("columns") == "0":
        reading = ReadingForm(dry)
        reading.mark()
        context |= {"reading": reading, "is_reading_news": True}
    response = render(request, "sources/_dry_moving.html", context)
    if dry.run_id or (not dry.is_open and (dry.error_code or dry.counts["unread"])):
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
@role_required("admin")
def move(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    dry = _dry(request, pk)
    if act not in MOVES:
        raise Http404
    if MOVES[act](dry) and act == "resume":
        send_hint(dry_run, dry.pk)
    if request.headers.get("HX-Request"):
        return render(request, "sources/_dry_moving.html", _context(request, dry))
    return redirect("sources:dry_run", pk=pk)


@require_POST
@role_required("admin")
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Other settings: run again with them. Buttons that add, move or take out a screen only show them anew, as everywhere."""
    dry, act = _dry(request, pk), request.POST.get("act", "again")
    reading, screens = ReadingForm(dry, request.POST), screen_forms.posted(request.POST)
    if act == "columns":
        return _page(request, dry, ReadingForm(dry, initial={"importer": GENERIC}), screen_forms.moved(screens, act, ""))
    if act not in ("again", "save_mapping"):
        return _page(request, dry, reading, screen_forms.moved(screens, act, request.POST.get("added", "")), is_added=act == "add")
    if not all([reading.is_valid(), *[form.is_valid() for form in screens]]):
        return _page(request, dry, reading, screens, status=400)
    if act == "save_mapping":
        _save_mapping(request, dry, reading)
    try:
        new = dry_orders.again(dry, by=person(request), **_settings(reading), screens=[form.given() for form in screens])
    except policy.BadPolicy as error:
        return _page(request, dry, reading, screens, status=400, error=str(error))
    except dry_orders.NotPossible as error:
        messages.info(request, dry_wording.not_possible(error.code))
        return redirect("sources:dry_run", pk=pk)
    send_hint(dry_run, new.pk)
    return redirect("sources:dry_run", pk=new.pk)


def _settings(reading: ReadingForm) -> dict[str, Any]:
    return {"importer": reading.cleaned_data["importer"], "mapping": reading.mapping(), "encoding": reading.cleaned_data["encoding"]}


def _save_mapping(request: HttpRequest, dry: DryRun, reading: ReadingForm) -> None:
    if dry_orders.save_mapping(dry, reading.mapping(), by=person(request)):
        messages.success(request, _("Saved. It is proposed for the next file with the same columns."), extra_tags="ok")
    else:
        messages.info(request, _("Only the columns of “%(format)s” can be saved. Choose that format first.") % {"format": _generic()})


def _generic() -> str:
    return str(dict(ReadingForm(DryRun()).fields["importer"].choices)[GENERIC])  # type: ignore[attr-defined]


@require_POST
@role_required("admin")
def keep(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    dry = _dry(request, pk)
    try:
        found = dry_orders.keep(dry, row, is_kept=request.POST.get("kept") != "0")
    except dry_orders.NotPossible as error:
        messages.info(request, dry_wording.not_possible(error.code))
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Refresh": "true"})
    else:
        if request.headers.get("HX-Request"):
            context = _context(request, dry) | {"row": dry_pages.shown_rows(dry, [found])[0], "is_swap": True}
            return render(request, "sources/_dry_row.html", context)
    query = request.POST.get("query", "")
    address: Any = redirect("sources:dry_run", pk=pk).url
    return redirect(f"{address}{f'?{query}' if query else ''}#lost")


@require_POST
@role_required("admin")
def start(request: HttpRequest, pk: int) -> HttpResponse:
    dry = _dry(request, pk)
    try:
        run, created = dry_orders.start(dry, by=person(request), is_skipping=request.POST.get("skip") == "1")
    except dry_orders.NotPossible as error:
        messages.info(request, dry_wording.not_possible(error.code))
        return redirect("sources:dry_run", pk=pk)
    send_hint(import_file, run.pk)
    if not created:
        messages.info(request, _("This very file was imported before: this is that import. Nothing was read twice."))
    return redirect("sources:import", pk=run.pk)


@require_POST
@role_required("admin")
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    dry = _dry(request, pk)
    dry_orders.discard(dry)
    messages.success(request, _("Discarded. Nothing of “%(file)s” was imported.") % {"file": dry.file_name}, extra_tags="ok")
    return redirect("sources:new_import", slug=dry.source.slug)


@require_safe
@role_required("admin")
def rows(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The lost rows as a file, of the group and reason that the page shows."""
    dry = _dry(request, pk)
    if kind not in dry_pages.WRITERS:
        raise Http404
    found = lost_rows(dry, request.GET.get("show", ""), request.GET.get("reason", "")).iterator(chunk_size=500)
    response = StreamingHttpResponse(dry_pages.WRITERS[kind](found), content_type=TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{dry.source.slug}-dry-run-{dry.pk}-lost.{kind}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return cast("HttpResponse", response)


def _dry(request: HttpRequest, pk: int) -> DryRun:
    sources = Source.objects.for_user(person(request))
    return get_object_or_404(DryRun.objects.select_related("source", "by").filter(source__in=sources), pk=pk)


def _page(
    request: HttpRequest,
    dry: DryRun,
    reading: ReadingForm,
    screens: list[screen_forms.ScreenForm],
    *,
    status: int = 200,
    error: str = "",
    is_added: bool = False,
) -> HttpResponse:
    reading.mark()
    for form in screens:
        form.mark()
        form.is_open = bool(form.errors) or (is_added and form is screens[-1])
    context = {"reading": reading, "forms": screens, "kinds": screen_forms.kinds(), "policy_error": error, "is_wrong": status != 200}
    return render(request, "sources/dry_run.html", context | _context(request, dry), status=status)


def _context(request: HttpRequest, dry: DryRun) -> dict[str, Any]:
    asked = request.GET if request.method == "GET" else QueryDict(request.POST.get("query", ""))
    show, reason, number = (asked.get(name, "") for name in ("show", "reason", "page"))
    found = Paginator(dry.rows.none() if dry.is_open else lost_rows(dry, show, reason), PAGE).get_page(number)
    return {
        "dry": dry, "error": dry_running.describe(dry), "asked": {"show": show, "reason": reason}, "page": found,
        "query": urlencode({"show": show, "reason": reason, "page": number}),
        "lost": dry_pages.shown_rows(dry, list(found)), **dry_pages.progress_of(dry, request.GET.get("said", "")),
    }  # fmt: skip
