"""The page of scores: posts that wait for one, the order that has them judged, and what the judges said."""

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.permissions import role_required
from sources.jobs import send_hint
from sources.models import Source

from . import draft_progress, drafting, offers, scoring
from .draft_forms import ScoreOrderForm
from .models import DraftRun, Purpose
from .tasks import draft_run

PAGE = 30


@role_required("admin")
@require_http_methods(["GET", "HEAD", "POST"])
def scores(request: HttpRequest) -> HttpResponse:
    """GET: the form, for `?source=`, and the judgements. POST: order, or (`estimate`) say what it would come to; htmx gets the
    estimate alone."""
    form, context = _form(request), dict[str, Any]()
    if request.method == "POST" and form.is_valid():
        source, asked = form.cleaned_data["source"], form.order()
        try:
            if "estimate" in request.POST:
                context["estimate"] = scoring.estimate_scores(source, **asked)
            else:
                if not form.cleaned_data["anyway"]:
                    offers.check_offered(asked["models"])
                run = scoring.order_scores(source, by=request.user, **asked)  # type: ignore[arg-type]
                send_hint(draft_run, run.pk)
                return redirect("annotation:draft_run", run.pk)
        except drafting.Refused as refused:
            form.add_error(None, str(refused))
            context["refusal"] = draft_progress.failure_text(refused.code) if refused.code in draft_progress.RUN_ERRORS else ""
            context["may_insist"] = refused.code == "model_not_offered"
    context["form"] = form
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "annotation/_draft_estimate.html", context)
    return render(request, "annotation/scores.html", context | _shown(request, form), status=400 if form.errors else 200)


def _form(request: HttpRequest) -> ScoreOrderForm:
    names = list(drafting.prompts(Purpose.SCORE).values_list("name", flat=True))
    initial = {"source": request.GET.get("source", ""), "model": settings.OPENAI_MODEL}
    return ScoreOrderForm(request.user, request.POST or None, initial=initial, prompts=names)  # type: ignore[arg-type]


def _shown(request: HttpRequest, form: ScoreOrderForm) -> dict[str, Any]:
    sources = Source.objects.for_user(request.user)  # type: ignore[arg-type]
    waiting = [(source, count) for source in form.sources() if (count := scoring.to_judge(source).count())]
    page = Paginator(scoring.said().filter(run__source__in=sources), PAGE).get_page(request.GET.get("page"))
    runs = DraftRun.objects.filter(source__in=sources, purpose=Purpose.SCORE).select_related("source")[:5]
    return {"waiting": waiting, "page": page, "judged": scoring.judged(page.object_list), "runs": runs, "has_judges": bool(form.sources())}
