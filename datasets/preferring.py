"""What a decision says about preference. Pure.

An edit prefers the final text to the draft, unless it changed next to nothing: punctuation, spaces and width are no
preference, so they are folded away before the letters that differ are counted.
"""

from rapidfuzz.distance import Levenshtein, Postfix, Prefix

from sources.cleaning import fold

from .recipes import Gates


def is_preference(before: str, after: str, gates: Gates) -> bool:
    """Whether choosing `after` over `before` says anything."""
    if before == after:
        return False
    before, after = differing(before, after)
    return Levenshtein.distance(fold(before), fold(after), score_cutoff=gates.min_changed - 1) >= gates.min_changed


def same_question(asked: str, asked_then: str) -> bool:
    """Whether a draft for the question `asked_then` can be compared with an answer to `asked`."""
    return asked == asked_then or fold(asked) == fold(asked_then)


def differing(one: str, other: str) -> tuple[str, str]:
    """The two without what they begin and end with in common, up to a letter on either side, by which all before and after it is
    folded in the same way: most edits change a few words of a long text, and folding is what takes the time."""
    start, least = Prefix.similarity(one, other), min(len(one), len(other))
    while start and not one[start - 1].isalpha():
        start -= 1
    start = max(0, start - 1)
    one, other = one[start:], other[start:]
    end = min(Postfix.similarity(one, other), least - start)
    while end and not one[-end].isalpha():
        end -= 1
    end = max(0, end - 1)
    return one[: len(one) - end], other[: len(other) - end]
