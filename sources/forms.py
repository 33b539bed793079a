"""What an admin fills in: a source's policy, and a file to import. And the filters of the list of posts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from . import policy
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


class TemplateLines(forms.CharField):
    """A list of templates, one a line. A line break inside of a template is written `\\n`."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(line).replace("\n", "\\n") for line in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = super().clean(value).splitlines()
        try:
            return policy.check_templates(line.strip().replace("\\n", "\n") for line in lines)
        except policy.BadPolicy as error:
            raise forms.ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class SourceForm(Marked, forms.ModelForm):
    instruction_templates = TemplateLines(
        label=gettext_lazy("Instruction templates"),
        required=False,
        help_text=gettext_lazy(
            "One a line, used in turn. They may name {title}, {body} and {answer}; \\n is a line break. Empty: {title}."
        ),
    )
    reviews_wanted = forms.IntegerField(
        label=gettext_lazy("Reviews per pair"),
        initial=1,
        min_value=1,
        max_value=9,
        help_text=gettext_lazy("How many people decide about each pair. When they disagree, a lead decides."),
    )

    terms_url = forms.URLField(label=gettext_lazy("Terms of use"), required=False, max_length=500, assume_scheme="https")

    class Meta:
        model = Source
        fields = (
            "name", "slug", "platform", "licence", "terms_url", "reply", "instruction_templates", "reviews_wanted", "floors", "guidelines",
        )  # fmt: skip
        labels = {
            "name": gettext_lazy("Name"),
            "slug": gettext_lazy("Address"),
            "platform": gettext_lazy("Platform"),
            "licence": gettext_lazy("Licence"),
            "reply": gettext_lazy("Where the response comes from"),
            "floors": gettext_lazy("Floors of a thread"),
            "guidelines": gettext_lazy("Guidelines"),
        }
        help_texts = {
            "slug": gettext_lazy("In addresses and commands: lower-case letters, digits and hyphens. It stays for ever."),
            "licence": gettext_lazy("As the platform names it. Empty: unknown."),
            "floors": gettext_lazy("Of files that have one row for each floor. It holds for files imported from now on."),
            "guidelines": gettext_lazy("For reviewers, in Markdown."),
        }
        widgets = {"guidelines": forms.Textarea(attrs={"rows": 6}), "reply": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["instruction_templates"].widget.attrs |= {"rows": 3, "class": "input mono", "spellcheck": "false"}
        self.fields["floors"].required = False
        if self.instance.pk:
            del self.fields["slug"]

    def clean_floors(self) -> str:
        """What is not said stays as it is."""
        return self.cleaned_data["floors"] or self.instance.floors

    def clean_slug(self) -> str:
        try:
            return policy.check_slug(self.cleaned_data["slug"])
        except policy.BadPolicy as error:
            raise forms.ValidationError(str(error)) from error


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
