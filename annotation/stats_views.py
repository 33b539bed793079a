"""The page behind a number of the funnel: the very posts that it counts."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.permissions import role_required
from sources.models import Source

from . import stats
from .templatetags.stats import label_of

PAGE = 50


@require_safe
@role_required("lead")
def posts_at(request: HttpRequest, slug: str) -> HttpResponse:
    """`?stage=accepted&reason=missed_joke`: rejected, because the joke was missed."""
    source = get_object_or_404(Source.objects.for_user(request.user), slug=slug)  # type: ignore[arg-type]
    stage, reason = request.GET.get("stage", ""), request.GET.get("reason", "")
    if stage not in stats.STAGES or "\0" in reason:
        raise Http404
    page = Paginator(stats.posts_at(source, stage, reason).order_by("pk"), PAGE).get_page(request.GET.get("page"))
    return render(request, "sources/posts_at.html", {"source": source, "page": page, "stage": stage, "label": label_of(stage, reason)})
