"""What the review page sends."""

from typing import Any

from django import forms

from .folding import TEXTS, texts_of
from .item import with_lf
from .models import Pair, Reason, Review

LONGEST = 200_000  # characters of one text
LARGEST = 2**63 - 1  # what an id can be


class Text(forms.CharField):
    """A text as data: nothing stripped, and the line ends that browsers make (CRLF) turned back into \\n."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, required=False, max_length=LONGEST, **kwargs)

    def to_python(self, value: Any) -> str:
        return with_lf(super().to_python(value) or "")


class SeatForm(forms.Form):
    """A seat, and the proof that it is one's own."""

    pair = forms.IntegerField(min_value=1, max_value=LARGEST)
    assignment = forms.IntegerField(min_value=1, max_value=LARGEST)
    token = forms.UUIDField()


class UndoForm(forms.Form):
    review = forms.IntegerField(min_value=1, max_value=LARGEST)
    op_id = forms.UUIDField()


class TextsForm(SeatForm):
    """The texts as they stand in the editor."""

    instruction = Text()
    input = Text()
    output = Text()

    def texts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in TEXTS}


class DecisionForm(TextsForm):
    """A decision. `accept` means what is on the screen: with changed texts it is an edit."""

    op_id = forms.UUIDField()
    draft = forms.IntegerField(min_value=1, max_value=LARGEST, required=False)
    verdict = forms.ChoiceField(choices=[("accept", ""), ("reject", "")], required=False)
    reject = forms.MultipleChoiceField(choices=Reason.choices, required=False)  # the reasons; pressing one is the verdict
    comment = forms.CharField(required=False, max_length=2_000)
    seconds = forms.FloatField(required=False)

    def decision(self, pair: Pair) -> dict[str, Any]:
        """The arguments of `reviewing.decide`."""
        data = self.cleaned_data
        named = {name: data[name] for name in ("assignment", "token", "op_id", "draft", "comment", "seconds")}
        return {**named, **self.texts(), "verdict": self._verdict(pair), "reasons": data["reject"]}

    def _verdict(self, pair: Pair) -> str:
        if self.cleaned_data["reject"] or self.cleaned_data["verdict"] == "reject":
            return Review.Verdict.REJECT.value
        draft = pair.drafts.filter(pk=self.cleaned_data["draft"]).first()
        shown = texts_of(pair) | ({"output": draft.output} if draft else {})
        changed = self.texts() != {name: with_lf(text) for name, text in shown.items()}
        return Review.Verdict.EDIT.value if changed else Review.Verdict.ACCEPT.value
