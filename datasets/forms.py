"""What is asked of a person (or a script) before a dataset or a version is made."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from annotation.models import Reason
from sources.models import Source

from .models import Dataset
from .recipes import READ, REASONS, VERDICTS, BadRecipe, Gates, Recipe, parse

RESERVED = ("new", "takedowns")  # addresses of our own below /datasets/
HERE = tuple(key for key in READ if key not in ("sources", "include_demo"))  # of a dataset these are columns of their own


def check_slug(slug: str) -> None:
    if slug in RESERVED:
        raise ValidationError(_("This address is taken by a page of ours. Choose another one."), code="reserved")


def check_recipe(recipe: Any) -> None:
    """A recipe says what we know, or it is refused: a misspelt key must not be silently ignored."""
    try:
        parse(recipe)
        if unknown := sorted(set(recipe) - set(HERE)):
            raise BadRecipe(unknown[0], "unknown")
    except BadRecipe as error:
        if error.why == "unknown":
            text = gettext("“%(key)s” is not understood here. Known: %(known)s.")
            raise ValidationError(text % {"key": error.key, "known": ", ".join(HERE)}, code="unknown") from error
        raise ValidationError(gettext("“%(key)s” cannot be this.") % {"key": error.key}, code=error.why) from error


class RecipeForm(forms.ModelForm):
    """A dataset and its recipe, as a page asks for them. Each source has two fields of its own: how many, from how many votes on."""

    include_unknown_licence = forms.BooleanField(
        label=_("include sources of unknown licence"),
        required=False,
        help_text=_("They stay out otherwise, until somebody writes the licence down. That you let them in is noted in the log."),
    )
    verdicts = forms.MultipleChoiceField(
        label=_("Decisions"),
        choices=[("accept", _("accepted as they were")), ("edit", _("accepted after an edit"))],
        widget=forms.CheckboxSelectMultiple,
        initial=list(VERDICTS),
    )
    answer_from = forms.ChoiceField(
        label=_("Answered by"), required=False, choices=[("", _("either")), ("human", _("people only")), ("llm", _("models only"))]
    )
    min_votes = forms.IntegerField(label=_("Votes at least"), required=False, min_value=0)
    min_score = forms.FloatField(label=_("Score at least"), required=False, min_value=0, max_value=10)
    min_reviews = forms.IntegerField(label=_("People who kept this very text, at least"), required=False, min_value=0, max_value=9)
    min_agreement = forms.IntegerField(label=_("Agreement of the reviewers at least, in %"), required=False, min_value=0, max_value=100)
    decided_from = forms.DateField(label=_("Decided from"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    decided_to = forms.DateField(label=_("Decided up to"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    validation = forms.FloatField(label=_("Validation, in %"), required=False, min_value=0, max_value=50)
    test = forms.FloatField(label=_("Test, in %"), required=False, min_value=0, max_value=49)
    seed = forms.IntegerField(
        label=_("Seed"), required=False, min_value=0, max_value=2**53, help_text=_("The same seed draws the same pairs, on any machine.")
    )
    min_changed = forms.IntegerField(
        label=_("An edit is a preference from so many changed letters on"), required=False, min_value=1, max_value=1000,
        help_text=_("Punctuation and spaces do not count."),
    )  # fmt: skip
    reasons = forms.MultipleChoiceField(
        label=_("A rejection says that the response is bad for one of these reasons"), choices=Reason.choices,
        widget=forms.CheckboxSelectMultiple, initial=list(Gates().reasons),
    )  # fmt: skip

    class Meta:
        model = Dataset
        fields: ClassVar = ["name", "sources", "include_demo", "readers"]
        widgets: ClassVar = {"sources": forms.CheckboxSelectMultiple, "readers": forms.CheckboxSelectMultiple}
        labels: ClassVar = {"sources": _("Sources"), "readers": _("Who may see and download it")}
        help_texts: ClassVar = {
            "sources": _("None chosen: all sources, later ones too."),
            "include_demo": _("Replies of the demo's own model. Fine for looking around, of no use for training."),
            "readers": _("Nobody chosen: everybody who has an account. Leads and admins see every dataset."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["readers"].queryset = User.objects.filter(is_active=True, role__in=["viewer", "reviewer"]).order_by("username")  # type: ignore[attr-defined]
        recipe = parse(self.instance.recipe)
        self.initial.update(_initial(recipe))
        self.shares = list(Source.objects.order_by("pk"))
        for source in self.shares:
            share = recipe.mixture.get(source.slug)
            for key, name in (("take", _("At most %(source)s")), ("votes", _("Votes at least, %(source)s"))):
                given = (share.take if key == "take" else share.min_votes) if share else None
                label = name % {"source": source.name}
                self.fields[f"{key}-{source.pk}"] = forms.IntegerField(label=label, required=False, min_value=0, initial=given)

    def rows(self) -> list[dict[str, Any]]:
        """The sources with their fields, for the table of the page."""
        chosen = {str(value.pk if isinstance(value, Source) else value) for value in self["sources"].value() or ()}
        return [
            {"source": source, "chosen": str(source.pk) in chosen, "take": self[f"take-{source.pk}"], "votes": self[f"votes-{source.pk}"]}
            for source in self.shares
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            recipe = self._recipe(cleaned)
            try:
                check_recipe(recipe)
            except ValidationError as error:
                self.add_error(None, error)
            cleaned["recipe"] = recipe
        return cleaned

    def _recipe(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What differs from the defaults, as JSON."""
        given = {key: cleaned.get(key) for key in ("answer_from", "min_votes", "min_score", "min_reviews", "seed")}
        given |= {key: cleaned[key].isoformat() for key in ("decided_from", "decided_to") if cleaned.get(key)}
        if cleaned.get("min_agreement"):
            given["min_agreement"] = cleaned["min_agreement"] / 100
        if set(cleaned["verdicts"]) != set(VERDICTS):
            given["verdicts"] = cleaned["verdicts"]
        shares = {"validation": (cleaned.get("validation") or 0) / 100, "test": (cleaned.get("test") or 0) / 100}
        if any(shares.values()):
            given["splits"] = {"train": round(1 - sum(shares.values()), 6)} | {name: share for name, share in shares.items() if share}
        gates = {
            "min_changed": cleaned.get("min_changed") or Gates().min_changed,
            "reasons": [r for r in REASONS if r in cleaned["reasons"]],
        }
        if gates != {"min_changed": Gates().min_changed, "reasons": list(Gates().reasons)}:
            given["preferences"] = gates
        mixture = {source.slug: _share(cleaned, source.pk) for source in self.shares}
        given["mixture"] = {slug: share for slug, share in mixture.items() if share}
        given["include_unknown_licence"] = cleaned["include_unknown_licence"]
        return {key: value for key, value in given.items() if value not in (None, "", {}, False)}

    def values(self) -> dict[str, Any]:
        """Arguments for `publishing.create_dataset` and `update_dataset`."""
        return {key: self.cleaned_data[key] for key in ("name", "sources", "include_demo", "readers", "recipe")}


