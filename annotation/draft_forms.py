"""What the page that orders drafts sends."""

import re
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from sources.models import Reply, Source

from .draft_terms import MAX_CANDIDATES
from .model_forms import Marked, money
from .models import DraftRun, Pair

WAITING, FAILED, PENDING = "waiting", "failed", "pending"
EFFORTS = ("minimal", "low", "medium", "high")
MOST_POSTS = 10_000


class AnyOf(forms.MultipleChoiceField):
    """Boxes to tick, and whatever else is sent: what a model may be called is the order's business."""

    def valid_value(self, value: str) -> bool:
        return len(value) <= 160


class DraftOrderForm(Marked):
    source = forms.ModelChoiceField(Source.objects.none(), to_field_name="slug", label=_("Source"), empty_label=None)
    which = forms.ChoiceField(
        choices=[
            (WAITING, _("What waits for a draft")),
            (FAILED, _("Also pairs whose drafting failed")),
            (PENDING, _("Also pairs that wait for review: further candidates")),
        ],
        required=False, label=_("Which"),
    )  # fmt: skip
    failure = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)  # with `failed`: only those that failed so
    posts = forms.CharField(max_length=200_000, required=False, label=_("Only these posts"))
    limit = forms.IntegerField(min_value=1, max_value=1_000_000, required=False, label=_("At most"))
    prompt = forms.ChoiceField(required=False, label=_("Prompt"))
    models = AnyOf(required=False, label=_("Models"), widget=forms.CheckboxSelectMultiple)
    model = forms.CharField(max_length=160, required=False, label=_("Another model"))
    candidates = forms.IntegerField(min_value=1, max_value=MAX_CANDIDATES, required=False, label=_("Candidates per model"))
    max_tokens = forms.IntegerField(min_value=1, max_value=32_768, required=False, label="max_tokens")
    temperature = forms.FloatField(min_value=0, max_value=2, required=False, label="temperature")
    top_p = forms.FloatField(min_value=0, max_value=1, required=False, label="top_p")
    seed = forms.IntegerField(min_value=0, max_value=2**31, required=False, label="seed")
    reasoning_effort = forms.ChoiceField(choices=[("", "–"), *((each, each) for each in EFFORTS)], required=False, label="reasoning_effort")
    budget = money(_("Budget"), least="0.000001")
    price_in = money(_("Price in"))
    price_out = money(_("Price out"))
    currency = forms.RegexField(r"^[A-Za-z]{3}$", required=False, label=_("Currency"))
    mode = forms.ChoiceField(choices=DraftRun.Mode.choices, required=False, label=_("When"))
    auto_release = forms.IntegerField(min_value=0, max_value=1_000_000, required=False, label=_("Sent again without asking, at most"))
    anyway = forms.BooleanField(required=False, label=_("Order although the provider does not list it"))

    SENT: ClassVar = ("max_tokens", "temperature", "top_p", "seed", "reasoning_effort", "price_in", "price_out", "currency")
    ORDER: ClassVar = ("limit", "budget", "prompt", "candidates", "mode", "auto_release")

    def __init__(self, user: User, *args: Any, prompts: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named: Any = self.fields
        named["source"].queryset = Source.objects.for_user(user).filter(reply=Reply.MODEL)
        named["prompt"].choices = [("", _("The newest")), *((name, name) for name in prompts)]

    def clean_posts(self) -> list[int] | None:
        """Numbers of posts, however they are parted. None: all."""
        words = re.split(r"[\s,;，；、]+", self.cleaned_data["posts"].strip())
        if words == [""]:
            return None
        if len(words) > MOST_POSTS or not all(word.isascii() and word.isdecimal() and len(word) < 18 for word in words):
            raise forms.ValidationError(_("Numbers of posts, with spaces or commas between them, 10,000 at the most."))
        return [int(word) for word in words]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not (data.get("models") or data.get("model")) and "model" not in self.errors:
            self.add_error("model", _("Choose a model, or name one."))
        return data

    def order(self) -> dict[str, Any]:
        """The arguments of `drafting.order`, but for the source."""
        data = self.cleaned_data
        asked = {name: data[name] for name in self.ORDER if data[name] not in (None, "")}
        asked["params"] = {name: data[name] for name in self.SENT if data[name] not in (None, "")}
        asked["models"] = [*data["models"], *([data["model"]] if data["model"] else [])]
        asked |= {"retry_failed": data["which"] == FAILED, "pending": data["which"] == PENDING, "posts": self._posts()}
        return asked

    def _posts(self) -> list[int] | None:
        data = self.cleaned_data
        if data["which"] != FAILED or not data["failure"]:
            return data["posts"]  # type: ignore[no-any-return]
        failed = Pair.objects.filter(source=data["source"], status=Pair.Status.FAILED, failure=data["failure"])
        found = set(failed.values_list("post", flat=True))
        return sorted(found if data["posts"] is None else found & set(data["posts"]))


class ScoreOrderForm(Marked):
    """One judge for the posts that wait for a score."""

    source = forms.ModelChoiceField(Source.objects.none(), to_field_name="slug", label=_("Source"), empty_label=None)
    model = forms.CharField(max_length=160, label=_("Judge"))
    prompt = forms.ChoiceField(required=False, label=_("Prompt"))
    limit = forms.IntegerField(min_value=1, max_value=1_000_000, required=False, label=_("At most"))
    budget = money(_("Budget"), least="0.000001")
    mode = forms.ChoiceField(choices=DraftRun.Mode.choices, required=False, label=_("When"))
    anyway = forms.BooleanField(required=False, label=_("Order although the provider does not list it"))

    ORDER: ClassVar = ("limit", "budget", "prompt", "mode")

    def __init__(self, user: User, *args: Any, prompts: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named: Any = self.fields
        # Those with a screen that wants a score: nobody waits for one elsewhere.
        named["source"].queryset = Source.objects.for_user(user).filter(screens__contains=[{"screen": "score"}])
        named["prompt"].choices = [("", _("The newest")), *((name, name) for name in prompts)]

    def sources(self) -> list[Source]:
        named: Any = self.fields["source"]
        return list(named.queryset)

    def order(self) -> dict[str, Any]:
        """The arguments of `scoring.order_scores`, but for the source."""
        data = self.cleaned_data
        return {name: data[name] for name in self.ORDER if data[name] not in (None, "")} | {"models": [data["model"]]}
