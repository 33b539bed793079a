"""What a screen is. Pure."""

from typing import NamedTuple, Protocol


class Candidate(Protocol):
    """What a screen may look at."""

    title: str
    body: str
    answer: str
    votes: int | None
    content_hash: str


class Dropped(NamedTuple):
    """Why a post falls: a stable code, and what was measured."""

    reason: str
    value: str


class Screen:
    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        """`twin` is the id of an earlier kept post of the same source that reads the same, if there is one."""
        raise NotImplementedError
