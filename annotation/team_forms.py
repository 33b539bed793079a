"""What may be asked of the team's numbers: one of a few spans, and one of the sources that one may see, or all."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from sources.models import Source

from .team import SPANS, Span

DEFAULT = 14


class TeamForm(forms.Form):
    days = forms.TypedChoiceField(label=_("Period"), coerce=int)
    source = forms.ModelChoiceField(
        Source.objects.none(), to_field_name="slug", label=_("Source"), empty_label=_("All sources"), required=False
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources = Source.objects.for_user(user).order_by("name", "pk")
        self.fields["days"].choices = [(days, ngettext("%(n)s day", "%(n)s days", days) % {"n": days}) for days in SPANS]  # type: ignore[attr-defined]
        self.fields["source"].queryset = self.sources  # type: ignore[attr-defined]

    def span(self) -> Span:
        """What a valid form asks for."""
        chosen = self.cleaned_data["source"]
        return Span(self.cleaned_data["days"], [chosen] if chosen else list(self.sources))
