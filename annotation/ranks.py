"""Where a pair stands in its queue, and how many people decide about it: drawn and counted so that it comes out the same each time.

Pure. A rank is a whole number; the lower comes first, and of equal ones the older pair.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from rapidfuzz.distance import Indel

OLDEST, VOTES, RISK, RANDOM = "oldest", "votes", "risk", "random"
UNVOTED = 2**40  # after all that have votes
STEPS = 1_000_000  # how finely chance draws
LONGEST = 2_000  # characters of a draft that are compared


def drawn(what: str, seed: int = 0) -> int:
    """0 to STEPS − 1, by chance, and the same for the same `what`."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{what}".encode()).digest()[:8]) % STEPS


def reviews_of(key: str, wanted: int, share: int) -> int:
    """`wanted` reviews for `share` percent of the keys, one for the others."""
    return wanted if drawn(f"reviews of {key}") < share * STEPS // 100 else 1


def rank_of(order: str, *, key: str, seed: int = 0, votes: int | None = None, risk: float = 0.0) -> int:
    if order == VOTES:
        return UNVOTED if votes is None else -votes
    if order == RISK:
        return -round(risk * 1_000)
    return drawn(f"order of {key}", seed) if order == RANDOM else 0


def risk_of(errors: int, warnings: int, score: Decimal | None, drafts: Sequence[str]) -> float:
    """How doubtful a pair is, 0 to 3: what the checks found (an error counts as three warnings, and three are enough), how far the
    judge's score of 1 to 10 is from the best (half, where nobody has judged), and how much its drafts differ from each other."""
    checks = min(1.0, (3 * errors + warnings) / 3)
    judged = 0.5 if score is None else (10 - float(score)) / 9
    apart = [Indel.normalized_distance(a[:LONGEST], b[:LONGEST]) for a, b in combinations(drafts[-4:], 2)]
    return checks + judged + (sum(apart) / len(apart) if apart else 0.0)
