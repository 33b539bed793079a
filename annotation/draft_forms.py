"""What the page that orders drafts sends."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from sources.models import Reply, Source


class DraftOrderForm(forms.Form):
    source = forms.ModelChoiceField(Source.objects.none(), to_field_name="slug", label=_("Source"), empty_label=None)
    limit = forms.IntegerField(min_value=1, max_value=1_000_000, required=False, label=_("At most"))
    model = forms.CharField(max_length=128, label=_("Model"))
    budget = forms.DecimalField(max_digits=12, decimal_places=6, min_value=Decimal("0.000001"), required=False, label=_("Budget"))
    price_in = forms.DecimalField(max_digits=12, decimal_places=6, min_value=0, required=False, label=_("Price in"))
    price_out = forms.DecimalField(max_digits=12, decimal_places=6, min_value=0, required=False, label=_("Price out"))
    currency = forms.RegexField(r"^[A-Za-z]{3}$", required=False, label=_("Currency"))
    retry_failed = forms.BooleanField(required=False, label=_("Also pairs whose drafting failed"))

    ORDER: ClassVar = ("limit", "budget", "retry_failed")
    PRICES: ClassVar = ("price_in", "price_out", "currency")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources: Any = self.fields["source"]
        sources.queryset = Source.objects.for_user(user).filter(reply=Reply.MODEL)
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": "input"} if name != "retry_failed" else {}
            if name in self.errors:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"e-{name}"}

    def order(self) -> dict[str, Any]:
        """The arguments of `drafting.order`, but for the source."""
        data = self.cleaned_data
        params = {name: data[name] for name in self.PRICES if data[name] not in (None, "")}
        return {**{name: data[name] for name in self.ORDER}, "models": [data["model"]], "params": params}
