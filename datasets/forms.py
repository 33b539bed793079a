"""What is asked of a person (or a script) before a dataset or a version is made."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .models import Dataset
from .selecting import RECIPE

RESERVED = ("new",)  # addresses of our own below /datasets/


def check_slug(slug: str) -> None:
    if slug in RESERVED:
        raise ValidationError(_("This address is taken by a page of ours. Choose another one."), code="reserved")


def check_recipe(recipe: Any) -> None:
    """A recipe says what we know, or it is refused: a misspelt key must not be silently ignored."""
    if not isinstance(recipe, dict):
        raise ValidationError(_("A recipe is an object."), code="invalid")
    for key, value in recipe.items():
        if key not in RECIPE or not isinstance(value, RECIPE[key]):
            known = ", ".join(f"{name} ({kind.__name__})" for name, kind in RECIPE.items())
            raise ValidationError(
                _("“%(key)s” is not understood here. Known: %(known)s."), code="unknown", params={"key": key, "known": known}
            )


class DatasetForm(forms.ModelForm):
    slug = forms.SlugField(
        label=_("Address"), max_length=50, validators=[check_slug], help_text=_("Latin letters, digits and hyphens; it cannot be changed.")
    )
    include_unknown_licence = forms.BooleanField(
        label=_("include sources of unknown licence"),
        required=False,
        initial=True,
        help_text=_("How many they are is said on the page of every version. Left out, they wait until somebody writes the licence down."),
    )

    class Meta:
        model = Dataset
        fields: ClassVar = ["name", "slug", "sources", "include_demo"]
        widgets: ClassVar = {"sources": forms.CheckboxSelectMultiple}
        labels: ClassVar = {"sources": _("Sources")}
        help_texts: ClassVar = {
            "sources": _("None chosen: all sources, later ones too."),
            "include_demo": _("Replies of the demo's own model. Fine for looking around, of no use for training."),
        }

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Dataset.objects.filter(slug=slug).exists():
            raise ValidationError(_("There is a dataset at this address already."), code="taken")
        return slug

    def values(self) -> dict[str, Any]:
        """Arguments for `publishing.create_dataset`."""
        values = dict(self.cleaned_data)
        values["recipe"] = {"include_unknown_licence": values.pop("include_unknown_licence")}
        return values


class FreezeForm(forms.Form):
    """The button of a page. `number` is the version it promised, so that a double click makes one version."""

    number = forms.IntegerField(min_value=1)
    include_demo = forms.BooleanField(required=False)
