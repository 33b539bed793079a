"""Pages of datasets."""

from typing import Any, cast

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import role_required
from sources.jobs import send_hint

from . import downloads, publishing, tasks
from .browsing import browse, example
from .exporting import Refused, in_order
from .forms import DatasetForm, FreezeForm
from .ledger import ledger
from .models import Dataset, Version
from .schemas import SCHEMAS
from .selecting import preview, recipe_of
from .wording import BUILDING, left_out_notes, why_empty, why_failed


@require_GET
@role_required("viewer")
def datasets(request: HttpRequest) -> HttpResponse:
    found = Dataset.objects.for_user(_person(request)).prefetch_related("versions")
    rows = []
    for dataset in found:
        versions = list(dataset.versions.all())
        frozen = next((version for version in versions if version.is_frozen), None)
        rows.append({"dataset": dataset, "frozen": frozen, "building": any(version.state in BUILDING for version in versions)})
    return render(request, "datasets/list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@role_required("admin")
def new(request: HttpRequest) -> HttpResponse:
    form = DatasetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            dataset = publishing.create_dataset(**form.values(), by=_person(request))
        except IntegrityError:  # somebody was faster
            form.add_error("slug", _("There is a dataset at this address already."))
        else:
            return redirect("datasets:detail", dataset.slug)
    return render(request, "datasets/new.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@role_required("viewer")
def detail(request: HttpRequest, slug: str, number: int | None = None) -> HttpResponse:
    """The chosen version, or the newest one that can be used."""
    dataset = _dataset(request, slug)
    versions = list(dataset.versions.all())
    chosen = next((version for version in versions if version.number == number), None)
    if number is not None and chosen is None:
        raise Http404
    version = chosen or next((version for version in versions if version.is_frozen), versions[0] if versions else None)
    context = {"dataset": dataset, "versions": versions, "version": version, "offer": _offer(request, dataset, versions)}
    if version:
        context |= _of_version(request, version, versions)
    return render(request, "datasets/dataset.html", context)


@require_POST
@role_required("admin")
def freeze(request: HttpRequest, slug: str) -> HttpResponse:
    dataset, form = _dataset(request, slug), FreezeForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was frozen: the form was incomplete. Load the page again."), extra_tags="no")
        return redirect("datasets:detail", dataset.slug)
    version = publishing.freeze(dataset, by=_person(request), **form.cleaned_data)
    send_hint(tasks.build_version, version.pk)
    return redirect("datasets:version", dataset.slug, version.number)


@require_GET
@role_required("viewer")
def progress(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Asked for every two seconds while a version is built; then the whole page is due."""
    version = get_object_or_404(Version.objects.select_related("dataset"), dataset=_dataset(request, slug), number=number)
    if version.state in BUILDING:
        return render(request, "datasets/_progress.html", {"dataset": version.dataset, "version": version, "total": _total(version)})
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_GET
@role_required("viewer")
def file(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponse:
    version = get_object_or_404(Version.objects.select_related("dataset"), dataset=_dataset(request, slug), number=number)
    found = downloads.find(version, name)
    if found is None:
        raise Http404
    try:
        return cast("HttpResponse", downloads.send(request, found, to=_person(request)))
    except Refused:
        messages.error(
            request, _("This file is not on the server at the moment. An admin can write it again: manage.py export"), extra_tags="no"
        )
        return redirect("datasets:version", slug, number)


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _dataset(request: HttpRequest, slug: str) -> Dataset:
    return get_object_or_404(Dataset.objects.for_user(_person(request)), slug=slug)


def _page_number(request: HttpRequest) -> int:
    number = request.GET.get("page", "")
    return max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 7 else 1


def _total(version: Version) -> int:
    return sum(version.splits.values())


def _offer(request: HttpRequest, dataset: Dataset, versions: list[Version]) -> dict[str, Any] | None:
    """What an admin could freeze now. Nothing is offered while a version is being built."""
    if not _person(request).has_role("admin"):
        return None
    without = preview(recipe_of(dataset, include_demo=False))
    offer = {"take": without.get("", 0), "demo": without.get("demo", 0), "licence": without.get("licence", 0)}
    return offer | {
        "number": versions[0].number + 1 if versions else 1,
        "any": offer["take"] + offer["demo"],
        "why_not": why_empty({"licence": offer["licence"]}),
        "building": any(version.state in BUILDING for version in versions),
    }


def _of_version(request: HttpRequest, version: Version, versions: list[Version]) -> dict[str, Any]:
    """What the page says about the version, by its state."""
    if not version.is_frozen:
        return {"is_building": version.state in BUILDING, "total": _total(version), "failure": why_failed(version)}
    before = next((other for other in versions if other.number < version.number and other.is_frozen), None)
    return {
        "files": [] if version.state == Version.State.WITHDRAWN else [(file, SCHEMAS[file.schema]) for file in in_order(version)],
        "ledger": ledger(version),
        "before": before,
        "difference": (version.records_count or 0) - (before.records_count or 0) if before else 0,
        "notes": left_out_notes(version.left_out),
        "page": browse(version, search=request.GET.get("q", "")[:100], number=_page_number(request)),
        "example": example(version),
    }
