"""Pages of datasets: what there is to see, and the forms that say what a dataset is. What is done to versions: `act_views`."""

from typing import Any, cast

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import User
from accounts.permissions import role_required

from . import browsing, differences, downloads, publishing
from .bundling import about
from .cards import body, readme
from .exporting import Refused, in_order, offered
from .forms import DatasetForm, RecipeForm
from .models import Dataset, Version
from .selecting import preview_within, recipe_of
from .wording import REASONS, left_out_notes, why_empty, why_failed
from .writers import WRITERS

HASTE, PATIENCE = 0.3, 12.0  # seconds that counting may take before a page is shown, and once a dialog waits for it


def person(request: HttpRequest) -> User:
    return cast("User", request.user)


def dataset_of(request: HttpRequest, slug: str) -> Dataset:
    return get_object_or_404(Dataset.objects.for_user(person(request)), slug=slug)


def version_of(request: HttpRequest, slug: str, number: int) -> Version:
    return get_object_or_404(Version.objects.select_related("dataset"), dataset=dataset_of(request, slug), number=number)


def count_of(request: HttpRequest, name: str, least: int = 1) -> int:
    """A number in the address; what is none is the least one."""
    said = request.GET.get(name, "")
    return max(least, int(said)) if said.isascii() and said.isdigit() and len(said) < 7 else least


