from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

from sources.similarity import SHORT_LIKE, alike_among, clusters

from .base import Dropped, Member, SetScreen, Setting, one_field, rank, share, text_of


class NearDuplicate(SetScreen):
    """Reads almost like a better post: of each cluster the one that a person chose stays, else the one with the most votes. The
    value is that post's id. Posts that a person told `apart` are never in one cluster.

    With `across`, the posts of all other sources that ask for the same are compared as well.
    """

    settings: ClassVar = {"field": Setting("fields", "all"), "like": Setting("share", SHORT_LIKE), "across": Setting("flag", True)}
    reason = "near_duplicate"
    apart: Sequence[tuple[int, int]] = ()

    def __init__(self, field: str = "all", like: float = SHORT_LIKE, across: bool = True) -> None:
        self.field, self.like, self.is_across = one_field(field, or_all=True), share(like), bool(across)

    def among(self, members: Iterable[Member]) -> Iterator[tuple[int, Dropped]]:
        roots = clusters(((member.pk, text_of(member, self.field)) for member in members), self.like)
        return self.beaten(roots, members, lambda pks: (member for member in members if member.pk in pks))

    def beaten(
        self, roots: dict[int, int], members: Iterable[Member], whole: Callable[[set[int]], Iterable[Member]]
    ) -> Iterator[tuple[int, Dropped]]:
        """Who falls of those in `roots`: post -> its cluster. `members` holds these at the least, `whole` gives some with their texts."""
        roots = self._told_apart(roots, whole)
        best: dict[int, tuple[bool, bool, float, int]] = {}
        for member in members:
            if (root := roots.get(member.pk)) is not None:
                mine = (not member.is_chosen, *rank(member))
                best[root] = min(best.get(root, mine), mine)
        for pk, root in roots.items():
            if best[root][-1] != pk:
                yield pk, Dropped(self.reason, str(best[root][-1]))

    def _told_apart(self, roots: dict[int, int], whole: Callable[[set[int]], Iterable[Member]]) -> dict[int, int]:
        """Clusters that hold posts told apart are put together anew: the most alike first, and never those two."""
        apart = [pair for pair in self.apart if pair[0] in roots and roots[pair[0]] == roots.get(pair[1])]
        split = {roots[one] for one, _other in apart}
        if not split:
            return roots
        texts: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for member in whole({pk for pk, root in roots.items() if root in split}):
            texts[roots[member.pk]].append((member.pk, text_of(member, self.field)))
        kept = {pk: root for pk, root in roots.items() if root not in split}
        for of_one in texts.values():
            for group in _groups([key for key, _text in of_one], alike_among(of_one, self.like), apart):
                kept |= dict.fromkeys(group, min(group)) if len(group) > 1 else {}
        return kept


def _groups(keys: list[int], links: Iterable[tuple[int, int]], apart: Iterable[tuple[int, int]]) -> list[set[int]]:
    """The keys in groups: linked ones together, in the order of the links, unless that would join two that are apart."""
    group_of = {key: {key} for key in keys}
    enemies: dict[int, set[int]] = defaultdict(set)
    for one, other in apart:
        enemies[one].add(other)
        enemies[other].add(one)
    for one, other in links:
        mine, theirs = group_of[one], group_of[other]
        if mine is not theirs and theirs.isdisjoint(set().union(*(enemies[key] for key in mine))):
            mine |= theirs
            group_of |= dict.fromkeys(theirs, mine)
    return list({id(group): group for group in group_of.values()}.values())
