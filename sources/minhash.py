"""Signatures of long texts: alike texts have many of their numbers in common, and most alike texts a whole band of them. Pure.

One permutation hashing: every shingle (four characters) is hashed once and falls into one of 48 bins; a bin keeps its least
hash. So a signature costs one pass over the text, not 48. Bins that stay empty take the number of another bin, each asking
the others in an order of its own (Shrivastava 2017, "Optimal Densification for Fast and Accurate Minwise Hashing"), so that
the share of equal numbers remains an estimate of Jaccard's.
"""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .folding import Codes, blocks

BINS, ROWS = 48, 4  # 12 bands of 4: pairs of 0.7 meet with 96 %, of 0.8 with 99.8 %
BANDS = BINS // ROWS
SIZE = 2 * BINS  # bytes
SHINGLE = 4
EMPTY = 0xFFFFFFFF
Signatures = NDArray[np.uint16]  # a row a text; four numbers, read as one of 64 bits, are a band


def _donors() -> NDArray[np.intp]:
    """For each bin the others, in an order of its own: column n is whom they ask at the n-th try."""
    dice = random.Random(48)  # noqa: S311 - any order will do, as long as it is the same for ever
    return np.array([dice.sample([other for other in range(BINS) if other != bin_], BINS - 1) for bin_ in range(BINS)])


_DONORS = _donors()
_FACTORS = [np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)]


def sign(texts: Sequence[Codes]) -> Signatures:
    """The signatures of folded texts, which have four characters at least."""
    return np.concatenate([np.empty((0, BINS), np.uint16), *map(_signed, blocks(texts))])


def _signed(texts: Sequence[Codes]) -> Signatures:
    lengths = np.array([len(text) for text in texts])
    hashes = _hashes(np.concatenate(texts).astype(np.uint64))
    places = np.repeat(np.arange(len(texts)) * BINS, lengths)[: len(hashes)]
    places += (((hashes & np.uint64(0xFFFFFF)) * np.uint64(BINS)) >> np.uint64(24)).astype(np.intp)
    torn = np.cumsum(lengths)[:-1, np.newaxis] - np.arange(1, SHINGLE)
    places[torn.reshape(-1)] = len(texts) * BINS  # from one text into the next: they go into a bin of nobody's
    least = np.full(len(texts) * BINS + 1, EMPTY, np.uint32)
    np.minimum.at(least, places, (hashes >> np.uint64(33)).astype(np.uint32))
    return _filled(least[:-1].reshape(-1, BINS)).astype(np.uint16)


def _hashes(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Of each four characters in a row."""
    count = len(codes) - SHINGLE + 1
    mixed = np.zeros(count, np.uint64)
    for at, factor in enumerate(_FACTORS):
        mixed ^= codes[at : at + count]
        mixed *= factor
        mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(32))


def _filled(least: NDArray[np.uint32]) -> NDArray[np.uint32]:
    lacking = np.flatnonzero((least == EMPTY).any(axis=1))
    found = least[lacking]
    asked = found.copy()
    for donors in _DONORS.T:
        is_empty = found == EMPTY
        if not is_empty.any():
            break
        found = np.where(is_empty, asked[:, donors], found)
    least[lacking] = found
    return least


def meet(keys: NDArray[np.int64], band: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs of keys with an equal number in this band: of all who have it, the least key with each of the others. A row a pair."""
    order = np.lexsort((keys, band))
    keys, band = keys[order], band[order]
    is_first = np.append(True, band[1:] != band[:-1])[: len(band)]
    first = keys[np.maximum.accumulate(np.where(is_first, np.arange(len(keys)), 0))]
    return np.stack([first[~is_first], keys[~is_first]], axis=1)


def likeness(one: Signatures, other: Signatures) -> Any:
    """The share of numbers in common, row by row."""
    return (one == other).mean(axis=1)


def bands(signatures: Signatures) -> NDArray[np.uint64]:
    """A column a band."""
    return np.ascontiguousarray(signatures).view(np.uint64)
