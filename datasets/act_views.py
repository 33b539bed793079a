"""What is done to a version from its page. Each is a form with a button, and ends in one function of a step."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import role_required
from sources.jobs import send_hint

from . import exporting, publishing, releasing, tasks
from .exporting import Refused
from .forms import ExportForm, FreezeForm, ReasonForm, ReleaseForm
from .models import Takedown, Version
from .views import dataset_of, exports_of, person, version_of


def _back(version: Version) -> HttpResponse:
    return redirect("datasets:version", version.dataset.slug, version.number)


@require_POST
@role_required("admin")
def freeze(request: HttpRequest, slug: str) -> HttpResponse:
    dataset, form = dataset_of(request, slug), FreezeForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was frozen: the form was incomplete. Load the page again."), extra_tags="no")
        return redirect("datasets:detail", dataset.slug)
    version = publishing.freeze(dataset, by=person(request), **form.cleaned_data)
    send_hint(tasks.build_version, version.pk)
    return redirect("datasets:version", dataset.slug, version.number)


@require_POST
@role_required("admin")
def cancel(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    version = version_of(request, slug, number)
    if not publishing.cancel(version, by=person(request)):
        messages.error(request, _("It is no longer being built."), extra_tags="no")
    return _back(version)


@require_POST
@role_required("admin")
def release(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    version, form = version_of(request, slug, number), ReleaseForm(request.POST)
    try:
        releasing.release(version, by=person(request), **(form.cleaned_data if form.is_valid() else {}))
        messages.success(request, _("Version v%(number)s is released.") % {"number": number}, extra_tags="ok")
    except Refused as refused:
        messages.error(request, str(refused), extra_tags="no")
    return _back(version)


@require_POST
@role_required("admin")
def withdraw(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    version, form = version_of(request, slug, number), ReasonForm(request.POST)
    try:
        releasing.withdraw(version, by=person(request), reason=form.cleaned_data["reason"] if form.is_valid() else "")
        messages.success(
            request,
            _("Version v%(number)s is withdrawn: it stays listed and can no longer be downloaded.") % {"number": number},
            extra_tags="ok",
        )
    except Refused as refused:
        messages.error(request, str(refused), extra_tags="no")
    return _back(version)


@require_POST
@role_required("viewer")
def order(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Order files in a further layout."""
    version, form = version_of(request, slug, number), ExportForm(request.POST)
    try:
        asked = form.cleaned_data if form.is_valid() else {"schema": "", "format": ""}
        job = exporting.order(version, asked["schema"], asked["format"], by=person(request))
        send_hint(tasks.export_files, job.pk)
    except Refused as refused:
        messages.error(request, str(refused), extra_tags="no")
    return redirect(f"{_back(version)['Location']}#files")


@require_GET
@role_required("viewer")
def exports(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Asked for every two seconds while files are written; then the whole page is due."""
    version = version_of(request, slug, number)
    found = exports_of(version)
    if any(job.state in ("queued", "running") for job, _why in found):
        return render(request, "datasets/_exports.html", {"dataset": version.dataset, "version": version, "exports": found})
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_POST
@role_required("viewer")
def cancel_export(request: HttpRequest, slug: str, number: int, pk: int) -> HttpResponse:
    version = version_of(request, slug, number)
    exporting.cancel(get_object_or_404(exporting.cancellable(version, by=person(request)), pk=pk))
    return redirect(f"{_back(version)['Location']}#files")


@require_POST
@role_required("admin")
def take_down(request: HttpRequest, slug: str, number: int, position: int) -> HttpResponse:
    """The post that a record was made of must not be published any more."""
    version, form = version_of(request, slug, number), ReasonForm(request.POST)
    record = get_object_or_404(version.records.select_related("pair__post__source"), position=position)
    try:
        releasing.take_down(record.pair.post, by=person(request), reason=form.cleaned_data["reason"] if form.is_valid() else "")
    except Refused as refused:
        messages.error(request, str(refused), extra_tags="no")
        return _back(version)
    text = _("The post is out of every version frozen from now on. Below are the versions that still contain it.")
    messages.success(request, text, extra_tags="ok")
    return redirect("datasets:takedowns")


@require_GET
@role_required("admin")
def takedowns(request: HttpRequest) -> HttpResponse:
    """Posts that were taken down, each with the frozen versions that contain it."""
    found = Takedown.objects.select_related("post__source", "by")[:200]
    return render(request, "datasets/takedowns.html", {"rows": [(takedown, releasing.containing(takedown.post)) for takedown in found]})


@require_POST
@role_required("admin")
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    releasing.lift(get_object_or_404(Takedown, pk=pk), by=person(request))
    messages.success(request, _("The post may be published again."), extra_tags="ok")
    return redirect("datasets:takedowns")
