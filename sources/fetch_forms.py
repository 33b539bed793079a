"""The form for a file that is named by its URL."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy

from . import downloading
from .addresses import MAX_URL
from .forms import ImportForm
from .models import Source


class FetchForm(ImportForm):
    """What the form of a file asks, but for the file."""

    file = None  # type: ignore[assignment]
    url = forms.CharField(
        label=gettext_lazy("Address of the file"),
        max_length=MAX_URL,
        help_text=gettext_lazy("A public address that begins with https:// or http://. Its format is recognised from the first rows."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://example.org/posts.jsonl"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "fetch_%s", **kwargs})
        self.fields.pop("file", None)

    def clean_url(self) -> str:
        try:
            return downloading.check(self.cleaned_data["url"])
        except downloading.Refused as refused:
            raise forms.ValidationError(downloading.sentence(refused.code, refused.params)) from refused


def fetch_form(sources: Any, source: Source | None) -> FetchForm | None:
    """An empty one, ready to be shown; None where fetching is switched off."""
    if not settings.FETCH:
        return None
    form = FetchForm(sources=sources, source=source)
    form.mark()
    return form
