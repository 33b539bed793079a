"""What counts as a decision: the rules that the texts, reasons and checks have to meet. Writing it is `reviewing`'s."""

from collections.abc import Iterable
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts import rows
from accounts.models import User
from accounts.rows import columns

from .checks import ERROR, Around, Finding, check_texts
from .folding import TEXTS, labels_of, texts_of
from .models import Draft, Pair, Reason, Review
from .near import accepted_near, still_near
from .seats import Refused
from .surroundings import around

DRAFTS = f"SELECT {columns(Draft, 'draft')} FROM annotation_draft draft WHERE draft.pair_id = %s ORDER BY draft.number"  # noqa: S608
MAX_LENGTH = 200_000  # characters of one text
MAX_LABELS, MAX_LABEL = 20, 60  # names in one list, characters of one
Verdict = Review.Verdict


class BadDecision(Refused):
    """What was sent is not a decision. For code `check_failed`, `findings` are the errors."""

    def __init__(self, code: str, message: str, findings: Iterable[Finding] = ()) -> None:
        super().__init__(code, message)
        self.findings = list(findings)


def in_order(drafts: Iterable[Draft], person: User) -> list[Draft]:
    """The candidates as this person sees them: an order of chance, the same each time, and kept with the decision."""
    return sorted(drafts, key=lambda draft: salted_hmac("candidates", f"{person.pk}:{draft.pk}").hexdigest())


def new_decision(pair: Pair, by: User, asked: dict[str, Any], drafts: list[Draft] | None = None) -> Review:
    """The entry that `asked` makes for `pair` (with these drafts, if they are known), not yet saved. Raises BadDecision."""
    drafts = rows.read(DRAFTS, [pair.pk], Draft) if drafts is None else drafts
    draft = _draft_of(drafts, asked["draft"])
    shown = texts_of(pair) | ({"output": draft.output} if draft else {})
    sent = {name: clean_text(asked[name]) for name in TEXTS}
    comment = clean_text(asked["comment"]).strip()
    entry = Review(
        pair=pair, verdict=asked["verdict"], draft=draft, before=texts_of(pair) | labels_of(pair), comment=comment,
        pair_version=pair.version, **labels_of(pair),
    )  # fmt: skip
    entry.shown = [candidate.pk for candidate in in_order(drafts, by)] if len(drafts) > 1 else []
    if entry.verdict == Verdict.REJECT:
        texts, entry.reasons = shown, _reasons(asked["reasons"], comment)
        entry.before["found"] = _names_of(
            check_texts(**shown, around=_around(pair, drafts, draft, shown["instruction"], asked.get("near") or 0))
        )
    elif entry.verdict in (Verdict.ACCEPT, Verdict.EDIT):
        texts = _kept_texts(entry.verdict, shown, sent)
        known = _around(pair, drafts, draft, texts["instruction"], asked.get("near"))
        entry.bypassed = _bypassed(texts, known)
        entry.before["found"] = entry.bypassed if texts is shown else _names_of(check_texts(**shown, around=known))
        entry.task_type, entry.domain = _labels(pair, asked)
    else:
        raise BadDecision("verdict_unknown", _("There is no such verdict."))
    entry.instruction, entry.input, entry.output = (texts[name] for name in TEXTS)
    return entry


def verdict_of(pair: Pair, asked: dict[str, Any]) -> str:
    """What it is to keep the texts of `asked`: to accept its draft, or to edit it."""
    draft = _draft_of(rows.read(DRAFTS, [pair.pk], Draft), asked["draft"])
    shown = texts_of(pair) | ({"output": draft.output} if draft else {})
    same = all(clean_text(asked[name]) == with_lf(shown[name]) for name in TEXTS)
    return Verdict.ACCEPT.value if same else Verdict.EDIT.value


def _draft_of(drafts: list[Draft], pk: int | None) -> Draft | None:
    found = [draft for draft in drafts if draft.pk == pk] if pk else drafts
    if pk and not found:
        raise BadDecision("draft_unknown", _("This draft belongs to another pair."))
    return found[0] if len(found) == 1 else None


def _labels(pair: Pair, asked: dict[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """The task types and domains to keep: those sent, else the pair's own."""
    task_type, domain = asked.get("task_type"), asked.get("domain")
    if task_type is None:
        task_type = pair.task_type
    elif not isinstance(task_type, dict) or set(task_type) != {"major", "minor"}:
        raise BadDecision("bad_labels", _("A task type has the lists major and minor."))
    else:
        task_type = {name: _names(task_type[name]) for name in ("major", "minor")}
    return task_type, pair.domain if domain is None else _names(domain)


def _names(names: Any) -> list[str]:
    if not isinstance(names, list) or len(names) > MAX_LABELS:
        raise BadDecision("bad_labels", _("At most %(n)d labels.") % {"n": MAX_LABELS})
    cleaned = [clean_text(name).strip() for name in names]
    if any(len(name) > MAX_LABEL for name in cleaned):
        raise BadDecision("bad_labels", _("A label has at most %(n)d characters.") % {"n": MAX_LABEL})
    return list(dict.fromkeys(name for name in cleaned if name))


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


def _around(pair: Pair, drafts: list[Draft], draft: Draft | None, instruction: str, near: int | None) -> Around:
    """`near` is the accepted pair that the page has found near this one, 0 for none. Who did not look is looked for."""
    found = accepted_near(pair, instruction) if near is None else still_near(pair, near) if near else []
    return around(pair.source, (one.output for one in drafts if draft and one.pk != draft.pk), found)


def _bypassed(texts: dict[str, str], known: Around) -> list[str]:
    findings = check_texts(**texts, around=known)
    if errors := [finding for finding in findings if finding.level == ERROR]:
        raise BadDecision("check_failed", _("A check does not let this pass."), errors)
    return _names_of(findings)


def _names_of(findings: Iterable[Finding]) -> list[str]:
    return sorted({finding.check for finding in findings})


def clean_text(value: Any) -> str:
    """A text that the database can hold, with LF for line ends."""
    if not isinstance(value, str) or "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise BadDecision("bad_text", _("The text holds characters that cannot be stored."))
    if len(value) > MAX_LENGTH:
        raise BadDecision("too_long", _("The text is longer than %(n)d characters.") % {"n": MAX_LENGTH})
    return with_lf(value)


def with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
