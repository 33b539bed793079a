"""Pages of drafting: the runs, one run as it goes, and the form that orders one."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import role_required
from sources.jobs import send_hint
from sources.models import Reply, Source

from . import draft_progress, drafting, providers
from .draft_forms import DraftOrderForm
from .models import DEMO_MODEL, Draft, DraftRun, ModelCall
from .tasks import draft_run

OPEN = (DraftRun.State.QUEUED, DraftRun.State.RUNNING)
SHOWN = 50  # calls of unknown fate on one page


def visible(request: HttpRequest) -> QuerySet[DraftRun]:
    runs: QuerySet[DraftRun] = DraftRun.objects.filter(source__in=Source.objects.for_user(request.user))  # type: ignore[arg-type]
    return runs.select_related("source", "prompt", "by")


def seen(run: DraftRun) -> dict[str, Any]:
    """A run as the pages show it."""
    return {
        "run": run,
        "is_open": run.state in OPEN,
        "is_demo": DEMO_MODEL in run.model_names,
        "figures": draft_progress.figures(run),
        "error": draft_progress.RUN_ERRORS.get(run.error_code, run.error_code),
    }


@role_required("admin")
@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    page = Paginator(visible(request), 20).get_page(request.GET.get("page"))
    rows = [seen(run) for run in page]
    sources = list(Source.objects.for_user(request.user).filter(reply=Reply.MODEL))  # type: ignore[arg-type]
    waiting = [(source, count) for source in sources if (count := drafting.waiting_count(source))]
    context = {"page": page, "rows": rows, "waiting": waiting, "any_open": any(row["is_open"] for row in rows), "has_sources": sources}
    return render(request, "annotation/_draft_rows.html" if request.htmx else "annotation/draft_runs.html", context)  # type: ignore[attr-defined]


@role_required("admin")
@require_GET
def run_page(request: HttpRequest, pk: int) -> HttpResponse:
    """htmx asks for the part that moves."""
    run = get_object_or_404(visible(request), pk=pk)
    context = seen(run)
    unknown = run.calls.filter(state=ModelCall.State.UNKNOWN).select_related("pair")
    drafts = Draft.objects.filter(call__run=run).select_related("pair").order_by("-id")[:5]
    context |= {
        "failures": [(draft_progress.failure_text(code), code, count) for code, count in context["figures"]["failures"].items()],
        "unknown": [(call, draft_progress.failure_text(call.error_code)) for call in unknown[:SHOWN]],
        "last_detail": run.calls.exclude(error_detail="").order_by("-id").values_list("error_detail", flat=True).first(),
        "drafts": drafts,
        "waits": draft_progress.waits(run),
    }
    return render(request, "annotation/_draft_run.html" if request.htmx else "annotation/draft_run.html", context)  # type: ignore[attr-defined]


@role_required("admin")
@require_http_methods(["GET", "POST"])
def order(request: HttpRequest) -> HttpResponse:
    """GET: the form, for `?source=`. POST: order, or (`estimate`) say what it would come to."""
    initial = {"source": request.GET.get("source", ""), "model": settings.OPENAI_MODEL, "retry_failed": request.GET.get("retry") == "1"}
    form = DraftOrderForm(request.user, request.POST or None, initial=initial)  # type: ignore[arg-type]
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            if "estimate" in request.POST:
                context["estimate"] = drafting.estimate(form.cleaned_data["source"], **form.order())
            else:
                return placed(form.cleaned_data["source"], request, form.order())
        except drafting.Refused as refused:
            form.add_error(None, str(refused))
    return render(request, "annotation/draft_order.html", context | choices(form), status=400 if form.errors else 200)


def placed(source: Source, request: HttpRequest, arguments: dict[str, Any]) -> HttpResponse:
    """Order, and show the run. A second click finds nothing left to order and is shown the first one's run."""
    try:
        run = drafting.order(source, by=request.user, **arguments)  # type: ignore[arg-type]
    except drafting.Refused as refused:
        first = visible(request).filter(source=source, state__in=OPEN).first()
        if refused.code != "nothing_to_draft" or first is None:
            raise
        messages.info(request, _("Everything that waits is already ordered: this is the run."))
        return redirect("annotation:draft_run", first.pk)
    send_hint(draft_run, run.pk)
    return redirect("annotation:draft_run", run.pk)


def choices(form: DraftOrderForm) -> dict[str, Any]:
    """The sources to choose from, with how many posts wait."""
    field: Any = form.fields["source"]
    options = [{"source": source, "waiting": drafting.waiting_count(source)} for source in field.queryset]
    return {"options": options, "has_provider": providers.is_configured(), "default_model": settings.OPENAI_MODEL}


@role_required("admin")
@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """pause | resume | stop."""
    run = get_object_or_404(visible(request), pk=pk)
    try:
        drafting.ACTS[name](run, by=request.user)  # type: ignore[arg-type]
        if name == "resume":
            send_hint(draft_run, run.pk)
    except drafting.Refused as refused:
        messages.warning(request, str(refused), extra_tags="warn")
    return redirect("annotation:draft_run", run.pk)
