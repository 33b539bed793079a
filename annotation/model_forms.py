"""What the pages of models and caps send."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from sources.models import Source

from .models import Cap


class Marked(forms.Form):
    """Fields in the house's looks, those at fault marked for everybody."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field, forms.BooleanField | forms.MultipleChoiceField):
                field.widget.attrs |= {"class": "input"}

    def full_clean(self) -> None:
        super().full_clean()
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"e-{name}"}


def money(label: Any, *, required: bool = False, least: str = "0") -> forms.DecimalField:
    return forms.DecimalField(max_digits=12, decimal_places=6, min_value=Decimal(least), required=required, label=label)


class PriceForm(Marked):
    price_in = money(_("Price in"), required=True)
    price_out = money(_("Price out"), required=True)
    price_cached = money(_("Price of cached input"))
    batch_share = forms.DecimalField(max_digits=4, decimal_places=3, min_value=0, max_value=1, required=False, label=_("Share in a batch"))
    currency = forms.RegexField(r"^[A-Za-z]{3}$", label=_("Currency"))


class LimitForm(Marked):
    requests_per_minute = forms.IntegerField(min_value=1, max_value=2_000_000_000, required=False, label=_("Requests a minute"))
    tokens_per_minute = forms.IntegerField(min_value=1, max_value=2_000_000_000, required=False, label=_("Tokens a minute"))


class CapForm(Marked):
    source = forms.ModelChoiceField(
        Source.objects.none(), to_field_name="slug", required=False, label=_("Source"), empty_label=_("All sources")
    )
    per = forms.ChoiceField(choices=Cap.Per.choices, label=_("Per"))
    currency = forms.RegexField(r"^[A-Za-z]{3}$", label=_("Currency"))
    amount = money(_("Amount"))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources: Any = self.fields["source"]
        sources.queryset = Source.objects.for_user(user)
