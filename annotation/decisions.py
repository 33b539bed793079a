"""What counts as a decision: the rules that the texts, reasons and checks have to meet. Writing it is `reviewing`'s."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from .checks import ERROR, Finding, check_texts
from .folding import TEXTS, texts_of
from .models import Draft, Pair, Reason, Review
from .seats import Refused

MAX_LENGTH = 200_000  # characters of one text
Verdict = Review.Verdict


class BadDecision(Refused):
    """What was sent is not a decision. For code `check_failed`, `findings` are the errors."""

    def __init__(self, code: str, message: str, findings: Iterable[Finding] = ()) -> None:
        super().__init__(code, message)
        self.findings = list(findings)


def new_decision(pair: Pair, asked: dict[str, Any]) -> Review:
    """The entry that `asked` makes for `pair`, not yet saved. Raises BadDecision."""
    draft = _draft_of(pair, asked["draft"])
    shown = texts_of(pair) | ({"output": draft.output} if draft else {})
    sent = {name: _text(asked[name]) for name in TEXTS}
    comment = _text(asked["comment"]).strip()
    entry = Review(
        pair=pair, verdict=asked["verdict"], draft=draft, before=texts_of(pair), comment=comment,
        task_type=pair.task_type, domain=pair.domain, pair_version=pair.version,
    )  # fmt: skip
    if entry.verdict == Verdict.REJECT:
        texts, entry.reasons = shown, _reasons(asked["reasons"], comment)
    elif entry.verdict in (Verdict.ACCEPT, Verdict.EDIT):
        texts = _kept_texts(entry.verdict, shown, sent)
        entry.bypassed = _bypassed(texts)
    else:
        raise BadDecision("verdict_unknown", _("There is no such verdict."))
    entry.instruction, entry.input, entry.output = (texts[name] for name in TEXTS)
    return entry


def _draft_of(pair: Pair, pk: int | None) -> Draft | None:
    drafts = list(pair.drafts.filter(pk=pk) if pk else pair.drafts.all()[:2])
    if pk and not drafts:
        raise BadDecision("draft_unknown", _("This draft belongs to another pair."))
    return drafts[0] if len(drafts) == 1 else None


def _kept_texts(verdict: str, shown: dict[str, str], sent: dict[str, str]) -> dict[str, str]:
    """The texts to keep. Forms send CRLF where LF was shown, so line ends make no difference, and what is accepted is
    kept as it was shown, to the byte."""
    changed = sent != {name: with_lf(text) for name, text in shown.items()}
    if not sent["instruction"].strip() or not sent["output"].strip():
        raise BadDecision("empty", _("Instruction and response must not be empty."))
    if verdict == Verdict.ACCEPT and changed:
        raise BadDecision("changed", _("The texts are not those of the draft: that is an edit."))
    if verdict == Verdict.EDIT and not changed:
        raise BadDecision("unchanged", _("Nothing was changed."))
    return sent if changed else shown


def _reasons(codes: list[Any], comment: str) -> list[str]:
    reasons = list(dict.fromkeys(code for code in codes if isinstance(code, str)))
    if not set(reasons) <= set(Reason.values):
        raise BadDecision("reason_unknown", _("There is no such reason."))
    if not reasons:
        raise BadDecision("reasons_missing", _("A rejection needs a reason."))
    if Reason.OTHER in reasons and not comment:
        raise BadDecision("comment_missing", _("“Other” needs a comment."))
    return reasons


def _bypassed(texts: dict[str, str]) -> list[str]:
    findings = check_texts(**texts)
    if errors := [finding for finding in findings if finding.level == ERROR]:
        raise BadDecision("check_failed", _("A check does not let this pass."), errors)
    return sorted({finding.check for finding in findings})


def _text(value: Any) -> str:
    """A text that the database can hold, with LF for line ends."""
    if not isinstance(value, str) or "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise BadDecision("bad_text", _("The text holds characters that cannot be stored."))
    if len(value) > MAX_LENGTH:
        raise BadDecision("too_long", _("The text is longer than %(n)d characters.") % {"n": MAX_LENGTH})
    return with_lf(value)


def with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
