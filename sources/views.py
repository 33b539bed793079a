"""Pages of sources: the list, one source, its posts, and its policy. Those of imports are in `import_views.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import policy, screening
from .forms import PostFilter, SourceForm
from .models import ImportRun, Post, Source

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 50


def person(request: HttpRequest) -> User:
    """Who asks: `role_required` let nobody else in."""
    return cast("User", request.user)


def page(request: HttpRequest, template: str, /, **context: Any) -> HttpResponse:
    """A page that shows its buttons to those who may press them."""
    return render(request, template, {"is_admin": person(request).has_role("admin"), **context})


def sources_with_last_import(request: HttpRequest) -> QuerySet[Source]:
    last = Prefetch("imports", ImportRun.objects.order_by("-id")[:1], to_attr="last_imports")
    return Source.objects.for_user(person(request)).prefetch_related(last)


@require_safe
@role_required("lead")
def list_(request: HttpRequest) -> HttpResponse:
    return page(request, "sources/list.html", sources=sources_with_last_import(request))


@require_safe
@role_required("lead")
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    source = _source(request, slug)
    return page(request, "sources/detail.html", source=source, imports=source.imports.select_related("by")[:20])


@require_safe
@role_required("lead")
def posts(request: HttpRequest, slug: str) -> HttpResponse:
    source = _source(request, slug)
    form = PostFilter(request.GET)
    found = Paginator(form.narrow(source.posts.all()), PAGE).get_page(request.GET.get("page"))
    reasons = source.posts.exclude(drop_reason="").order_by("drop_reason").values_list("drop_reason", flat=True).distinct()
    return page(request, "sources/posts.html", source=source, page=found, form=form, reasons=list(reasons), asked=form.cleaned_data)


@require_POST
@role_required("admin")
def rescue(request: HttpRequest, pk: int) -> HttpResponse:
    post = get_object_or_404(Post.objects.for_user(person(request)).select_related("source"), pk=pk)
    name = (post.title or post.body or f"#{post.pk}")[:40]
    try:
        screening.rescue(post, by=person(request))
    except screening.StaleState:
        messages.info(request, _("“%(post)s” is not dropped (any more). Nothing was changed.") % {"post": name})
    else:
        text = _("“%(post)s” is kept and goes on to drafting. Should it be wrong after all, reject it at review.")
        messages.success(request, text % {"post": name}, extra_tags="ok")
    return redirect(_back(request, post.source))


@role_required("admin")
def add(request: HttpRequest) -> HttpResponse:
    form = SourceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            source = policy.add(by=person(request), **form.cleaned_data)
        except IntegrityError:  # two at once
            form.add_error("slug", _("There is a source of this name already."))
        else:
            messages.success(request, _("The source is there. Import a file to fill it."), extra_tags="ok")
            return redirect("sources:detail", slug=source.slug)
    return _form(request, form, None)


@role_required("admin")
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    source = _source(request, slug)
    form = SourceForm(request.POST if request.method == "POST" else None, instance=source)
    if request.method == "POST" and form.is_valid():
        changed = policy.change(_source(request, slug), by=person(request), **form.cleaned_data)
        messages.success(
            request,
            _("Saved. It holds for what comes from now on.") if changed else _("Nothing was different, nothing was changed."),
            extra_tags="ok",
        )
        return redirect("sources:detail", slug=slug)
    return _form(request, form, source)


def _form(request: HttpRequest, form: SourceForm, source: Source | None) -> HttpResponse:
    form.mark()
    return render(request, "sources/edit.html", {"form": form, "source": source}, status=400 if form.errors else 200)


def _source(request: HttpRequest, slug: str) -> Source:
    return get_object_or_404(Source.objects.for_user(person(request)), slug=slug)


def _back(request: HttpRequest, source: Source) -> str:
    """The list that the button was pressed in, with its filters and page."""
    query = request.POST.get("query", "")
    address: Any = redirect("sources:posts", slug=source.slug).url
    return f"{address}?{query}" if query else address
