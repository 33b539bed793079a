"""What an admin fills in: a source's policy, and a file to import. And the filters of the list of posts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from .importers import IMPORTERS
from .models import Platform, Post, Source

ENCODINGS = [("", gettext_lazy("UTF-8 (usual)")), ("gb18030", gettext_lazy("GB18030 (also GBK, GB2312)"))]


class Marked(forms.BaseForm):
    """Fields that say themselves what is wrong with them: aria-invalid, and aria-describedby to the hint and the error."""

    def mark(self) -> None:
        for name, field in self.fields.items():
            bound = self[name]
            field.widget.attrs.setdefault("class", "input")
            ids = [f"{bound.auto_id}_hint"] * bool(field.help_text) + [f"{bound.auto_id}_err"] * bool(bound.errors)
            if ids:
                field.widget.attrs["aria-describedby"] = " ".join(ids)
            if bound.errors:
                field.widget.attrs["aria-invalid"] = "true"


class ImportForm(Marked, forms.Form):
    """A file for a source. Empty files come through: importing says why it cannot read them, on every door alike."""

    source = forms.ModelChoiceField(label=gettext_lazy("Source"), queryset=Source.objects.none(), to_field_name="slug", empty_label=None)
    file = forms.FileField(label=gettext_lazy("File"), allow_empty_file=True)
    importer = forms.ChoiceField(label=gettext_lazy("Format"), required=False)
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), required=False, choices=ENCODINGS)

    def __init__(self, *args: Any, sources: Any, source: Source | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = sources  # type: ignore[attr-defined]
        if source:
            del self.fields["source"]
        choices = [("", _("Recognise it from the first rows")), *((name, label_of(name)) for name in IMPORTERS)]
        self.fields["importer"].choices = choices  # type: ignore[attr-defined]


def label_of(importer: str) -> str:
    """What an importer is called: like its platform, or as its format is known."""
    named = str(Platform(importer).label) if importer in Platform.values else IMPORTERS[importer].label
    return named or _("Any other, by its columns")


LARGEST = 2**63 - 1  # id


class PostFilter(forms.Form):
    """The filters of the list of posts; what makes no sense is left out, and never reaches the database."""

    status = forms.ChoiceField(choices=[("", pgettext_lazy("filter", "All")), *Post.Status.choices], required=False)
    reason = forms.CharField(max_length=64, required=False)
    search = forms.CharField(max_length=200, required=False)
    after = forms.IntegerField(min_value=0, max_value=LARGEST, required=False)  # the id that a page of a search begins after
    before = forms.IntegerField(min_value=0, max_value=LARGEST, required=False)  # or ends before

    def narrow(self, posts: Any) -> Any:
        """All that match, however long it takes: to page through them, ask `searching`."""
        self.is_valid()
        return posts.matching(**{name: self.cleaned_data[name] for name in ("status", "reason", "search") if self.cleaned_data.get(name)})

    def outcome(self) -> dict[str, str]:
        return Post.outcome(self.cleaned_data.get("status", ""), self.cleaned_data.get("reason", ""))

    def place(self) -> dict[str, int]:
        """Where the page is, as `searching.page` wants it."""
        return {name: self.cleaned_data[name] for name in ("after", "before") if self.cleaned_data.get(name) is not None}
