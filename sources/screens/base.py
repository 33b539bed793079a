"""What a screen is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

import re2

IGNORING_CASE = re2.Options()
IGNORING_CASE.case_sensitive = False
FIELDS = ("title", "body", "answer")


class Candidate(Protocol):
    """What a screen may look at."""

    title: str
    body: str
    answer: str
    votes: int | None
    content_hash: str


class Member(NamedTuple):
    """What a screen of the whole set may look at. `is_fixed`: a person or a pair holds on to this post, so it stays. `is_chosen`: of
    its near-duplicates, a person wants to keep this one."""

    pk: int
    title: str
    body: str
    answer: str
    votes: int | None
    question_id: str
    is_fixed: bool
    is_chosen: bool = False


class Dropped(NamedTuple):
    """Why a post falls: a stable code, and what was measured."""

    reason: str
    value: str


class Setting(NamedTuple):
    """One setting as a form shows it. `kind`: int, share (0 to 1), score, flag, text, lines, field (of a post), fields (one, or all), and
    wordlist or benchmark: an uploaded list, whose lines come with those of the screen's own setting."""

    kind: str
    default: Any = None


class Screen:
    """Judges each post by itself. An `edits` comes before every `drops`: all changes are made before anything is judged."""

    settings: ClassVar[Mapping[str, Setting]] = {}
    needs_twin: ClassVar[bool] = False  # drops nothing but what reads the same as an earlier post
    hint: str = ""  # an expression of RE2's, ignoring case: a post whose texts (`text_of` all) hold no such thing is none of its business

    def edits(self, post: Candidate) -> dict[str, str]:
        """The fields whose text is to be changed. Editing twice is editing once; the raw row stays as it was."""
        return {}

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        """`twin` is the id of an earlier kept post of the same source that reads the same, if there is one."""
        return None


class SetScreen(Screen):
    """Judges posts by the others. Comes after all screens that judge a post by itself."""

    reason: ClassVar[str]
    reasons: ClassVar[tuple[str, ...]] = ()  # where there are several
    is_across: bool = False  # wants to see the posts of other sources, too

    def among(self, members: Iterable[Member]) -> Iterator[tuple[int, Dropped]]:
        """Who falls. `members` can be read more than once; what comes out does not depend on their order."""
        raise NotImplementedError


def rank(member: Member) -> tuple[bool, float, int]:
    """The better the smaller: those that stay anyway, then by votes, then the earlier one."""
    return not member.is_fixed, float("inf") if member.votes is None else -member.votes, member.pk


def text_of(post: Candidate | Member, field: str) -> str:
    """One field, or with `all` the three of them."""
    return "\n".join(filter(None, (post.title, post.body, post.answer))) if field == "all" else str(getattr(post, field))


def one_field(field: str, *, or_all: bool = False) -> str:
    """Raises ValueError."""
    if field not in FIELDS and not (or_all and field == "all"):
        raise ValueError(f"field is one of {', '.join(FIELDS)}{', all' if or_all else ''}")
    return field


def whole(value: Any, least: int = 0) -> int:
    """A whole number. Raises ValueError, also for yes and no, and for more than a database holds."""
    number = int(value)
    if isinstance(value, bool) or number != float(value) or not least <= number < 2**31:
        raise ValueError(f"a whole number from {least} on is wanted, not {value!r}")
    return number


def share(value: Any) -> float:
    """Raises ValueError."""
    number = float(value)
    if isinstance(value, bool) or not 0 < number <= 1:
        raise ValueError(f"a share is more than 0 and at most 1, not {value!r}")
    return number


def lines(value: Any, most: int = 100_000) -> list[str]:
    """A list of texts that are not empty. Raises ValueError."""
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise ValueError("a list of texts is wanted")
    found = [line.strip() for line in value if line.strip()]
    if not found or len(found) > most:
        raise ValueError(f"1 to {most} texts are wanted")
    return found
