"""The drop rules, one small class each. Pure: a screen sees posts and says which fall and why.

A source lists them in order: `[{"screen": "votes", "min": 50}, …]`; the first that drops a post gives the reason. Those
that judge a post by the others (SetScreen) come after all that judge it by itself, in their own order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .advert import Advert
from .base import Candidate, Dropped, Member, Screen, SetScreen, Setting
from .best import Best
from .contamination import Contamination
from .duplicate import Duplicate
from .language import Language
from .length import Length
from .matches import Excludes, Matches
from .near_duplicate import NearDuplicate
from .per_question import PerQuestion
from .personal_data import PersonalData
from .residue import Residue
from .score import Score
from .statement import Statement
from .votes import Votes
from .words import Words

__all__ = [
    "SCREENS",
    "SET_REASONS",
    "BadScreen",
    "Candidate",
    "Dropped",
    "Member",
    "NearDuplicate",
    "Score",
    "Screen",
    "SetScreen",
    "Setting",
    "make",
]

SCREENS: dict[str, type[Screen]] = {
    "duplicate": Duplicate,
    "length": Length,
    "votes": Votes,
    "matches": Matches,
    "excludes": Excludes,
    "words": Words,
    "language": Language,
    "advert": Advert,
    "residue": Residue,
    "statement": Statement,
    "personal_data": PersonalData,
    "contamination": Contamination,
    "best": Best,
    "per_question": PerQuestion,
    "near_duplicate": NearDuplicate,
    "score": Score,
}
SET_REASONS = frozenset(
    reason for screen in SCREENS.values() if issubclass(screen, SetScreen) for reason in screen.reasons or (screen.reason,)
)


class BadScreen(ValueError):
    """A setting that no screen knows."""


def make(settings: Sequence[Mapping[str, Any]]) -> list[Screen]:
    """The screens that a source lists, without those that are switched off (`"off": true`). Raises BadScreen."""
    screens = []
    for setting in settings:
        options = {key: value for key, value in setting.items() if key not in ("screen", "off")}
        try:
            screen = SCREENS[setting["screen"]](**options)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadScreen(f"{str(dict(setting))[:300]}: {error}") from error
        if not setting.get("off"):
            screens.append(screen)
    return screens
