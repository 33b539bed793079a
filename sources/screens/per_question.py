import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import ClassVar

import numpy as np

from sources.cleaning import fold

from .base import Dropped, Member, SetScreen, Setting, rank, whole


class PerQuestion(SetScreen):
    """At most `most` answers to one question, those with the most votes. Without an id of the question, its title says which it is."""

    settings: ClassVar = {"most": Setting("int", 4)}
    reason = "enough_answers"

    def __init__(self, most: int = 4) -> None:
        self.most = whole(most, 1)

    def among(self, members: Iterable[Member]) -> Iterator[tuple[int, Dropped]]:
        keys, counts = np.unique(np.fromiter(map(_key, members), np.int64), return_counts=True)
        crowded = frozenset(keys[counts > self.most].tolist())  # and a question whose key is the same by chance: it is counted below
        if not crowded:
            return
        answers: dict[str, list[tuple[bool, float, int]]] = defaultdict(list)
        for member in members:
            if _key(member) in crowded and (question := _question(member)):
                answers[question].append(rank(member))
        for found in answers.values():
            if len(found) > self.most:
                best = {key[-1] for key in heapq.nsmallest(self.most, found)}
                yield from ((key[-1], Dropped(self.reason, str(len(found)))) for key in found if key[-1] not in best)


def _key(member: Member) -> int:
    """Eight bytes a post, where a million texts would be too much."""
    return hash(_question(member))


def _question(member: Member) -> str:
    return f"#{member.question_id}" if member.question_id else fold(member.title)
