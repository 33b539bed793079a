"""The page of a source's screens: which there are, in what order, with what settings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import role_required

from . import policy, preview_views, screen_forms
from .models import Source
from .views import person


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("admin")
def screens(request: HttpRequest, slug: str) -> HttpResponse:
    """Buttons that move, add and take out show the list anew; Preview tries it; only Save writes it."""
    source = get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
    if request.method != "POST":
        return _page(request, source, screen_forms.shown(_tried(request, source) or source.screens))
    forms, act = screen_forms.posted(request.POST), request.POST.get("act", "save")
    if act not in ("save", "preview"):
        return _page(request, source, screen_forms.moved(forms, act, request.POST.get("added", "")))
    valid = [form.is_valid() for form in forms]  # all of them, to show every mistake at once
    if not all(valid):
        return _page(request, source, forms, status=400)
    try:
        wanted = policy.check_screens([form.given() for form in forms])
        if act == "preview":
            return preview_views.start(request, source, wanted)
        changed = policy.change(source, by=person(request), screens=wanted)
    except policy.BadPolicy as error:
        return _page(request, source, forms, status=400, error=str(error))
    text = _("Saved. It holds for what comes from now on. “Screen again” shows what it would change among the posts that are there.")
    messages.success(request, text if changed else _("Nothing was different, nothing was changed."), extra_tags="ok")
    return redirect("sources:detail", slug=slug)


def _tried(request: HttpRequest, source: Source) -> list[dict[str, Any]]:
    """The screens of the preview that the page was opened from, to go on with them."""
    asked = request.GET.get("preview", "")
    found = source.previews.filter(pk=asked).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    return found.screens if found else []


def _page(
    request: HttpRequest, source: Source, forms: list[screen_forms.ScreenForm], *, status: int = 200, error: str = ""
) -> HttpResponse:
    for form in forms:
        form.mark()
    context: dict[str, Any] = {"source": source, "forms": forms, "kinds": screen_forms.kinds(), "error": error, "is_wrong": status != 200}
    return render(request, "sources/screens.html", context, status=status)
