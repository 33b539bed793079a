"""The page behind a number of the funnel: the very posts that it counts."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.permissions import role_required
from sources.models import Source
from sources.views import Counted, run_asked_for

from . import stats
from .templatetags.stats import FATES, label_of

PAGE = 50


@require_safe
@role_required("lead")
def posts_at(request: HttpRequest, slug: str) -> HttpResponse:
    """`?stage=accepted&reason=missed_joke`: rejected, because the joke was missed. `?fate=rejected`: for whatever reason. `&run=7`: of
    that import alone."""
    source = get_object_or_404(Source.objects.for_user(request.user), slug=slug)  # type: ignore[arg-type]
    stage, reason, fate = (request.GET.get(name, "") for name in ("stage", "reason", "fate"))
    if (stage not in stats.STAGES and fate not in stats.FATES) or "\0" in reason:
        raise Http404
    run = run_asked_for(request, source)
    stages = stats.funnel(source, run)
    posts = stats.posts_of_fate(source, fate, run) if fate else stats.posts_at(source, stage, reason, run)
    count = stats.fates(stages)[fate] - _without_posts(stages, fate) if fate else stats.count_at(stages, stage, reason)
    found = Counted(posts.order_by("pk"), PAGE, count=count).get_page(request.GET.get("page"))
    context = {"source": source, "run": run, "page": found, "label": FATES[fate] if fate else label_of(stage, reason)}
    rows = _without_posts(stages, fate) if fate else 0
    return render(request, "sources/posts_at.html", {**context, "rows": rows, "is_admin": request.user.has_role("admin")})  # type: ignore[union-attr]


def _without_posts(stages: list[stats.Stage], fate: str) -> int:
    """The rows of a fate that never became posts: known already, or not taken."""
    lost = stages[1]["dropped"]
    known = lost.get("known", 0)
    return {"duplicate": known, "filtered": sum(lost.values()) - known}.get(fate, 0)
