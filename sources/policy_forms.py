"""The form of a source's policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from accounts.models import Role, User

from . import policy
from .forms import Marked
from .models import QueueOrder, Source


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


class Words(forms.CharField):
    """A list of words in one line."""

    def prepare_value(self, value: Any) -> Any:
        return "、".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        try:
            return policy.check_words(re.split(r"[,，、;；\n]", super().clean(value)))
        except policy.BadPolicy as error:
            raise forms.ValidationError(str(error)) from error


class SourceForm(Marked, forms.ModelForm):
    """The fields of a policy, in the groups of GROUPS. Cleaned data are what `policy.add` and `policy.change` take."""

    GROUPS = {
        "source": (gettext_lazy("The source"), ("name", "slug", "platform", "licence", "terms_url")),
        "pair": (
            gettext_lazy("How a pair is made"),
            ("instruction_templates", "input_template", "reply", "system_prompt", "task_major", "task_minor", "domain"),
        ),
        "review": (
            gettext_lazy("Who reviews, and how"),
            (
                "reviews_wanted",
                "review_share",
                "reviewers",
                "queue_order",
                "queue_seed",
                "lease_minutes",
                "peers_send_back",
                "names_shown",
                "guidelines",
            ),
        ),
        "reading": (gettext_lazy("How files are read"), ("floors",)),
    }

    instruction_templates = TemplateLines(
        label=gettext_lazy("Instruction templates"),
        required=False,
        help_text=gettext_lazy(
            "One a line, used in turn. They may name {title}, {body} and {answer}; \\n is a line break. Empty: {title}."
        ),
    )
    input_template = forms.CharField(
        label=gettext_lazy("Input template"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("What stands beside the instruction, e.g. {body}: an exam's question under its passage. Empty: nothing."),
    )
    system_prompt = forms.CharField(
        label=gettext_lazy("What the model is told besides"),
        required=False,
        max_length=policy.MOST_RULES,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Added to the house rules of the prompt, in every draft of this source."),
    )
    task_major = Words(label=gettext_lazy("Kind of task"), required=False, help_text=gettext_lazy("Words with commas between them."))
    task_minor = Words(label=gettext_lazy("Kind of task, finer"), required=False)
    domain = Words(label=gettext_lazy("Domain"), required=False)
    reviews_wanted = forms.IntegerField(
        label=gettext_lazy("Reviews per pair"),
        initial=1,
        min_value=1,
        max_value=9,
        help_text=gettext_lazy("How many people decide about each pair. When they disagree, a lead decides."),
    )
    review_share = forms.IntegerField(
        label=gettext_lazy("Share that gets so many, in percent"),
        required=False,
        min_value=0,
        max_value=100,
        help_text=gettext_lazy(
            "The others get one review. Which ones is drawn when a pair is made, the same way each time. 10: every tenth."
        ),
    )
    queue_order = forms.ChoiceField(
        label=gettext_lazy("Order of the queue"),
        required=False,
        choices=QueueOrder.choices,
        help_text=gettext_lazy("Holds for the pairs that are there, too, a little after it is saved."),
    )
    queue_seed = forms.IntegerField(
        label=gettext_lazy("Seed of chance"),
        required=False,
        min_value=0,
        max_value=policy.LARGEST_SEED,
        help_text=gettext_lazy("Another number, another order by chance."),
    )
    peers_send_back = forms.BooleanField(
        label=gettext_lazy("Reviewers may send an item back to whoever decided about it before them"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": ""}),
    )
    names_shown = forms.BooleanField(
        label=gettext_lazy("A lead who decides a dispute sees whose versions they are"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": ""}),
    )
    reviewers = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Reviewers"),
        required=False,
        queryset=User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Nobody chosen: everybody may review it."),
    )
    lease_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes a reviewer has"),
        required=False,
        min_value=1,
        max_value=policy.MOST_MINUTES,
        help_text=gettext_lazy("So long a pair is held for who opened it; any input begins them anew."),
    )
    terms_url = forms.URLField(label=gettext_lazy("Terms of use"), required=False, max_length=500, assume_scheme="https")

    class Meta:
        model = Source
        fields = (
            "name", "slug", "platform", "licence", "terms_url", "reply", "instruction_templates", "input_template", "system_prompt",
            "domain", "reviews_wanted", "review_share", "reviewers", "queue_order", "queue_seed", "lease_minutes", "peers_send_back",
            "names_shown", "floors", "guidelines",
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
        self.fields["input_template"].widget.attrs |= {"class": "input mono", "spellcheck": "false"}
        self.fields["floors"].required = False
        chosen = self.instance.reviewers.values("pk") if self.instance.pk else []
        people = User.objects.filter(is_active=True).exclude(role=Role.VIEWER) | User.objects.filter(pk__in=chosen)
        self.fields["reviewers"].queryset = people.order_by("username")  # type: ignore[attr-defined]
        for name, level in (("task_major", "major"), ("task_minor", "minor")):
            self.fields[name].initial = self.instance.task_type.get(level, [])
        if self.instance.pk:
            del self.fields["slug"]

    def groups(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "label": label, "fields": [self[field] for field in fields if field in self.fields]}
            for name, (label, fields) in self.GROUPS.items()
        ]

    def policy(self) -> dict[str, Any]:
        """What was said, as a policy has it."""
        said = dict(self.cleaned_data)
        said["task_type"] = {"major": said.pop("task_major"), "minor": said.pop("task_minor")}
        return {**said, "reviewers": list(said["reviewers"])}

    def clean_floors(self) -> str:
        """What is not said stays as it is."""
        return self.cleaned_data["floors"] or self.instance.floors

    def clean_lease_minutes(self) -> int:
        return self.cleaned_data["lease_minutes"] or self.instance.lease_minutes

    def clean_review_share(self) -> int:
        share = self.cleaned_data["review_share"]
        return self.instance.review_share if share is None else share

    def clean_queue_order(self) -> str:
        return self.cleaned_data["queue_order"] or self.instance.queue_order

    def clean_queue_seed(self) -> int:
        seed = self.cleaned_data["queue_seed"]
        return self.instance.queue_seed if seed is None else seed

    def clean_slug(self) -> str:
        return self._checked("slug", policy.check_slug)

    def clean_input_template(self) -> str:
        return self._checked("input_template", policy.check_template)

    def _checked(self, name: str, check: Callable[[str], str]) -> str:
        try:
            return check(self.cleaned_data[name])
        except policy.BadPolicy as error:
            raise forms.ValidationError(str(error)) from error
