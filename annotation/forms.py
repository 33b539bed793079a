"""What the review page sends."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from .checks import CHECKS
from .checks.tidying import tidied, without_personal_data
from .decisions import MAX_LENGTH, with_lf
from .folding import TEXTS, texts_of
from .listing import MOST, SORTS
from .models import Pair, Reason, Review
from .steering import ACTS

LARGEST = 2**63 - 1  # what an id can be
BETWEEN = re.compile(r"[,，、;；\n]+")  # what separates labels in a line of text
MOST_HELD = 20


class Text(forms.CharField):
    """A text as data: nothing stripped, and the line ends that browsers make (CRLF) turned back into \\n."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, required=False, max_length=MAX_LENGTH, **kwargs)

    def to_python(self, value: Any) -> str:
        return with_lf(super().to_python(value) or "")


class Number(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": LARGEST, **kwargs})


class PageForm(forms.Form):
    """What the page holds besides: the seats that it has rendered, and the one that it shows now."""

    have = forms.CharField(required=False, max_length=500)
    opened = Number(required=False)
    opened_token = forms.UUIDField(required=False)

    def clean_have(self) -> list[int]:
        names = self.cleaned_data["have"].split(",")[:MOST_HELD]
        return [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 19]


class SeatForm(forms.Form):
    """A seat, and the proof that it is one's own."""

    pair = Number()
    assignment = Number()
    token = forms.UUIDField()


class UndoForm(forms.Form):
    """The decision to take back: by its number, or by the key it was sent with."""

    review = Number(required=False)
    of = forms.UUIDField(required=False)
    op_id = forms.UUIDField()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("review") and not data.get("of"):
            raise forms.ValidationError("review or of", code="required")
        return data


class TextsForm(SeatForm):
    """The texts as they stand in the editor."""

    instruction = Text()
    input = Text()
    output = Text()
    draft = Number(required=False)

    def texts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in TEXTS}


class MendForm(TextsForm):
    """What one key may mend: spaces and punctuation of the response, personal data in all texts."""

    how = forms.ChoiceField(choices=[("tidy", ""), ("mask", "")])

    def mended(self) -> dict[str, str]:
        texts = self.texts()
        if self.cleaned_data["how"] == "mask":
            return {name: without_personal_data(text) for name, text in texts.items()}
        return texts | {"output": tidied(texts["output"])}


class AutosaveForm(TextsForm):
    seq = forms.IntegerField(min_value=0, max_value=LARGEST)


