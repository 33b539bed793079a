"""Pages of drafting: the runs, one run as it goes, and the form that orders one."""

from decimal import Decimal, InvalidOperation
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

from . import draft_pace, draft_progress, drafting, offers, pricing, providers, scorecard, taking_up
from .draft_forms import DraftOrderForm
from .models import DEMO_MODEL, Draft, DraftRun
from .tasks import draft_run

OPEN = (DraftRun.State.QUEUED, DraftRun.State.RUNNING)


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
    figures = context["figures"]
    pace = draft_pace.pace(run, figures)
    context |= {
        "pace": pace, "beside": draft_pace.beside(run, figures, pace["seconds"]), "failures": in_words(figures["failures"]),
        "repeated_words": in_words(draft_pace.repeated(run)), "is_resumable": taking_up.is_resumable(run),
        "waits": draft_progress.waits(run), "batches": run.batches.all(),
        "drafts": Draft.objects.filter(call__run=run).select_related("pair").order_by("-id")[:5],
        "last_detail": run.calls.exclude(error_detail="").order_by("-id").values_list("error_detail", flat=True).first(),
        "scores": [score for score in scorecard.scorecard(run.calls.all()) if score.decided],
    }  # fmt: skip
    return render(request, "annotation/_draft_run.html" if request.htmx else "annotation/draft_run.html", context)  # type: ignore[attr-defined]


def in_words(counted: dict[str, int]) -> list[tuple[Any, str, int]]:
    return [(draft_progress.failure_text(code), code, count) for code, count in counted.items()]


@role_required("admin")
@require_http_methods(["GET", "POST"])
def order(request: HttpRequest) -> HttpResponse:
    """GET: the form, for `?source=`. POST: order, or (`estimate`) say what it would come to; htmx gets the estimate alone."""
    form = order_form(request)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            if "estimate" in request.POST:
                context["estimate"] = drafting.estimate(form.cleaned_data["source"], **form.order())
            else:
                return placed(form, request)
        except drafting.Refused as refused:
            form.add_error(None, str(refused))
            context["refusal"] = draft_progress.failure_text(refused.code) if refused.code in draft_progress.RUN_ERRORS else ""
            context["may_insist"] = refused.code == "model_not_offered"
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "annotation/_draft_estimate.html", context)
    return render(request, "annotation/draft_order.html", context | choices(form), status=400 if form.errors else 200)


def order_form(request: HttpRequest) -> DraftOrderForm:
    asked = request.GET
    initial = {
        "source": asked.get("source", ""), "models": [settings.OPENAI_MODEL] if settings.OPENAI_MODEL else [], "candidates": 1,
        "failure": asked.get("failure", ""), "which": "failed" if asked.get("retry") == "1" else "waiting", "posts": asked.get("posts", ""),
    }  # fmt: skip
    names = list(drafting.prompts().values_list("name", flat=True))
    return DraftOrderForm(request.user, request.POST or None, initial=initial, prompts=names)  # type: ignore[arg-type]


def placed(form: DraftOrderForm, request: HttpRequest) -> HttpResponse:
    """Order, and show the run. A second click finds nothing left to order and is shown the first one's run."""
    source, asked = form.cleaned_data["source"], form.order()
    try:
        if not form.cleaned_data["anyway"]:
            offers.check_offered(asked["models"])
        run = drafting.order(source, by=request.user, **asked)  # type: ignore[arg-type]
    except drafting.Refused as refused:
        first = visible(request).filter(source=source, state__in=OPEN).first()
        if refused.code != "nothing_to_draft" or first is None:
            raise
        messages.info(request, _("Everything that waits is already ordered: this is the run."))
        return redirect("annotation:draft_run", first.pk)
    send_hint(draft_run, run.pk)
    return redirect("annotation:draft_run", run.pk)


def choices(form: DraftOrderForm) -> dict[str, Any]:
    """The sources to choose from, with how many posts wait, and the models with their prices and limits."""
    field: Any = form.fields["source"]
    options = [{"source": source, "waiting": drafting.waiting_count(source)} for source in field.queryset]
    chosen = set(form["models"].value() or [])
    rows = [row | {"ref": providers.ref(row["provider"], row["model"])} for row in pricing.models_in_use()]
    rows += [{"ref": ref, "price": None, "limits": None} for ref in sorted(chosen - {row["ref"] for row in rows})]
    usable = {provider.name for provider in providers.every() if provider.is_usable}
    rows = [row | {"is_chosen": row["ref"] in chosen} for row in rows if providers.split(row["ref"])[0] in usable]
    return {"options": options, "model_rows": rows, "has_provider": providers.is_configured(), "default_model": settings.OPENAI_MODEL}


@role_required("admin")
@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """pause | resume (with a higher `budget`, if it is used up) | stop."""
    run = get_object_or_404(visible(request), pk=pk)
    try:
        drafting.ACTS[name](run, by=request.user, **raised(request, name))  # type: ignore[arg-type]
        if name == "resume":
            send_hint(draft_run, run.pk)
    except drafting.Refused as refused:
        messages.warning(request, str(refused), extra_tags="warn")
    return redirect("annotation:draft_run", run.pk)


def raised(request: HttpRequest, name: str) -> dict[str, Any]:
    """The new cap that came with resuming a run. Raises Refused."""
    if name != "resume" or not request.POST.get("budget"):
        return {}
    try:
        return {"budget": Decimal(request.POST["budget"])}
    except InvalidOperation:
        raise drafting.Refused("bad_price", _("The budget is an amount above 0.")) from None