@require_GET
@role_required("viewer")
def datasets(request: HttpRequest) -> HttpResponse:
    rows = []
    for dataset in Dataset.objects.for_user(person(request)).prefetch_related("versions"):
        versions = list(dataset.versions.all())
        newest = next((version for version in versions if version.is_usable), None)
        rows.append({"dataset": dataset, "frozen": newest, "building": any(version.is_open for version in versions)})
    return render(request, "datasets/list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@role_required("admin")
def new(request: HttpRequest) -> HttpResponse:
    form = DatasetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            dataset = publishing.create_dataset(**form.values(), by=person(request))
        except IntegrityError:  # somebody was faster
            form.add_error("slug", _("There is a dataset at this address already."))
        else:
            return redirect("datasets:detail", dataset.slug)
    return render(request, "datasets/recipe.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@role_required("admin")
def recipe(request: HttpRequest, slug: str) -> HttpResponse:
    dataset = dataset_of(request, slug)
    form = RecipeForm(request.POST or None, instance=Dataset.objects.get(pk=dataset.pk))
    if request.method == "POST" and form.is_valid():
        publishing.update_dataset(dataset, by=person(request), **form.values())
        messages.success(request, _("The recipe is saved. It holds for versions frozen from now on."), extra_tags="ok")
        return redirect("datasets:detail", dataset.slug)
    return render(request, "datasets/recipe.html", {"form": form, "dataset": dataset}, status=422 if form.errors else 200)


@require_GET
@role_required("viewer")
def detail(request: HttpRequest, slug: str, number: int | None = None) -> HttpResponse:
    """The chosen version, or the newest one that can be used."""
    dataset = dataset_of(request, slug)
    versions = list(dataset.versions.select_related("dataset"))
    chosen = next((version for version in versions if version.number == number), None)
    if number is not None and chosen is None:
        raise Http404
    version = chosen or next((version for version in versions if version.is_usable), versions[0] if versions else None)
    context = {"dataset": dataset, "versions": versions, "version": version, "offer": _offer(request, dataset, versions)}
    if version:
        context |= _of_version(request, version, versions)
    return render(request, "datasets/dataset.html", context)


@require_GET
@role_required("viewer")
def progress(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Asked for every two seconds while a version is built; then the whole page is due."""
    version = version_of(request, slug, number)
    if version.is_open:
        total = sum(version.splits.values())
        return render(request, "datasets/_progress.html", {"dataset": version.dataset, "version": version, "total": total})
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_GET
@role_required("viewer")
def changes(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """What differs from an earlier version, and why."""
    new, page = version_of(request, slug, number), count_of(request, "page")
    others = [version for version in new.dataset.versions.select_related("dataset") if version.is_usable and version != new]
    old = next((version for version in others if version.number == count_of(request, "from", 0)), None)
    old = old or next((version for version in others if version.number < new.number), others[0] if others else None)
    if not new.is_usable or old is None:
        raise Http404
    counted = differences.compare(old, new)
    first = next((kind for kind in differences.KINDS if getattr(counted, kind)), "added")
    kind = request.GET.get("kind") if request.GET.get("kind") in differences.KINDS else first
    found = differences.changes(old, new, str(kind), start=(page - 1) * differences.PAGE, limit=differences.PAGE + 1)
    rows = [(change, REASONS.get(change.why, change.why)) for change in found[: differences.PAGE]]
    context = {"dataset": new.dataset, "new": new, "old": old, "others": others, "counted": counted, "kind": kind, "rows": rows}
    context |= {"page": page, "has_next": len(found) > differences.PAGE}
    return render(request, "datasets/changes.html", context)


@require_GET
@role_required("viewer")
def file(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponse:
    found = downloads.find(version_of(request, slug, number), name)
    if found is None:
        raise Http404
    try:
        return cast("HttpResponse", downloads.send(request, found, to=person(request)))
    except Refused:
        messages.error(
            request, _("This file is not on the server at the moment. An admin can write it again: manage.py export"), extra_tags="no"
        )
        return redirect("datasets:version", slug, number)


@require_GET
@role_required("admin")
def offer(request: HttpRequest, slug: str) -> HttpResponse:
    """What a version would take, counted with patience: asked for when the dialog opens and the page had none."""
    dataset = dataset_of(request, slug)
    return render(request, "datasets/_takes.html", {"dataset": dataset, "offer": _counts(dataset, PATIENCE) | {"is_last": True}})


def _offer(request: HttpRequest, dataset: Dataset, versions: list[Version]) -> dict[str, Any] | None:
    """What an admin could freeze now. Nothing is offered while a version is being built."""
    if not person(request).has_role("admin"):
        return None
    if any(version.is_open for version in versions):
        return {"building": True, "any": 0}
    return {"number": versions[0].number + 1 if versions else 1} | _counts(dataset, HASTE)


def _counts(dataset: Dataset, seconds: float) -> dict[str, Any]:
    """What a version made now would take, and what it would leave out unless told otherwise."""
    own = {"takes_licence": recipe_of(dataset).include_unknown_licence}
    strict = preview_within(seconds, recipe_of(dataset, include_demo=False, include_unknown_licence=False))
    if strict is None:
        return own | {"is_uncounted": True, "any": True, "take": True, "demo": True, "licence": True}
    take, demo, licence = (strict.pop(fate, 0) for fate in ("", "demo", "licence"))
    return own | {
        "take": take, "demo": demo, "licence": licence, "any": take + demo + licence, "notes": left_out_notes(strict),
        "why_not": why_empty(strict),
    }  # fmt: skip


def _of_version(request: HttpRequest, version: Version, versions: list[Version]) -> dict[str, Any]:
    """What the page says about the version, by its state."""
    if not version.is_frozen:
        return {"is_building": version.is_open, "total": sum(version.splits.values()), "failure": why_failed(version)}
    before = next((other for other in versions if other.number < version.number and other.is_usable), None)
    names = {source["slug"]: source["name"] for source in version.facts.get("sources", ())}
    known = about(version)
    asked = {name: request.GET.get("q" if name == "search" else name, "")[:100] for name in browsing.FILTERS}
    return {
        "files": in_order(version) if version.is_usable else [],
        "offered": offered(version) if version.is_usable else [],
        "exports": exports_of(version),
        "lines": [line | {"name": names.get(line["source"], line["source"])} for line in version.facts.get("lines", ())],
        "before": before,
        "difference": (version.records_count or 0) - (before.records_count or 0) if before else 0,
        "notes": left_out_notes(version.left_out),
        "page": browsing.browse(version, number=count_of(request, "page"), **asked),
        "query": urlencode({"q" if name == "search" else name: said for name, said in asked.items() if said}),
        "ranked": version.preferences.get("edit", 0) + version.preferences.get("ranked", 0),
        "formats": WRITERS.items(),
        "example": browsing.example(version) if version.is_usable else "",
        "card": readme(known),
        "card_body": body(known),
    }


def exports_of(version: Version) -> list[tuple[Any, str]]:
    """Orders under way, and the last ones that failed."""
    shown = [job for job in version.exports.all()[:10] if job.state in ("queued", "running", "failed")]
    return [(job, why_failed(job)) for job in shown]
