"""A recipe: all that decides what a version holds. Written as JSON; what it does not say has a default, and what we do
not know is refused, so that a misspelt key is never silently ignored. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

SPLITS = ("train", "validation", "test")
VERDICTS = ("accept", "edit")
ANSWERS = ("", "human", "llm")
# Reasons for a rejection that speak of the response. The others (duplicate, personal data, a bad instruction, other) say
# nothing about which of two responses is the better one.
OF_THE_RESPONSE = ("off_topic", "factual_error", "missed_joke", "boilerplate", "offensive")
REASONS = (*OF_THE_RESPONSE, "personal_data", "duplicate", "bad_instruction", "other")
MIN_CHANGED = 5


class BadRecipe(ValueError):
    """`key` is the part that makes no sense, `why` a code: unknown | type | value."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key, self.why = key, why


@dataclass(frozen=True)
class Share:
    """What is taken of one source: all of it, those with so many votes or such a score, `take` of these at random."""

    take: int | None = None
    min_votes: int | None = None
    min_score: float | None = None


@dataclass(frozen=True)
class Gates:
    """Which decisions say something about preference: edits of at least `min_changed` letters (punctuation and spaces are
    none), rejections for one of `reasons`."""

    min_changed: int = MIN_CHANGED
    reasons: tuple[str, ...] = OF_THE_RESPONSE


@dataclass(frozen=True)
class Recipe:
    sources: tuple[str, ...] = ()  # slugs; none: all
    include_demo: bool = False
    include_unknown_licence: bool = False
    verdicts: tuple[str, ...] = VERDICTS  # accepted as drafted, accepted after an edit
    answer_from: str = ""  # human | llm | either
    licences: tuple[str, ...] = ()  # none: all
    min_votes: int | None = None
    min_score: float | None = None  # 1 to 10, of the model that scored the post last
    min_agreement: float | None = None  # share of the reviews that kept the very text that was accepted
    min_reviews: int | None = None
    decided_from: str = ""  # dates, both inclusive
    decided_to: str = ""
    posted_from: str = ""
    posted_to: str = ""
    mixture: Mapping[str, Share] = field(default_factory=dict)  # source -> share
    seed: int = 0
    splits: Mapping[str, float] = field(default_factory=lambda: {"train": 1.0})
    preferences: Gates = field(default_factory=Gates)

    def as_json(self) -> dict[str, Any]:
        """All of it, defaults too: what a version keeps."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()} | {
            "preferences": {"min_changed": self.preferences.min_changed, "reasons": list(self.preferences.reasons)}
        }


def parse(said: Any) -> Recipe:
    """The recipe that `said` (JSON) describes. Raises BadRecipe."""
    if not isinstance(said, dict):
        raise BadRecipe("recipe", "type")
    values = {key: _known(key, value) for key, value in said.items()}
    return Recipe(**values)


def _known(key: str, value: Any) -> Any:
    if key not in READ:
        raise BadRecipe(str(key)[:100], "unknown")
    return READ[key](key, value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRecipe(key, "type")
    return value


def _number(key: str, value: Any, least: float, most: float, kind: type = int) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        raise BadRecipe(key, "type")
    if not least <= value <= most:
        raise BadRecipe(key, "value")
    return kind(value)


def _count(key: str, value: Any) -> int | None:
    return _number(key, value, 0, 2**31 - 1)  # type: ignore[no-any-return]


def _score(key: str, value: Any) -> float | None:
    return _number(key, value, 0, 10, float)  # type: ignore[no-any-return]


def _share(key: str, value: Any) -> float | None:
    return _number(key, value, 0, 1, float)  # type: ignore[no-any-return]


def _seed(key: str, value: Any) -> int:
    return _number(key, value, 0, 2**53) or 0


def _words(known: tuple[str, ...] = ()) -> Callable[[str, Any], tuple[str, ...]]:
    def read(key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise BadRecipe(key, "type")
        if len(value) > 1000 or (known and (not value or not set(value) <= set(known))):
            raise BadRecipe(key, "value")
        return tuple(dict.fromkeys(value))

    return read


def _answer(key: str, value: Any) -> str:
    if value not in (*ANSWERS, None):
        raise BadRecipe(key, "value")
    return value or ""


def _date(key: str, value: Any) -> str:
    if value in ("", None):
        return ""
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise BadRecipe(key, "value") from None


def _object(key: str, value: Any, known: Mapping[str, Callable[[str, Any], Any]]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRecipe(key, "type")
    for name in value:
        if name not in known:
            raise BadRecipe(f"{key}.{name}"[:100], "unknown")
    return {name: known[name](f"{key}.{name}", part) for name, part in value.items()}


def _mixture(key: str, value: Any) -> dict[str, Share]:
    if not isinstance(value, dict) or len(value) > 1000:
        raise BadRecipe(key, "type")
    known = {"take": _count, "min_votes": _count, "min_score": _score}
    return {source: Share(**_object(f"{key}.{source}", share, known)) for source, share in value.items()}


def _splits(key: str, value: Any) -> dict[str, float]:
    """Shares of train, validation and test, which add up to 1; in this order, and without those that are 0."""
    parts = _object(key, value, dict.fromkeys(SPLITS, _share))
    shares = {name: parts[name] for name in SPLITS if parts.get(name)}
    if abs(sum(shares.values()) - 1) > 1e-6 or "train" not in shares:
        raise BadRecipe(key, "value")
    return shares


def _gates(key: str, value: Any) -> Gates:
    return Gates(**_object(key, value, {"min_changed": _least_change, "reasons": _words(REASONS)}))


def _least_change(key: str, value: Any) -> int:
    return max(1, _number(key, value, 0, 1000) or 1)


READ: Mapping[str, Callable[[str, Any], Any]] = {
    "sources": _words(), "include_demo": _flag, "include_unknown_licence": _flag, "verdicts": _words(VERDICTS),
    "answer_from": _answer, "licences": _words(), "min_votes": _count, "min_score": _score, "min_agreement": _share,
    "min_reviews": _count, "decided_from": _date, "decided_to": _date, "posted_from": _date, "posted_to": _date,
    "mixture": _mixture, "seed": _seed, "splits": _splits, "preferences": _gates,
}  # fmt: skip
