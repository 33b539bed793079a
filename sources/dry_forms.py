"""What can be set in a dry run: the format, what the columns are, and the screens (those are screen_forms)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from . import dry_running, wording
from .forms import ENCODINGS, Marked, label_of
from .importers import IMPORTERS
from .importers.generic import NAMES, TEXTS
from .models import DryRun

GENERIC = "generic"
OF_THE_FORMAT = frozenset({"missing_column", "unknown_importer", "no_usable_rows"})  # failures that another format or mapping mends
OF_THE_ENCODING = frozenset({"not_utf8", "not_in_encoding", "unknown_encoding"})


class ReadingForm(Marked, forms.Form):
    """How a file is read. Each of its columns becomes a field of a post, or nothing; that counts for the generic format only."""

    importer = forms.ChoiceField(label=gettext_lazy("Format"), required=False)
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), required=False, choices=ENCODINGS)

    def __init__(self, dry: DryRun, data: Any = None, *, initial: dict[str, str] | None = None) -> None:
        asked = {"importer": dry.asked or (GENERIC if dry.mapping else ""), "encoding": dry.encoding}
        super().__init__(data, initial={**asked, **(initial or {})}, auto_id="read_%s")
        self.dry = dry
        recognised = _("Recognise it from the first rows")
        if dry.importer and not dry.asked and not dry.mapping:
            recognised = _("Recognised: %(format)s") % {"format": label_of(dry.importer)}
        choices = [("", recognised), *((name, label_of(name)) for name in IMPORTERS)]
        self.fields["importer"].choices = choices  # type: ignore[attr-defined]
        fields = [("", _("Not imported")), *((name, wording.post_field(name)) for name in NAMES)]
        for number, column in enumerate(dry.columns):
            self.fields[f"column{number}"] = forms.ChoiceField(
                label=column["name"], required=False, choices=fields, initial=column["field"] if column["field"] in NAMES else ""
            )

    @property
    def is_generic(self) -> bool:
        return (self["importer"].value() or self.dry.importer) == GENERIC

    def columns(self) -> Iterator[dict[str, Any]]:
        """Each column as it is shown: its name, its select, an example, and what of its values said nothing."""
        for number, column in enumerate(self.dry.columns):
            count, example = self.dry.counts["unread"].get(column["field"], (0, ""))
            bound = self[f"column{number}"]
            told = wording.post_field(column["field"]) if column["field"] else ""
            yield {**column, "bound": bound, "told": told, "unread": unread(column["field"], count, example) if count else ""}

    def mapping(self) -> dict[str, str]:
        """Post field -> column, for the generic format; nothing for any other."""
        if self.cleaned_data["importer"] != GENERIC:
            return {}
        chosen = [(self.cleaned_data.get(f"column{number}"), column["name"]) for number, column in enumerate(self.dry.columns)]
        return {field: name for field, name in chosen if field}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("importer") != GENERIC or not self.dry.columns:
            return cleaned
        taken: dict[str, str] = {}
        for number, column in enumerate(self.dry.columns):
            field = cleaned.get(f"column{number}")
            if field and field in taken:
                text = _("“%(column)s” is the %(field)s already.")
                self.add_error(f"column{number}", text % {"column": taken[field], "field": wording.post_field(field)})
            elif field:
                taken[field] = column["name"]
        if not any(field in taken for field in TEXTS):
            self.add_error("column0", _("Say which column holds the title, the body or the answer."))
        return cleaned

    def mark(self) -> None:
        """Also with what the dry run found out."""
        if self.dry.error_code in OF_THE_FORMAT | OF_THE_ENCODING and not self.is_bound:
            self.cleaned_data = {}
            self._errors = forms.utils.ErrorDict()
            self.add_error("importer" if self.dry.error_code in OF_THE_FORMAT else "encoding", dry_running.describe(self.dry))
        super().mark()
        for column in self.columns():
            attrs = column["bound"].field.widget.attrs
            attrs["class"] = "input sm"
            if column["unread"]:
                attrs |= {"aria-invalid": "true", "aria-describedby": f"{column['bound'].auto_id}_unread"}


def unread(field: str, count: int, example: str) -> str:
    """`7 rows hold no date there: “昨天”`"""
    kinds = {
        "posted_at": ngettext("%(n)s row holds no date there: “%(eg)s”", "%(n)s rows hold no date there, e.g. “%(eg)s”", count),
        "votes": ngettext("%(n)s row holds no number there: “%(eg)s”", "%(n)s rows hold no number there, e.g. “%(eg)s”", count),
        "url": ngettext("%(n)s row holds no address there: “%(eg)s”", "%(n)s rows hold no address there, e.g. “%(eg)s”", count),
    }
    return kinds.get(field, "%(n)s %(eg)s") % {"n": count, "eg": example}
