"""How far people agree beyond chance: Krippendorff's alpha for names of things, with what chance has to say about the figure itself.

Pure. K. Krippendorff, Content Analysis (4th ed. 2019), ch. 12: alpha = 1 − observed disagreement / expected disagreement. It takes any
number of people, and does not mind that each has judged only a part.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Indel

ROUNDS = 1_000  # of drawing anew
SEED = 20_231  # the same figures each time
LONGEST = 5_000  # characters of a text that are compared


class Alpha(NamedTuple):
    """`value` is None where nothing can be said: fewer than two judgements of any thing, or all of one kind. `low` and `high`: in 95 of
    100 draws from things like these, the figure lies between them."""

    value: float | None
    n: int  # things that two or more have judged
    low: float | None = None
    high: float | None = None


def alpha(units: Iterable[Sequence[Hashable]], rounds: int = ROUNDS, seed: int = SEED) -> Alpha:
    """Of things, each with the judgements that it got (a missing one is left out)."""
    patterns = Counter(tuple(sorted(map(str, unit))) for unit in units if len(unit) > 1)
    n = patterns.total()
    if not n:
        return Alpha(None, 0)
    parts = _parts(list(patterns))
    weights = np.array(list(patterns.values()), dtype=float)
    value = _alpha(weights[None, :], *parts)[0]
    if np.isnan(value):
        return Alpha(None, n)
    drawn = np.random.default_rng(seed).multinomial(n, weights / n, size=rounds) if rounds else np.empty((0, len(weights)))
    found = _alpha(drawn.astype(float), *parts) if rounds else np.empty(0)
    found = found[~np.isnan(found)]
    if not len(found):
        return Alpha(float(value), n)
    low, high = np.percentile(found, [2.5, 97.5])
    return Alpha(float(value), n, float(low), float(high))


def similarity(texts: Sequence[str]) -> float | None:
    """How alike texts are, 0 to 1, each with each, by the characters they share in order. None for fewer than two."""
    pairs = [(a[:LONGEST], b[:LONGEST]) for at, a in enumerate(texts) for b in texts[at + 1 :]]
    return sum(Indel.normalized_similarity(a, b) for a, b in pairs) / len(pairs) if pairs else None


def _parts(patterns: list[tuple[str, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """Of each pattern of judgements: how many of each kind, and how many of its pairs differ, each by the number of the others."""
    kinds = {kind: at for at, kind in enumerate(sorted({kind for pattern in patterns for kind in pattern}))}
    counts = np.zeros((len(patterns), len(kinds)))
    for row, pattern in enumerate(patterns):
        for kind in pattern:
            counts[row, kinds[kind]] += 1
    sizes = counts.sum(axis=1)
    differing = (sizes**2 - (counts**2).sum(axis=1)) / (sizes - 1)
    return counts, differing


def _alpha(weights: np.ndarray, counts: np.ndarray, differing: np.ndarray) -> np.ndarray:
    """One figure for each row of `weights`: how often each pattern is there."""
    of_kind = weights @ counts
    total = of_kind.sum(axis=1)
    observed = (weights @ differing) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = (total**2 - (of_kind**2).sum(axis=1)) / (total * (total - 1))
        return np.where(expected > 0, 1 - observed / expected, np.nan)
