"""Which texts read alike. Pure, and made for Chinese of 20 characters, where words between spaces see nothing.

Texts are folded, cut into character shingles and compared by Jaccard: exactly when they are short (bigrams), by MinHash
when they are long. Nothing is compared with everything: short texts meet by the rare shingles that they share (a pair
over the threshold shares at least one of its rarest), long ones by equal bands of their signatures. What comes out
depends on the texts and their keys alone, not on their order, and needs some 500 bytes a text.
"""

from __future__ import annotations

import functools
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from math import ceil
from typing import NamedTuple

from opencc import OpenCC
from rensa import RMinHash

from .cleaning import fold as fold_width

HAN = ((0x3400, 0xA000), (0xF900, 0xFB00))
EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u200d\u20e3\U0001f000-\U0001faff\U000e0020-\U000e007f]+")
STICKER = re.compile(r"\[[\u4e00-\u9fffA-Za-z]{1,8}\]")  # [笑哭], [偷笑R]: emoji as platforms write them

# Characters of traditional writing, too, though with fewer meanings there.
BOTH = frozenset(
    "里后面谷丑几才斗卷冲准台只系范云余征舍复干松致仆朴志制表郁折向咸家据困了党千秋雇辟别卜沖板当占佣回胡借克漓么蒙弥愿岳合吁曲升叶于尸涂咽伙吃周布采"
)

SHORT, OVERLAP = 40, 60  # folded characters; texts between the two are compared both ways, so that no pair falls between
SHORT_LIKE, LONG_LIKE = 0.5, 0.7  # chosen on bench/near_duplicates.jsonl
PERMUTATIONS, ROWS = 48, 4  # 12 bands of 4: pairs of 0.7 meet with 96 %, of 0.8 with 99.8 %
CROWD = 200  # texts that share a shingle: more tell of a phrase, not of a copy, and meet by their other shingles
BATCH = 500
CACHE = 20_000  # sets of shingles kept at hand, of 5 kB each


@functools.cache
def simplified() -> dict[int, str]:
    """Traditional characters and the simplified ones they are folded to, one for one."""
    convert = OpenCC("t2s").convert
    pairs = ((code, convert(chr(code))) for start, end in HAN for code in range(start, end))
    return {code: char for code, char in pairs if len(char) == 1 and char != chr(code)}


@functools.cache
def traditional() -> frozenset[str]:
    """Characters that only traditional writing has."""
    return frozenset(map(chr, simplified()))


@functools.cache
def _traditional() -> re.Pattern[str]:
    """Finds out quickly that there is nothing to fold."""
    return re.compile(f"[{''.join(sorted(traditional()))}]")


@functools.cache
def only_simplified() -> frozenset[str]:
    """Characters that only simplified writing has: 里 and 后, which both have, are not among them."""
    convert = OpenCC("s2t").convert
    return frozenset(char for char in simplified().values() if convert(char) != char and char not in BOTH)


def fold(text: str) -> str:
    """What reads the same is equal: width, case, script, punctuation, space, emoji and their codes folded away."""
    plain = STICKER.sub("", text) if "[" in text else text
    folded = fold_width(EMOJI.sub("", plain))
    return folded.translate(simplified()) if _traditional().search(folded) else folded


def shingles(folded: str, size: int = 2) -> frozenset[str]:
    """The pieces of `size` characters; of a shorter text, the text itself."""
    if len(folded) <= size:
        return frozenset([folded]) if folded else frozenset()
    return frozenset(folded[at : at + size] for at in range(len(folded) - size + 1))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def alike(one: str, other: str) -> bool:
    """Whether two texts are near-duplicates."""
    return len(clusters([(1, one), (2, other)])) == 2


def alike_among(texts: list[tuple[int, str]], like: float | None = None) -> list[tuple[int, int]]:
    """The keys of all that are alike among a few texts, the most alike first, compared exactly."""
    short_like, long_like = _likes(like)
    folded = sorted((key, fold(text)) for key, text in texts)
    short = [(key, shingles(text)) for key, text in folded if 0 < len(text) < OVERLAP]
    long = [(key, shingles(text, 4)) for key, text in folded if len(text) >= SHORT]
    found: dict[tuple[int, int], float] = {}
    for pieces, least in ((short, short_like), (long, long_like)):
        for (one, mine), (other, theirs) in combinations(pieces, 2):
            if (likeness := jaccard(mine, theirs)) >= least:
                found[one, other] = max(likeness / least, found.get((one, other), 0))
    return sorted(found, key=lambda pair: (-found[pair], pair))


def _likes(like: float | None) -> tuple[float, float]:
    short_like = SHORT_LIKE if like is None else like
    return short_like, min(0.95, short_like + LONG_LIKE - SHORT_LIKE)


