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
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import chain, combinations
from math import ceil
from typing import NamedTuple

import numpy as np
from opencc import OpenCC

from .cleaning import BETWEEN, reads_as
from .folding import Codes, Folding, text_of
from .minhash import Signatures, bands, likeness, meet, sign

HAN = ((0x3400, 0xA000), (0xF900, 0xFB00))
EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u200d\u20e3\U0001f000-\U0001faff\U000e0020-\U000e007f]+")
STICKER = re.compile(r"\[[\u4e00-\u9fffA-Za-z]{1,8}\]")  # [笑哭], [偷笑R]: emoji as platforms write them

# Characters of traditional writing, too, though with fewer meanings there.
BOTH = frozenset(
    "里后面谷丑几才斗卷冲准台只系范云余征舍复干松致仆朴志制表郁折向咸家据困了党千秋雇辟别卜沖板当占佣回胡借克漓么蒙弥愿岳合吁曲升叶于尸涂咽伙吃周布采"
)

SHORT, OVERLAP = 40, 60  # folded characters; texts between the two are compared both ways, so that no pair falls between
SHORT_LIKE, LONG_LIKE = 0.5, 0.7  # chosen on bench/near_duplicates.jsonl
CROWD = 200  # texts that share a shingle: more tell of a phrase, not of a copy, and meet by their other shingles
BATCH = 500
CACHE = 20_000  # sets of shingles kept at hand, of 5 kB each


@functools.cache
def simplified() -> dict[int, str]:
    """Traditional characters and the simplified ones they are folded to, one for one."""
    convert = OpenCC("t2s").convert
    chars = [chr(code) for start, end in HAN for code in range(start, end)]
    pairs = zip(chars, convert("\n".join(chars)).split("\n"), strict=True)  # at once: a break ends every phrase
    return {ord(char): found for char, found in pairs if len(found) == 1 and found != char}


@functools.cache
def traditional() -> frozenset[str]:
    """Characters that only traditional writing has."""
    return frozenset(map(chr, simplified()))


@functools.cache
def only_simplified() -> frozenset[str]:
    """Characters that only simplified writing has: 里 and 后, which both have, are not among them."""
    convert = OpenCC("s2t").convert
    return frozenset(char for char in simplified().values() if convert(char) != char and char not in BOTH)


@functools.cache
def _folding() -> Folding:
    emoji = "".join(EMOJI.findall("".join(map(chr, chain(range(0x2000, 0x20000), range(0xE0000, 0xE0080))))))
    return Folding(reads_as() | dict.fromkeys(map(ord, emoji), "") | simplified(), BETWEEN)


def fold(text: str) -> str:
    """What reads the same is equal: width, case, script, punctuation, space, emoji and their codes folded away."""
    return text_of(codes(text))


def codes(text: str) -> Codes:
    """The same as the codes of its characters."""
    return codes_of([text])[0]


def codes_of(texts: Sequence[str]) -> list[Codes]:
    """Those of each text, of many at once."""
    return _folding().codes_of([STICKER.sub("", text) if "[" in text else text for text in texts])


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
    short_like, long_like = likes(like)
    folded = sorted((key, fold(text)) for key, text in texts)
    short = [(key, shingles(text)) for key, text in folded if is_short(text)]
    long = [(key, shingles(text, 4)) for key, text in folded if is_long(text)]
    found: dict[tuple[int, int], float] = {}
    for pieces, least in ((short, short_like), (long, long_like)):
        for (one, mine), (other, theirs) in combinations(pieces, 2):
            if (likeness := jaccard(mine, theirs)) >= least:
                found[one, other] = max(likeness / least, found.get((one, other), 0))
    return sorted(found, key=lambda pair: (-found[pair], pair))


def likes(like: float | None) -> tuple[float, float]:
    """The thresholds of short and of long texts."""
    short_like = SHORT_LIKE if like is None else like
    return short_like, min(0.95, short_like + LONG_LIKE - SHORT_LIKE)


def clusters(texts: Iterable[tuple[int, str]], like: float | None = None) -> dict[int, int]:
    """key -> the least key of its cluster, of texts that have company. Likeness is passed on: a~b and b~c is one cluster.

    `like` replaces the threshold of short texts (0.5); that of long ones moves along with it.
    """
    short_like, long_like = likes(like)
    short, long = Short(short_like), _Long(long_like)
    for key, text in texts:
        folded = codes(text)
        if is_short(folded):
            short.add(key, text_of(folded))
        if is_long(folded):
            long.add(key, folded)
    forest = Forest()
    forest.join_all(short.pairs())
    forest.join_all(long.pairs())
    return forest.roots()


def is_short(folded: Sized) -> bool:
    """Whether it is compared by its shingles."""
    return 0 < len(folded) < OVERLAP


def is_long(folded: Sized) -> bool:
    """Whether it is compared by its signature."""
    return len(folded) >= SHORT


class Forest:
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

    def join_all(self, pairs: Iterable[tuple[int, int]]) -> None:
        for one, other in pairs:
            self.join(one, other)

    def roots(self) -> dict[int, int]:
        return {key: self.find(key) for key in sorted(self.parent)}


class _Member(NamedTuple):
    key: int
    folded: str


class Short:
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


class _Long:
    """Who has a band of the signature in common is compared by the whole of it."""

    def __init__(self, like: float) -> None:
        self.like = like
        self.keys: list[int] = []
        self.signatures: list[Signatures] = []
        self.waiting: list[Codes] = []

    def add(self, key: int, folded: Codes) -> None:
        self.keys.append(key)
        self.waiting.append(folded)
        if len(self.waiting) >= BATCH:
            self._sign()

    def _sign(self) -> None:
        self.signatures.append(sign(self.waiting))
        self.waiting = []

    def pairs(self) -> Iterator[tuple[int, int]]:
        if self.waiting:
            self._sign()
        if not self.keys:
            return
        order = np.argsort(self.keys)
        keys, signatures = np.array(self.keys)[order], np.concatenate(self.signatures)[order]
        for band in bands(signatures).T:
            pairs = meet(keys, band)
            at = np.searchsorted(keys, pairs)
            yield from pairs[likeness(signatures[at[:, 0]], signatures[at[:, 1]]) >= self.like].tolist()
