"""Pages of prompts: all versions with what they are used for, one version, two beside each other, and a new one."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import role_required

from . import drafting, rendering, scorecard
from .call_filters import calls_of
from .models import ModelCall, PromptVersion, Purpose
from .prompt_forms import PromptForm
from .side_by_side import Row, counts, side_by_side


def versions(purpose: str) -> QuerySet[PromptVersion]:
    """All versions of a purpose, the newest first; files that are new here included."""
    return drafting.prompts(purpose).select_related("by", "parent").annotate(run_count=Count("runs", distinct=True))


@role_required("admin")
@require_safe
def prompts(request: HttpRequest) -> HttpResponse:
    """`?purpose=draft|score`."""
    purpose = request.GET.get("purpose", "")
    purpose = purpose if purpose in Purpose.values else Purpose.DRAFT
    found = list(versions(purpose))
    scores = results(ModelCall.objects.filter(prompt__purpose=purpose))
    rows = [{"prompt": prompt, "score": scores.get(prompt.pk), "is_newest": n == 0} for n, prompt in enumerate(found)]
    context = {"rows": rows, "purpose": purpose, "purposes": Purpose.choices, "compare": [prompt.pk for prompt in found[:2]]}
    return render(request, "annotation/prompts.html", context)


def results(calls: QuerySet[ModelCall]) -> dict[int, scorecard.Score]:
    """What reviewers made of the drafts of each prompt, all models and sources together: counts and shares only."""
    found: dict[int, scorecard.Score] = {}
    for key, score in scorecard.by_key(calls).items():
        total = found.setdefault(key[2], scorecard.Score("", score.prompt, "", ""))
        total.offered += score.offered
        total.accepted += score.accepted
        total.edited += score.edited
        total.rejected += score.rejected
    return found


@role_required("admin")
@require_safe
def prompt_page(request: HttpRequest, pk: int) -> HttpResponse:
    prompt = get_object_or_404(PromptVersion.objects.select_related("by", "parent"), pk=pk)
    before = PromptVersion.objects.filter(purpose=prompt.purpose, number__lt=prompt.number).order_by("-number").first()
    context = {
        "prompt": prompt, "other": prompt.parent or before, "children": prompt.children.order_by("number"), "runs": prompt.runs.count(),
        "scores": scorecard.scorecard(calls_of(request.user, {}).filter(prompt=prompt)),  # type: ignore[arg-type]
    }  # fmt: skip
    return render(request, "annotation/prompt.html", context)


@role_required("admin")
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """`?a=` and `?b=`, the older one is shown left."""
    old, new = compared(request.GET.get("a", ""), request.GET.get("b", ""))
    rows = side_by_side(old.text, new.text)
    context = {
        "old": old, "new": new, "rows": [shown(row) for row in rows], "counts": counts(rows),
        "versions": PromptVersion.objects.filter(purpose=new.purpose),
    }  # fmt: skip
    return render(request, "annotation/prompt_compare.html", context)


def compared(a: str, b: str) -> tuple[PromptVersion, PromptVersion]:
    """The two versions, the older one first. Raises Http404."""
    if not all(pk.isascii() and pk.isdecimal() and len(pk) < 18 for pk in (a, b)):
        raise Http404
    old, new = sorted((get_object_or_404(PromptVersion, pk=int(pk)) for pk in (a, b)), key=lambda prompt: (prompt.purpose, prompt.number))
    return old, new


def shown(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind, "left_number": row.left_number, "right_number": row.right_number,
        "left": rendering.changes(row.left), "right": rendering.changes(row.right),
    }  # fmt: skip


@role_required("admin")
@require_http_methods(["GET", "POST"])
def new_prompt(request: HttpRequest) -> HttpResponse:
    """`?from=` names the version to begin with."""
    begun = request.GET.get("from", "")
    parent = PromptVersion.objects.filter(pk=int(begun)).first() if begun.isascii() and begun.isdecimal() and len(begun) < 18 else None
    parent = parent or drafting.prompt()
    form = PromptForm(request.POST or None, initial={"purpose": parent.purpose, "parent": parent.pk, "text": parent.text})
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        parent = PromptVersion.objects.filter(pk=asked["parent"] or 0).first()
        try:
            made = drafting.add_prompt(purpose=asked["purpose"], text=asked["text"], by=request.user, parent=parent, note=asked["note"])  # type: ignore[arg-type]
        except drafting.Refused as refused:
            form.add_error("text", str(refused))
        else:
            if made.parent_id != (parent and parent.pk) or made.note != asked["note"]:
                messages.info(request, _("This text is there already: it is this version."))
            return redirect("annotation:prompt", made.pk)
    return render(request, "annotation/prompt_new.html", {"form": form, "parent": parent}, status=400 if form.errors else 200)