class Labels(forms.CharField):
    """Names in a line of text, or None when the form has no such line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=2_000, empty_value=None, **kwargs)

    def to_python(self, value: Any) -> list[str] | None:  # type: ignore[override]
        return None if value is None else [name.strip() for name in BETWEEN.split(str(value)) if name.strip()]

    def run_validators(self, value: Any) -> None:
        """Those of the line are for the line: `decide` looks at the names."""


class DecisionForm(TextsForm):
    """A decision. `accept` means what is on the screen: with changed texts it is an edit. `use` accepts a candidate as it is."""

    op_id = forms.UUIDField()
    version = Number(required=False)
    verdict = forms.ChoiceField(choices=[("accept", ""), ("reject", "")], required=False)
    use = Number(required=False)
    reject = forms.MultipleChoiceField(choices=Reason.choices, required=False)  # the reasons; pressing one is the verdict
    comment = forms.CharField(required=False, max_length=2_000)
    seconds = forms.FloatField(required=False)
    near = Number(required=False, min_value=0)
    task_major = Labels()
    task_minor = Labels()
    domain = Labels()

    def decision(self, pair: Pair) -> dict[str, Any]:
        """The arguments of `reviewing.decide`."""
        data = self.cleaned_data
        named = {name: data[name] for name in ("assignment", "token", "op_id", "comment", "seconds", "version", "domain", "near")}
        major, minor = data["task_major"], data["task_minor"]
        named["task_type"] = None if major is None and minor is None else {"major": major or [], "minor": minor or []}
        draft = pair.drafts.filter(pk=data["use"] or data["draft"]).first()
        shown = texts_of(pair) | ({"output": draft.output} if draft else {})
        texts = self.texts() | ({"output": with_lf(shown["output"])} if data["use"] else {})
        verdict = self._verdict({name: with_lf(text) for name, text in shown.items()}, texts)
        return {**named, **texts, "draft": draft.pk if draft else data["draft"], "verdict": verdict, "reasons": data["reject"]}

    def _verdict(self, shown: dict[str, str], texts: dict[str, str]) -> str:
        if self.cleaned_data["reject"] or self.cleaned_data["verdict"] == "reject":
            return Review.Verdict.REJECT.value
        return Review.Verdict.EDIT.value if texts != shown else Review.Verdict.ACCEPT.value


class AdjudicationForm(forms.Form):
    """The last word: `take` names the version that is taken as it is; else `choice` says what is done."""

    op_id = forms.UUIDField()
    version = Number(required=False)
    take = Number(required=False)
    base = Number(required=False)  # the version that was edited
    choice = forms.ChoiceField(choices=[("edit", ""), ("reject", "")], required=False)
    reasons = forms.MultipleChoiceField(choices=Reason.choices, required=False)
    comment = forms.CharField(required=False, max_length=2_000)
    seconds = forms.FloatField(required=False)
    instruction = Text()
    input = Text()
    output = Text()

    def decision(self) -> dict[str, Any]:
        """The arguments of `adjudicating.adjudicate`."""
        data = self.cleaned_data
        named = {name: data[name] for name in ("op_id", "version", "reasons", "comment", "seconds")}
        if data["take"]:
            return named | {"choice": "take", "review": data["take"]}
        texts = {name: data[name] for name in TEXTS}
        return named | {"choice": data["choice"] or "edit", "review": data["base"], "texts": texts}


class CommentForm(forms.Form):
    pair = Number()
    op_id = forms.UUIDField()
    text = forms.CharField(max_length=2_000)


class RedraftForm(SeatForm):
    note = forms.CharField(required=False, max_length=2_000)
    hint = forms.CharField(required=False, max_length=2_000)


class ListForm(forms.Form):
    """What is looked for. A value that is none is no filter."""

    search = forms.CharField(required=False, min_length=1, max_length=200)
    status = forms.ChoiceField(required=False, choices=Pair.Status.choices)
    source = forms.SlugField(required=False)
    reason = forms.ChoiceField(required=False, choices=Reason.choices)
    reviewer = forms.CharField(required=False, max_length=150)
    model = forms.CharField(required=False, max_length=128)
    check = forms.ChoiceField(required=False, choices=[(name, name) for name in CHECKS])
    overruled = forms.BooleanField(required=False)
    sort = forms.ChoiceField(required=False, choices=[(name, name) for name in SORTS])
    page = Number(required=False, max_value=2_000)


class Pairs(forms.Field):
    """The items that are ticked."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> list[int]:
        numbers = [int(text) for text in value or [] if str(text).isascii() and str(text).isdigit() and len(str(text)) < 19]
        if not 0 < len(numbers) <= MOST:
            raise forms.ValidationError(_("Tick 1 to %(n)s items.") % {"n": MOST})
        return numbers


class UndoBulkForm(forms.Form):
    batch = forms.UUIDField()
    pairs = Pairs()


class SteerForm(UndoBulkForm):
    act = forms.ChoiceField(choices=[(act, "") for act in ACTS])
    to = forms.CharField(required=False, max_length=150)
    note = forms.CharField(required=False, max_length=2_000)


class ReturnForm(forms.Form):
    op_id = forms.UUIDField()
    reasons = forms.MultipleChoiceField(choices=Reason.choices, required=False)
    comment = forms.CharField(required=False, max_length=2_000)


class BulkForm(UndoBulkForm):
    verdict = forms.ChoiceField(choices=[("accept", ""), ("reject", "")])
    reasons = forms.MultipleChoiceField(choices=Reason.choices, required=False)
    comment = forms.CharField(required=False, max_length=2_000)
