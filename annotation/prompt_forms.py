"""What the page that adds a version of a prompt sends."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from . import prompt_versions
from .models import Purpose


class PromptForm(forms.Form):
    purpose = forms.ChoiceField(choices=Purpose.choices, widget=forms.HiddenInput)
    parent = forms.IntegerField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        max_length=prompt_versions.LONGEST, strip=False, label=_("The prompt"), widget=forms.Textarea(attrs={"class": "input", "rows": 24})
    )
    note = forms.CharField(max_length=300, required=False, label=_("Why this version"), widget=forms.TextInput(attrs={"class": "input"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.errors:
            self.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"e-{name}"}
