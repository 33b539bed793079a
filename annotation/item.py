"""One item as the review page shows it: the texts as they stand in the editor beside those under review, and all about them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cached_property

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import rows
from accounts.models import User
from accounts.rows import columns
from sources.models import ImportRun, Post, Reply, Source

from . import desk, diffing, rendering, returning, talking
from .check_panel import ORDER, Line, asks_twice, lines
from .checks import ERROR, Around, Finding, Near, check_texts
from .decisions import DRAFTS, in_order, with_lf
from .folding import TEXTS, texts_of
from .log import LOG
from .models import Assignment, Autosave, Comment, Draft, ModelCall, Pair, Review
from .near import accepted_near
from .surroundings import around
from .wording import LABELS

LETTERS = "甲乙丙丁戊己庚辛壬癸"  # what candidates are called instead of their models
POST = f"""
    SELECT {columns(Post, "post")}, {columns(ImportRun, "run")} FROM sources_post post JOIN sources_importrun run ON run.id = post.run_id
    WHERE post.id = %s
"""  # noqa: S608 (only constants are put together)
KEPT = f"SELECT {columns(Autosave, 'kept')} FROM annotation_autosave kept WHERE kept.pair_id = %s AND kept.reviewer_id = %s"  # noqa: S608


@dataclass(frozen=True)
class Candidate:
    """One of several drafts, without the name of its model."""

    letter: str
    digit: int
    draft: Draft
    findings: list[Finding]

    @property
    def blocked(self) -> bool:
        return any(finding.level == ERROR for finding in self.findings)

    @property
    def flaws(self) -> list[str]:
        return list(dict.fromkeys(str(LABELS.get(finding.check, finding.check)) for finding in self.findings))

    @property
    def warned(self) -> str:
        return " ".join(asks_twice(self.findings))


@dataclass(frozen=True)
class Twin:
    """An accepted pair beside the item."""

    pair: Pair
    segments: list[diffing.Segment]

    @property
    def instruction(self) -> SafeString:
        return rendering.changes(self.segments)


@dataclass
class Item:
    """What a seat shows. `typed` is what the reviewer wrote so far; without it, the texts are those under review."""

    assignment: Assignment
    user: User
    typed: dict[str, str] = field(default_factory=dict)
    editing: bool = False
    seq: int = 0  # of what was saved by itself
    by_sentence: bool = False  # what the diff takes for its smallest piece
    chosen: int | None = None  # the draft that the texts are compared with
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

    @classmethod
    def of(cls, assignment: Assignment, user: User) -> Item:
        """The item with what this person has typed into it before: not sent, or sent and taken back."""
        ((post, run),) = rows.read(POST, [assignment.pair.post_id], Post, ImportRun)
        post.run, assignment.pair.post = run, post
        item = cls(assignment, user)
        for kept in rows.read(KEPT, [assignment.pair_id, user.pk], Autosave):
            item.typed, item.seq = kept.texts, kept.seq
            return item
        item.typed = item._taken_back()
        return item

    def _taken_back(self) -> dict[str, str]:
        """The texts of an edit that this person has just undone, or that was sent back, so that the work in it is not lost."""
        undone = {entry.pk: entry for entry in self.log}
        last = None
        for entry in self.log:
            of = undone.get(entry.undoes_id or 0)
            is_own = entry.by_id == self.user.pk and entry.verdict in (*Review.DECISIONS, Review.Verdict.UNDO)
            if is_own or (entry.verdict == Review.Verdict.RETURN and of and of.by_id == self.user.pk):
                last = of
        return last.texts() if last and last.verdict == Review.Verdict.EDIT else {}

    @cached_property
    def drafts(self) -> list[Draft]:
        return rows.read(DRAFTS, [self.pair.pk], Draft)

    @cached_property
    def log(self) -> list[Review]:
        """What was decided about the pair, by anybody, oldest first."""
        return sorted(rows.read(LOG, [self.pair.pk], Review), key=lambda entry: entry.pk)

    @cached_property
    def draft(self) -> Draft | None:
        """The one under review: the newest, unless several of one order are to be compared. Then it is the first in this
        person's order."""
        if not self.drafts:
            return None
        if chosen := next((draft for draft in self.drafts if draft.pk == self.chosen), None):
            return chosen
        last = self.drafts[-1]
        return self.candidates[0].draft if self.candidates and not _is_wished(last) else last

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Empty when there is nothing to choose from."""
        if len(self.drafts) < 2:
            return []
        shown = zip(LETTERS, in_order(self.drafts, self.user), strict=False)
        before = texts_of(self.pair)
        return [
            Candidate(letter, at, draft, check_texts(**before | {"output": draft.output}, around=self._around(draft)))
            for at, (letter, draft) in enumerate(shown, 1)
        ]

    @property
    def labels(self) -> dict[str, str]:
        """Task types and domains as a line of text each."""
        kinds = self.pair.task_type or {}
        lists = {"task_major": kinds.get("major", []), "task_minor": kinds.get("minor", []), "domain": self.pair.domain}
        return {name: "、".join(values) for name, values in lists.items()}

    @cached_property
    def returned(self) -> Review | None:
        """Why it has come back to this person, if it has."""
        return returning.note_for(self.log, self.user)

    @cached_property
    def comments(self) -> list[Comment]:
        return talking.comments(self.pair, self.user)

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
        return desk.history(self.pair, self.user, self.log, self.drafts, self.assignment)

    # --- what changed, and what the checks say --------------------------------------------------------------------------

    @cached_property
    def segments(self) -> dict[str, list[diffing.Segment]]:
        return {name: diffing.diff(with_lf(self.shown[name]), self.texts[name], by_sentence=self.by_sentence) for name in TEXTS}

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
        return check_texts(**self.texts, around=self._around(self.draft))

    def _around(self, draft: Draft | None) -> Around:
        return around(self.source, (other.output for other in self.drafts if draft and other.pk != draft.pk), self.near)

    @cached_property
    def near(self) -> list[Near]:
        """By the instruction alone: `texts` asks which draft is shown, and that asks what is near to each of several."""
        return accepted_near(self.pair, with_lf(self.typed.get("instruction", self.pair.instruction)))

    @cached_property
    def twin(self) -> Twin | None:
        """The accepted pair that asks the same, if this person may see it."""
        number = self.twin_number
        pair = Pair.objects.for_user(self.user).filter(pk=number).first() if number else None
        return Twin(pair, diffing.diff(self.instruction, pair.instruction)) if pair else None

    @property
    def twin_number(self) -> int:
        return next((finding.pair for finding in self.findings if finding.pair), 0)

    @property
    def warned(self) -> str:
        """The checks that somebody has to overrule to accept this."""
        return " ".join(asks_twice(self.findings))

    @property
    def blocked(self) -> bool:
        return any(finding.level == ERROR for finding in self.findings)

    @cached_property
    def checks(self) -> list[Line]:
        before = {finding.check for finding in check_texts(**self.shown, around=self._around(self.draft))} if self.changed else set()
        return lines(self.findings, self.texts, before)

    @property
    def tally(self) -> dict[str, int]:
        return {level: sum(line.level == level for line in self.checks) for level in ORDER}


def _is_wished(draft: Draft) -> bool:
    """Whether it is a redraft, by somebody's wish."""
    material = ModelCall.objects.filter(pk=draft.call_id).values_list("material", flat=True).first() if draft.call_id else None
    return "note" in (material or {})