def clusters(texts: Iterable[tuple[int, str]], like: float | None = None) -> dict[int, int]:
    """key -> the least key of its cluster, of texts that have company. Likeness is passed on: a~b and b~c is one cluster.

    `like` replaces the threshold of short texts (0.5); that of long ones moves along with it.
    """
    short_like, long_like = _likes(like)
    short, long = _Short(short_like), _Long(long_like)
    for key, text in texts:
        folded = fold(text)
        if folded and len(folded) < OVERLAP:
            short.add(key, folded)
        if len(folded) >= SHORT:
            long.add(key, folded)
    forest = _Forest()
    for one, other in short.pairs():
        forest.join(one, other)
    for one, other in long.pairs():
        forest.join(one, other)
    return forest.roots()


class _Forest:
    """Disjoint sets; the least key of a set is its root, whatever the order in which they were joined."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}

    def find(self, key: int) -> int:
        self.parent.setdefault(key, key)
        while self.parent[key] != key:
            self.parent[key] = key = self.parent[self.parent[key]]
        return key

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.find(one), self.find(other)))
        self.parent[high] = low

    def roots(self) -> dict[int, int]:
        return {key: self.find(key) for key in sorted(self.parent)}


class _Member(NamedTuple):
    key: int
    folded: str


class _Short:
    """Prefix filtering: with the shingles of a text in the order of their rarity, two texts that share a share of
    `like` have one in common among the first `len - ceil(like * len) + 1` of each."""

    def __init__(self, like: float) -> None:
        self.like = like
        self.twins: dict[str, int] = {}
        self.same: list[tuple[int, int]] = []

    def add(self, key: int, folded: str) -> None:
        twin = self.twins.setdefault(folded, key)
        if twin != key:
            self.twins[folded] = min(twin, key)
            self.same.append((twin, key))

    def pairs(self) -> Iterator[tuple[int, int]]:
        yield from self.same
        members = sorted(_Member(key, folded) for folded, key in self.twins.items())
        known = Counter(shingle for member in members for shingle in shingles(member.folded))
        posted: dict[str, array[int]] = {}
        pieces = functools.lru_cache(CACHE)(lambda at: shingles(members[at].folded))
        for at, member in enumerate(members):
            mine = pieces(at)
            rarest = sorted(mine, key=lambda shingle: (known[shingle], shingle))
            prefix = [each for each in rarest[: len(mine) - ceil(self.like * len(mine) - 1e-9) + 1] if known[each] > 1]
            near = {other for shingle in prefix for other in posted.get(shingle, ())}
            for other in near:
                if self._may(len(mine), len(members[other].folded)) and jaccard(mine, pieces(other)) >= self.like:
                    yield members[other].key, member.key
            for shingle in prefix:
                if known[shingle] <= CROWD:
                    posted.setdefault(shingle, array("I")).append(at)

    def _may(self, mine: int, length: int) -> bool:
        """Texts of very different lengths need not be compared."""
        return length - 1 >= self.like * mine or length <= 2


def _pieces(folded: str) -> list[int]:
    """The shingles of four UTF-16 units as numbers. Cut by casting, which costs half of slicing with all that follows."""
    units = folded.encode("utf-16-le", "surrogatepass")
    mixed: list[int] = []
    for start in range(0, 8, 2):
        end = start + (len(units) - start) // 8 * 8
        mixed += memoryview(units[start:end]).cast("Q").tolist()
    return mixed


class _Long:
    """Banded MinHash: who has an equal band is compared by the whole signature."""

    def __init__(self, like: float) -> None:
        self.like = like
        self.keys = array("q")
        self.signatures = array("I")
        self.waiting: list[tuple[int, str]] = []

    def add(self, key: int, folded: str) -> None:
        self.waiting.append((key, folded))
        if len(self.waiting) >= BATCH:
            self._sign()

    def _sign(self) -> None:
        pieces = [_pieces(folded) for _key, folded in self.waiting]
        matrix = RMinHash.digest_matrix_from_token_hash_sets(pieces, PERMUTATIONS, 20)
        self.keys.extend(key for key, _folded in self.waiting)
        for row in matrix.to_rows():
            self.signatures.extend(row)
        self.waiting = []

    def pairs(self) -> Iterator[tuple[int, int]]:
        if self.waiting:
            self._sign()
        order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
        for band in range(0, PERMUTATIONS, ROWS):
            first: dict[bytes, int] = {}
            for at in order:
                start = at * PERMUTATIONS + band
                other = first.setdefault(self.signatures[start : start + ROWS].tobytes(), at)
                if other != at and self._likeness(at, other) >= self.like:
                    yield self.keys[other], self.keys[at]

    def _likeness(self, one: int, other: int) -> float:
        a, b = one * PERMUTATIONS, other * PERMUTATIONS
        mine, theirs = self.signatures[a : a + PERMUTATIONS], self.signatures[b : b + PERMUTATIONS]
        return sum(map(int.__eq__, mine, theirs)) / PERMUTATIONS
