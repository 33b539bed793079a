"""Pages of a source's policy: adding one, changing it, and seeing meanwhile what it makes of posts that are there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import role_required

from . import policy
from .models import Post, Reply, Source
from .policy_forms import SourceForm
from .templating import fill, instruction_of
from .views import person, source_of

SHOWN, EXCERPT = 4, 240
INVENTED = {
    "title": "保温杯里装冰水，它该保谁的温？",
    "body": "杯子说它只管保温，没问过是谁的温。",
    "answer": "保的是杯里的温度：隔热是双向的。",
}


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("admin")
def add(request: HttpRequest) -> HttpResponse:
    form = SourceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and "preview" not in request.POST and form.is_valid():
        try:
            source = policy.add(by=person(request), **form.policy())
        except IntegrityError:  # two at once
            form.add_error("slug", _("There is a source of this name already."))
        else:
            messages.success(request, _("The source is there. Import a file to fill it."), extra_tags="ok")
            return redirect("sources:detail", slug=source.slug)
    return _page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("admin")
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    source = source_of(request, slug)
    form = SourceForm(request.POST if request.method == "POST" else None, instance=source)
    if request.method == "POST" and "preview" not in request.POST and form.is_valid():
        changed = policy.change(source_of(request, slug), by=person(request), **form.policy())
        messages.success(
            request,
            _("Saved. It holds for what comes from now on.") if changed else _("Nothing was different, nothing was changed."),
            extra_tags="ok",
        )
        return redirect("sources:detail", slug=slug)
    return _page(request, form, source)


@require_POST
@role_required("admin")
def preview(request: HttpRequest, slug: str = "") -> HttpResponse:
    """What the form, as it is typed, makes of posts. Nothing is saved."""
    source = source_of(request, slug) if slug else None
    form = SourceForm(request.POST, instance=source)
    return render(request, "sources/_policy_preview.html", {"source": source, "preview": made(form, source)})


@require_POST
@role_required("admin")
def forget_mapping(request: HttpRequest, slug: str) -> HttpResponse:
    number = request.POST.get("number", "")
    if number.isascii() and number.isdigit() and policy.forget_mapping(source_of(request, slug), number=int(number), by=person(request)):
        messages.success(request, _("Forgotten. Files with these columns are read by what is recognised again."), extra_tags="ok")
    return redirect("sources:edit", slug=slug)


def made(form: SourceForm, source: Source | None) -> dict[str, Any]:
    """The pairs that the templates of the form make of some posts of the source, or of an invented one."""
    names = ("instruction_templates", "input_template")
    problem = next((form[name].errors[0] for name in names if form.is_bound and form[name].errors), "")
    said = form.cleaned_data if form.is_bound else {name: getattr(form.instance, name) for name in (*names, "reply")}
    templates, input_, reply = (said.get(name, "") for name in (*names, "reply"))
    posts = list(source.posts.exclude(status=Post.Status.DROPPED).order_by("id")[:SHOWN]) if source else []
    rows = [(post.row, post.fields()) for post in posts] or [(row, INVENTED) for row in range(1, 1 + min(3, max(1, len(templates))))]
    pairs = [
        {
            "instruction": instruction_of(templates or [], row, fields)[:EXCERPT], "input": fill(input_, fields)[:EXCERPT],
            "reply": fields["answer"][:EXCERPT],
        }
        for row, fields in rows
    ]  # fmt: skip
    return {"pairs": [] if problem else pairs, "problem": problem, "is_invented": not posts, "is_own": reply == Reply.SOURCE}


def _page(request: HttpRequest, form: SourceForm, source: Source | None) -> HttpResponse:
    shown = made(form, source)
    form.mark()
    context = {"form": form, "source": source, "preview": shown, "is_wrong": form.errors and "preview" not in request.POST}
    return render(request, "sources/edit.html", context, status=400 if context["is_wrong"] else 200)
