"""What a decision says about preference. Pure.

An edit prefers the final text to the draft, unless it changed next to nothing: punctuation, spaces and width are no
preference, so they are folded away before the letters that differ are counted.
"""

from rapidfuzz.distance import Levenshtein

from sources.cleaning import fold

from .recipes import Gates


def is_preference(before: str, after: str, gates: Gates) -> bool:
    """Whether choosing `after` over `before` says anything."""
    if before == after:
        return False
    return Levenshtein.distance(fold(before), fold(after), score_cutoff=gates.min_changed - 1) >= gates.min_changed


def same_question(asked: str, asked_then: str) -> bool:
    """Whether a draft for the question `asked_then` can be compared with an answer to `asked`."""
    return asked == asked_then or fold(asked) == fold(asked_then)
