"""Pages of a source's posts: the list with its filters, and keeping dropped posts after all."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import indexing, rescuing, searching, tallies
from .forms import PostFilter
from .indexing import POSTS
from .models import Post, Rescue, Source
from .screening import StaleState
from .searching import Search
from .views import Counted, person, run_asked_for

PAGE = 50


@require_safe
@role_required("lead")
def posts(request: HttpRequest, slug: str) -> HttpResponse:
    source, is_admin = _source(request, slug), person(request).has_role("admin")
    form, run = PostFilter(request.GET), run_asked_for(request, source)
    mine = source.posts.filter(run=run) if run else source.posts.all()
    form.is_valid()
    asked = {name: form.cleaned_data.get(name, "") for name in ("status", "reason", "search")}
    context: dict[str, Any] = {"reasons": tallies.reasons(source), "asked": asked, "run": run, "rescue": _rescue_shown(request, source)}
    if asked["search"]:
        found = searching.page(Search(POSTS, asked["search"], [source.pk], form.outcome()), mine, limit=PAGE, **form.place())
        context |= {"found": found, "page": found.rows}
    else:
        count = tallies.posts(source, status=asked["status"], reason=asked["reason"], run=run)
        context["page"] = Counted(mine.filter(**form.outcome()).order_by("pk"), PAGE, count=count).get_page(request.GET.get("page"))
    if is_admin:
        context["droppable"] = _dropped(source, context.get("found"), asked, run)
    context["index"] = indexing.progress(POSTS)
    return render(request, "sources/posts.html", {"source": source, "form": form, "is_admin": is_admin, **context})


def _dropped(source: Source, found: searching.Page | None, asked: dict[str, str], run: Any) -> int:
    """How many posts of the list could be rescued in one act. Of a search with more pages than one nobody knows: none."""
    if asked["status"] not in ("", Post.Status.DROPPED):
        return 0
    if found:
        is_all = found.after is None and found.before is None
        return sum(post.status == Post.Status.DROPPED for post in found.rows) if is_all else 0
    return tallies.posts(source, status=Post.Status.DROPPED, reason=asked["reason"], run=run)


def _rescue_shown(request: HttpRequest, source: Source) -> Rescue | None:
    """The act that the page was sent to after, while it can be undone."""
    asked = request.GET.get("rescued", "")
    mine = source.rescues.filter(undone_at=None)
    return mine.filter(pk=asked).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None


@require_POST
@role_required("admin")
def rescue(request: HttpRequest, slug: str) -> HttpResponse:
    """One post (its button), those that are ticked, or all that match the filters of the list."""
    source = _source(request, slug)
    try:
        act = rescuing.rescue(source, _wanted(request, source), by=person(request))
    except StaleState:
        messages.info(request, _("None of these posts is dropped (any more). Nothing was changed."))
    except rescuing.TooMany:
        text = _("More than %(limit)s posts match. Narrow the list down, and rescue them in parts.")
        messages.error(request, text % {"limit": f"{rescuing.MOST:,}"}, extra_tags="no")
    else:
        return redirect(_back(request, source, rescued=str(act.pk)))
    return redirect(_back(request, source))


@require_POST
@role_required("admin")
def undo_rescue(request: HttpRequest, pk: int) -> HttpResponse:
    sources = Source.objects.for_user(person(request))
    act = get_object_or_404(Rescue.objects.select_related("source").filter(source__in=sources), pk=pk)
    try:
        back, stay = rescuing.undo(act, by=person(request))
    except StaleState:
        messages.info(request, _("This was undone already. Nothing was changed."))
    else:
        text = ngettext("%(n)s post is dropped again, as it was.", "%(n)s posts are dropped again, as they were.", back) % {"n": back}
        if stay:
            more = ngettext(
                "%(n)s stays, because people have decided about it since.",
                "%(n)s stay, because people have decided about them since.",
                stay,
            )
            text = f"{text} {more % {'n': stay}}"
        messages.success(request, text, extra_tags="ok")
    return redirect(_back(request, act.source))


def _wanted(request: HttpRequest, source: Source) -> QuerySet[Post]:
    if one := request.POST.get("one"):
        return source.posts.filter(pk__in=_ids([one]))
    if request.POST.get("act") == "all":
        asked = QueryDict(request.POST.get("query", "")[:2_000])
        run = asked.get("run", "")
        return PostFilter(asked).narrow(source.posts.filter(run__in=_ids([run])) if run else source.posts.all())
    return source.posts.filter(pk__in=_ids(request.POST.getlist("post")))


def _ids(given: list[str]) -> list[int]:
    return [int(pk) for pk in given if pk.isascii() and pk.isdigit() and len(pk) < 19]


def _source(request: HttpRequest, slug: str) -> Source:
    return get_object_or_404(Source.objects.for_user(person(request)), slug=slug)


def _back(request: HttpRequest, source: Source, **more: str) -> str:
    """The list that the button was pressed in, with its filters and page, and nothing outside of this site."""
    path, _mark, query = request.POST.get("next", "")[:4_000].partition("?")
    here = url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith("/")
    asked = QueryDict(query, mutable=True)
    asked.pop("rescued", None)
    asked.update(more)
    address = iri_to_uri(path) if here else reverse("sources:posts", args=[source.slug])
    return f"{address}?{asked.urlencode()}" if asked else address
