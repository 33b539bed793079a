"""The page of near-duplicates side by side, and what people say about them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import role_required

from . import duplicates
from .jobs import send_hint
from .models import Apart, Post, Source
from .screening import StaleState
from .tasks import screen_source
from .views import page, person

PAGE = 10
SHOWN = 24  # posts of one cluster that are shown; the best first


@require_safe
@role_required("lead")
def clusters(request: HttpRequest, slug: str) -> HttpResponse:
    """All clusters with a post of the source; `?post=7`: the one that this post is in, also of exact duplicates."""
    source = _source(request, slug)
    post = _post(request, source, request.GET.get("post", ""))
    roots = Post.objects.filter(pk=_root(post)) if post else duplicates.clusters_of(source)
    found = Paginator(roots, PAGE).get_page(request.GET.get("page"))
    apart = Apart.objects.filter(Q(one__source=source) | Q(other__source=source)).select_related("one", "other", "by").order_by("-id")
    context = {"post": post, "page": found, "clusters": [_cluster(root, post) for root in found], "apart": apart[:50]}
    return page(request, "sources/clusters.html", source=source, **context)


@require_POST
@role_required("admin")
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """`choose=7`, `withdraw=7`, `apart` with the ticked posts, or `together=3`: the id of what is taken back."""
    source = _source(request, slug)
    try:
        text = _done(request, source)
    except StaleState:
        messages.info(request, _("This cluster has changed, or its posts are being screened at this moment. Look at it again."))
    else:
        messages.success(request, text, extra_tags="ok")
        for pk in Source.objects.filter(posts__status=Post.Status.NEW).distinct().values_list("pk", flat=True):
            send_hint(screen_source, pk)
    query = (
        f"?post={request.POST['post']}" if request.POST.get("post", "").isdecimal() else f"?page={_number(request.POST.get('page', ''))}"
    )
    return redirect(redirect("sources:clusters", slug=slug).url + query)


def _done(request: HttpRequest, source: Source) -> str:
    """Do what was asked for, and say so. Raises StaleState, Http404."""
    by, asked = person(request), request.POST
    for act, do in (("choose", duplicates.choose), ("withdraw", duplicates.withdraw)):
        if act in asked:
            do(get_object_or_404(Post.objects.for_user(by), pk=_number(asked[act])), by=by)
            return _("This one stays, also when posts are screened again.") if act == "choose" else _("The votes decide again.")
    if "together" in asked:
        mine = Apart.objects.filter(Q(one__source=source) | Q(other__source=source), pk=_number(asked["together"]))
        duplicates.put_together(source, mine, by=by)
        return _("They may be duplicates again.")
    ticked = [_number(pk) for pk in asked.getlist("member")[: duplicates.MOST]]
    duplicates.tell_apart(source, ticked, by=by)
    return _("They are no duplicates of the others, also when posts are screened again.")


def _cluster(root: Post, post: Post | None) -> dict[str, Any]:
    """The one that stays, then the others by votes; of a large cluster the first, and the post that was asked for."""
    exact = post is not None and post.drop_reason == "duplicate"
    members = Post.objects.filter(pk__in=[root.pk, post.pk]) if exact and post else duplicates.cluster_of(root)
    known = members.select_related("source", "chosen_by").annotate(reviews=Count("pairs__reviews"))
    shown = sorted(known, key=lambda member: (member.pk != root.pk, -(member.votes or 0), member.pk))
    return {"root": root, "members": shown[:SHOWN], "more": max(0, len(shown) - SHOWN), "is_exact": exact}


def _root(post: Post) -> int:
    """Of an exact duplicate, the post that it repeats."""
    is_exact = post.drop_reason == "duplicate" and post.drop_value.isdecimal()
    return int(post.drop_value) if is_exact else post.cluster_id or post.pk


def _post(request: HttpRequest, source: Source, asked: str) -> Post | None:
    return get_object_or_404(source.posts, pk=_number(asked)) if asked else None


def _number(text: str) -> int:
    """Raises Http404 for what is no number that an id could be."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404
    return int(text)


def _source(request: HttpRequest, slug: str) -> Source:
    return get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
