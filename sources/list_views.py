"""The page of lists that screens read: word lists and benchmarks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import role_required

from . import lists as texts
from .forms import Marked
from .models import Source, TextList
from .views import person


class ListForm(Marked, forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=TextList.Kind.choices)
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=gettext_lazy("A text in UTF-8 with one entry a line, up to 5 MB and 100,000 lines."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("admin")
def lists(request: HttpRequest) -> HttpResponse:
    form = ListForm(request.POST, request.FILES) if request.method == "POST" else ListForm()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            found = texts.add(given["file"], name=given["name"], kind=given["kind"], by=person(request))
        except texts.BadList as error:
            form.add_error("file", str(error))
        else:
            text = _("“%(name)s” is there, with %(n)s entries. Screens of any source can read it.")
            messages.success(request, text % {"name": found.name, "n": f"{found.count:,}"}, extra_tags="ok")
            return redirect("sources:lists")
    form.mark()
    return render(request, "sources/lists.html", {"form": form, "lists": _with_users()}, status=400 if form.errors else 200)


@require_POST
@role_required("admin")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        texts.remove(get_object_or_404(TextList.objects.defer("lines"), pk=pk), by=person(request))
    except texts.BadList as error:
        messages.error(request, str(error), extra_tags="no")
    else:
        messages.success(request, _("The list is removed."), extra_tags="ok")
    return redirect("sources:lists")


def _with_users() -> list[dict[str, Any]]:
    """Each list with its first entries, and the sources whose screens read it."""
    users: dict[int, list[Source]] = {}
    for source in Source.objects.all():
        for pk in texts.named(source.screens):
            users.setdefault(pk, []).append(source)
    found = TextList.objects.select_related("by").extra(select={"begins": "lines[1:5]"}).defer("lines")
    return [{"list": each, "begins": "、".join(line[:30] for line in each.begins), "users": users.get(each.pk, [])} for each in found]