def _share(cleaned: dict[str, Any], pk: int) -> dict[str, int]:
    share = {"take": cleaned.get(f"take-{pk}"), "min_votes": cleaned.get(f"votes-{pk}")}
    return {key: value for key, value in share.items() if value is not None}


def _initial(recipe: Recipe) -> dict[str, Any]:
    plain = ("include_unknown_licence", "answer_from", "min_votes", "min_score", "min_reviews", "decided_from", "decided_to", "seed")
    return {key: getattr(recipe, key) for key in plain} | {
        "verdicts": list(recipe.verdicts),
        "min_agreement": None if recipe.min_agreement is None else round(recipe.min_agreement * 100),
        "validation": _percent(recipe.splits.get("validation", 0)),
        "test": _percent(recipe.splits.get("test", 0)),
        "min_changed": recipe.preferences.min_changed,
        "reasons": list(recipe.preferences.reasons),
    }


def _percent(share: float) -> float | None:
    """As people write it: 10 and not 10.0."""
    percent = round(share * 100, 4)
    return int(percent) if percent == int(percent) and percent else percent or None


class DatasetForm(RecipeForm):
    """A new one has an address, too."""

    slug = forms.SlugField(
        label=_("Address"), max_length=50, validators=[check_slug], help_text=_("Latin letters, digits and hyphens; it cannot be changed.")
    )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Dataset.objects.filter(slug=slug).exists():
            raise ValidationError(_("There is a dataset at this address already."), code="taken")
        return slug

    def values(self) -> dict[str, Any]:
        return super().values() | {"slug": self.cleaned_data["slug"]}


class FreezeForm(forms.Form):
    """The button of a page. `number` is the version it promised, so that a double click makes one version."""

    number = forms.IntegerField(min_value=1)
    include_demo = forms.BooleanField(required=False)
    include_unknown_licence = forms.BooleanField(required=False)
    changelog = forms.CharField(required=False, max_length=5_000)


class ReleaseForm(forms.Form):
    changelog = forms.CharField(required=False, max_length=5_000)
    unknown_licence = forms.BooleanField(required=False)


class ReasonForm(forms.Form):
    """Of a withdrawal, or of a takedown."""

    reason = forms.CharField(max_length=2_000)


class ExportForm(forms.Form):
    schema = forms.CharField(max_length=32)
    format = forms.CharField(max_length=16)
