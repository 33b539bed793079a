import heapq
from collections.abc import Iterable, Iterator
from typing import ClassVar

from .base import Dropped, Member, SetScreen, Setting, rank, whole


class Best(SetScreen):
    """The `count` posts with the most votes; of equal ones the earlier. A post whose votes nobody knows comes after all others."""

    settings: ClassVar = {"count": Setting("int", 500)}
    reason = "not_among_best"

    def __init__(self, count: int = 500) -> None:
        self.count = whole(count, 1)

    def among(self, members: Iterable[Member]) -> Iterator[tuple[int, Dropped]]:
        best = {key[-1] for key in heapq.nsmallest(self.count, map(rank, members))}
        for member in members:
            if member.pk not in best:
                yield member.pk, Dropped(self.reason, "" if member.votes is None else str(member.votes))
