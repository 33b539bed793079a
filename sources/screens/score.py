from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import ClassVar

from .base import Dropped, Member, SetScreen, Setting


class Score(SetScreen):
    """A floor for the score that a model gave the post and its answer, from 1 to 10 (知乎: 8). A post that nobody has scored
    waits, as one that fell for now: it comes back with its score. Best listed last, because a score costs money."""

    settings: ClassVar = {"min": Setting("score", 8.0)}
    reason = "low_score"
    reasons = ("low_score", "unscored")

    def __init__(self, min: float = 8.0) -> None:  # noqa: A002 - the word of the setting
        self.min = Decimal(str(min))
        if isinstance(min, bool) or not 1 <= self.min <= 10:
            raise ValueError("a score is a number from 1 to 10")
        self.scores: Mapping[int, Decimal] = {}  # by post: told by whoever knows the database

    def among(self, members: Iterable[Member]) -> Iterator[tuple[int, Dropped]]:
        for member in members:
            if member.is_fixed:
                continue
            score = self.scores.get(member.pk)
            if score is None:
                yield member.pk, Dropped("unscored", "")
            elif score < self.min:
                yield member.pk, Dropped("low_score", str(score))
