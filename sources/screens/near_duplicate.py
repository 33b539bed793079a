from collections.abc import Iterable, Iterator
from typing import ClassVar

from sources.similarity import SHORT_LIKE, clusters

from .base import Dropped, Member, SetScreen, Setting, one_field, rank, share, text_of


class NearDuplicate(SetScreen):
    """Reads almost like a better post: of each cluster the one with the most votes stays. The value is that post's id.

    With `across`, the posts of all other sources that ask for the same are compared as well.
    """

    settings: ClassVar = {"field": Setting("fields", "all"), "like": Setting("share", SHORT_LIKE), "across": Setting("flag", True)}
    reason = "near_duplicate"

    def __init__(self, field: str = "all", like: float = SHORT_LIKE, across: bool = True) -> None:
        self.field, self.like, self.is_across = one_field(field, or_all=True), share(like), bool(across)

    def among(self, members: Iterable[Member]) -> Iterator[tuple[int, Dropped]]:
        roots = clusters(((member.pk, text_of(member, self.field)) for member in members), self.like)
        best: dict[int, tuple[bool, float, int]] = {}
        for member in members:
            if (root := roots.get(member.pk)) is not None:
                best[root] = min(best.get(root, rank(member)), rank(member))
        for pk, root in roots.items():
            if best[root][-1] != pk:
                yield pk, Dropped(self.reason, str(best[root][-1]))
