"""Pages of imports: sending a file, watching it being read, and the rows that were not taken."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import role_required

from . import dry_orders, importing, runs, screening, wording
from .fetch_forms import FetchForm, fetch_form
from .forms import ImportForm
from .jobs import send_hint
from .models import DryRun, Heartbeat, ImportRun, Source
from .tasks import dry_run, import_file, screen_source
from .views import page, person

PAGE = 50
BEGUN = 10  # dry runs that are shown to be gone on with
QUIET_AFTER = timedelta(seconds=30)  # the beat asks the workers every 5 s
OPEN = (ImportRun.State.QUEUED, ImportRun.State.RUNNING)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("admin")
def new(request: HttpRequest, slug: str = "") -> HttpResponse:
    """A plain form: the file goes with the request, and the answer is the page of its dry run."""
    sources = Source.objects.for_user(person(request))
    source = get_object_or_404(sources, slug=slug) if slug else None
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ImportForm(*sent, sources=sources, source=source)
    if request.method == "POST" and form.is_valid():
        try:
            return _try(request, form, source or form.cleaned_data["source"])
        except importing.Refused as error:
            form.add_error("file", str(error))
    return upload_page(request, form, source, fetch_form(sources, source))


def upload_page(request: HttpRequest, form: ImportForm, source: Source | None, fetch: FetchForm | None) -> HttpResponse:
    form.mark()
    begun = DryRun.objects.filter(run=None, source__in=[source] if source else Source.objects.for_user(person(request)))
    is_wrong = form.errors or (fetch and fetch.errors)
    context = {"form": form, "source": source, "fetch": fetch, "begun": begun.select_related("source", "by")[:BEGUN]}
    return render(request, "sources/import.html", context, status=400 if is_wrong else 200)


def _try(request: HttpRequest, form: ImportForm, source: Source) -> HttpResponse:
    file = form.cleaned_data["file"]
    stored = importing.store(file, file.name)
    if earlier := dry_orders.imported_before(source, stored.sha256):
        messages.info(request, _("This very file was imported before: this is that import. Nothing was read twice."))
        return redirect("sources:import", pk=earlier.pk)
    given = {"importer": form.cleaned_data["importer"], "encoding": form.cleaned_data["encoding"]}
    dry = dry_orders.order(source, stored, name=file.name, by=person(request), **given)
    send_hint(dry_run, dry.pk)
    return redirect("sources:dry_run", pk=dry.pk)


@require_safe
@role_required("lead")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    rows = Paginator(run.rejected_rows.all(), PAGE).get_page(request.GET.get("page"))
    return page(request, "sources/run.html", rows=rows, **_progress(run))


@require_safe
@role_required("lead")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves. When there is nothing more to move, the whole page is asked for once."""
    run = _run(request, pk)
    response = render(request, "sources/_progress.html", _progress(run))
    if run.state not in OPEN:
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
@role_required("admin")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    importing.cancel(run, by=person(request))
    return redirect("sources:import", pk=run.pk)


@require_POST
@role_required("admin")
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    if runs.resume(run, by=person(request)):
        send_hint(import_file, run.pk)
    else:
        messages.info(request, _("This import cannot go on: it is over, or the same file was imported by another one."))
    return redirect("sources:import", pk=run.pk)


@require_POST
@role_required("admin")
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    try:
        done = runs.roll_back(run, by=person(request))
    except screening.StaleState:
        messages.info(request, _("Nothing was changed: the import is not over, or its posts are being screened. Try again in a moment."))
    else:
        send_hint(screen_source, run.source_id)
        text = _(
            "Rolled back. Posts deleted: %(deleted)s. Dropped with their unreviewed pair: %(dropped)s. Left, as decided about: %(stayed)s."
        )
        messages.success(request, text % done, extra_tags="ok")
    return redirect("sources:import", pk=run.pk)


@require_safe
@role_required("lead")
def rejected(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The rows that were not taken, as a file: what was wrong, and how the row began."""
    run = _run(request, pk)
    if kind not in WRITERS:
        raise Http404
    rows = run.rejected_rows.values("row", "reason", "detail", "raw").iterator(chunk_size=500)
    response = StreamingHttpResponse(WRITERS[kind](rows), content_type=TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{run.source.slug}-import-{run.pk}-rejected.{kind}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return cast("HttpResponse", response)


def _run(request: HttpRequest, pk: int) -> ImportRun:
    sources = Source.objects.for_user(person(request))
    return get_object_or_404(ImportRun.objects.select_related("source", "by").filter(source__in=sources), pk=pk)


def _progress(run: ImportRun) -> dict[str, Any]:
    is_open = run.state in OPEN
    error = importing.describe(run) if run.error_code else ""
    return {"run": run, "is_open": is_open, "has_no_worker": waits_for_a_worker(run), "pace": pace(run), "error": error}


def waits_for_a_worker(run: Any) -> bool:
    """Whether the job is open, nobody works on it, and nobody is there who could."""
    is_held = run.lease_until is not None and run.lease_until > timezone.now()
    if run.state not in OPEN or is_held:
        return False
    return not Heartbeat.objects.filter(queue="work", seen_at__gt=timezone.now() - QUIET_AFTER).exists()


def pace(run: Any) -> dict[str, Any]:
    """Of a run that reads a file: rows a second, and the seconds left if it goes on like this (None: nobody can say yet)."""
    seconds = ((run.finished_at or timezone.now()) - run.started_at).total_seconds() if run.started_at else 0
    rate = (run.read - run.resumed_at_row) / max(seconds, 0.1)
    done, of = int(run.cursor.get("byte", 0)), int(run.cursor.get("of") or 0)
    left = run.read * (of - done) / done / rate if run.state == "running" and rate > 0 and 0 < done < of else None
    return {"rate": round(rate), "left": None if left is None else timedelta(seconds=round(left))}


def _as_jsonl(rows: Any) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _as_csv(rows: Any) -> Iterator[str]:
    """For people with spreadsheets: a cell that a spreadsheet would run begins with an apostrophe."""
    yield "\ufeff" + _line(["row", "reason", "message", "detail", "raw"])
    for row in rows:
        yield _line([row["row"], row["reason"], wording.row_reason(row["reason"]), inert(row["detail"]), inert(row["raw"])])


def _line(cells: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def inert(text: str) -> str:
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in ("\t", "\r") else text


TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
WRITERS = {"jsonl": _as_jsonl, "csv": _as_csv}
