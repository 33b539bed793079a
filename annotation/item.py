"""One item as the review page shows it: the texts as they stand in the editor beside those under review, and all about them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cached_property

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from sources.models import Post, Reply, Source

from . import desk, diffing, rendering
from .checks import CHECKS, ERROR, Finding, check_texts
from .folding import TEXTS, texts_of
from .models import Assignment, Draft, Pair, Review
from .wording import FINDINGS

LABELS = {
    "personal_data": gettext_lazy("Personal information"), "model_phrasing": gettext_lazy("Canned phrases"),
    "script": gettext_lazy("Script"), "length": gettext_lazy("Length"), "brackets": gettext_lazy("Brackets and quotes"),
}  # fmt: skip
ORDER = ("no", "warn", "ok")
EXCERPT, EXCERPTS = 60, 3
LOCATABLE = 4  # characters: an excerpt of less would be found in the wrong place


def with_lf(text: str) -> str:
    """The text with the line ends that a browser gives back."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class Line:
    """A line of the panel of checks. `level` is ok, warn or no."""

    level: str
    label: str
    value: str = ""
    excerpts: tuple[str, ...] = ()

    @property
    def locatable(self) -> str:
        return next((excerpt for excerpt in self.excerpts if len(excerpt) >= LOCATABLE), "")


@dataclass
class Item:
    """What a seat shows. `typed` is what the reviewer wrote so far; without it, the texts are those under review."""

    assignment: Assignment
    user: User
    typed: dict[str, str] = field(default_factory=dict)
    editing: bool = False
    op_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def pair(self) -> Pair:
        return self.assignment.pair

    @property
    def source(self) -> Source:
        return self.pair.source

    @property
    def post(self) -> Post:
        return self.pair.post

    @cached_property
    def draft(self) -> Draft | None:
        return self.pair.drafts.order_by("-number").first()

    @cached_property
    def shown(self) -> dict[str, str]:
        """The texts under review."""
        return texts_of(self.pair) | ({"output": self.draft.output} if self.draft else {})

    @cached_property
    def texts(self) -> dict[str, str]:
        """The texts as they stand, with LF for line ends as the browser has them."""
        return {name: with_lf(self.typed.get(name, self.shown[name])) for name in TEXTS}

    @property
    def changed(self) -> bool:
        return any(self.texts[name] != with_lf(self.shown[name]) for name in TEXTS)

    @property
    def instruction(self) -> str:
        return self.texts["instruction"]

    @property
    def input(self) -> str:
        return self.texts["input"]

    @property
    def output(self) -> str:
        return self.texts["output"]

    # --- the seat -------------------------------------------------------------------------------------------------------

    @property
    def lease(self) -> int:
        return self.source.lease_minutes * 60

    @property
    def left(self) -> int:
        """Seconds. A seat that was given in advance has no end: it shows as a whole lease."""
        ends = self.assignment.expires_at
        return self.lease if ends is None else max(0, int((ends - timezone.now()).total_seconds()))

    @property
    def arc(self) -> str:
        """The length of the ring's arc, of 38."""
        return f"{38 * min(1.0, self.left / max(1, self.lease)):.1f}"

    # --- where it comes from --------------------------------------------------------------------------------------------

    @property
    def label(self) -> str:
        if self.draft is None or self.draft.is_human:
            return _("Human answer")
        return _("Model draft, no. %(n)s") % {"n": self.draft.number}

    @property
    def title_only(self) -> bool:
        templates = "".join([*self.source.instruction_templates, self.source.input_template])
        return self.source.reply == Reply.MODEL and "{body" not in templates and "{answer" not in templates

    @property
    def votes(self) -> str:
        return f"{self.post.votes:,}" if self.post.votes is not None else ""

    @property
    def rest(self) -> list[tuple[str, str]]:
        """The parts of the post that are not in the pair."""
        parts = [(_("Title"), self.post.title), (_("Body"), self.post.body), (_("Answer"), self.post.answer)]
        used = "\n".join(self.shown.values())
        return [(name, text) for name, text in parts if text and text.strip() not in used]

    @cached_property
    def history(self) -> list[desk.Entry]:
        return desk.history(self.pair, self.user, self.assignment)

    # --- what changed, and what the checks say --------------------------------------------------------------------------

    @cached_property
    def segments(self) -> dict[str, list[diffing.Segment]]:
        return {name: diffing.diff(with_lf(self.shown[name]), self.texts[name]) for name in TEXTS}

    @property
    def diff(self) -> SafeString:
        return rendering.changes(self.segments["output"])

    @property
    def instruction_diff(self) -> SafeString | str:
        return rendering.changes(self.segments["instruction"]) if len(self.segments["instruction"]) > 1 else ""

    @property
    def input_diff(self) -> SafeString | str:
        return rendering.changes(self.segments["input"]) if len(self.segments["input"]) > 1 else ""

    @property
    def inserted(self) -> int:
        return sum(len(text) for kind, text in self.segments["output"] if kind == "insert")

    @property
    def deleted(self) -> int:
        return sum(len(text) for kind, text in self.segments["output"] if kind == "delete")

    @cached_property
    def findings(self) -> list[Finding]:
        return check_texts(**self.texts)

    @property
    def blocked(self) -> bool:
        return any(finding.level == ERROR for finding in self.findings)

    @cached_property
    def checks(self) -> list[Line]:
        """A line per finding, failing ones first, and one per check that found nothing."""
        found = {finding.check for finding in self.findings}
        before = {finding.check for finding in check_texts(**self.shown)} if self.changed else set()
        quiet = [Line("ok", str(LABELS.get(name, name)), self._value(name, name in before)) for name in CHECKS if name not in found]
        return sorted([self._line(finding) for finding in self.findings] + quiet, key=lambda line: ORDER.index(line.level))

    @property
    def tally(self) -> dict[str, int]:
        return {level: sum(line.level == level for line in self.checks) for level in ORDER}

    def _line(self, finding: Finding) -> Line:
        text = self.texts[finding.field]
        excerpts = tuple(text[start:end][:EXCERPT] for start, end in finding.spans[:EXCERPTS])
        label = str(LABELS.get(finding.check, finding.check))
        return Line("no" if finding.level == ERROR else "warn", label, str(FINDINGS.get(finding.code, finding.code)), excerpts)

    def _value(self, name: str, had_findings: bool) -> str:
        if had_findings:
            return _("mended")
        return str(len(self.output)) if name == "length" else _("fine") if name in ("script", "brackets") else _("none")


def taken_back(pair: Pair, user: User) -> dict[str, str]:
    """The texts of an edit that `user` has just undone, so that the work in it is not lost."""
    last = pair.reviews.filter(by=user).select_related("undoes").order_by("-id").first()
    undone = last.undoes if last else None
    return undone.texts() if undone and undone.verdict == Review.Verdict.EDIT else {}
