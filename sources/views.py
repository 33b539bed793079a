"""Pages of sources: the list, and one source. Imports, posts and the policy have theirs in `import_views`, `post_views`, `policy_views`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.permissions import role_required

from . import importing, tallies
from .models import ImportRun, RejectedRow, Source

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 50


def person(request: HttpRequest) -> User:
    """Who asks: `role_required` let nobody else in."""
    return cast("User", request.user)


def page(request: HttpRequest, template: str, /, **context: Any) -> HttpResponse:
    """A page that shows its buttons to those who may press them."""
    return render(request, template, {"is_admin": person(request).has_role("admin"), **context})


class Counted(Paginator):
    """Pages of rows whose number is known; None: they are counted."""

    def __init__(self, rows: Any, size: int, *, count: int | None = None) -> None:
        super().__init__(rows, size)
        if count is not None:
            self.count = count  # type: ignore[misc]


def run_asked_for(request: HttpRequest, source: Source) -> ImportRun | None:
    """The import that `?run=` names. Raises Http404 when the source has no such import."""
    asked = request.GET.get("run", "")
    if not asked:
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise Http404
    return get_object_or_404(source.imports, pk=asked)


@require_safe
@role_required("lead")
def list_(request: HttpRequest) -> HttpResponse:
    sources = list(Source.objects.for_user(person(request)).with_last_import())
    groups = {"": sources, "running": [s for s in sources if s.is_busy], "failed": [s for s in sources if s.has_failed]}  # type: ignore[attr-defined]
    show = request.GET.get("show", "")
    failed = [(source, importing.describe(source.last_imports[0])) for source in groups["failed"]]  # type: ignore[attr-defined]
    context = {"show": show, "counts": {name or "all": len(group) for name, group in groups.items()}, "failed": failed}
    return page(request, "sources/list.html", sources=groups.get(show, sources), all_sources=sources, **context)


@require_safe
@role_required("lead")
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    source = source_of(request, slug)
    imports = source.imports.select_related("by", "source")[:20]
    near = source.posts.filter(cluster__isnull=False).exists()
    return page(request, "sources/detail.html", source=source, run=run_asked_for(request, source), imports=imports, has_clusters=near)


@require_safe
@role_required("lead")
def rejected_rows(request: HttpRequest, slug: str) -> HttpResponse:
    """The rows of all imports of the source, or of one, that did not become posts; those of one reason, or all."""
    source, reason = source_of(request, slug), request.GET.get("reason", "")
    if "\0" in reason:
        raise Http404
    run = run_asked_for(request, source)
    rows = RejectedRow.objects.filter(**({"run": run} if run else {"run__source": source}), **({"reason": reason} if reason else {}))
    count = tallies.rejected(source, reason=reason, run=run)
    found = Counted(rows.select_related("run").order_by("run", "row"), PAGE, count=count).get_page(request.GET.get("page"))
    return page(request, "sources/rejected.html", source=source, run=run, rows=found, reason=reason)


def source_of(request: HttpRequest, slug: str) -> Source:
    return get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
