"""The drop rules, one small class each. Pure: a screen sees one post's fields and says why it falls, or nothing.

A source lists them in order: `[{"screen": "votes", "min": 50}, …]`; the first that drops a post gives the reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .base import Dropped, Screen
from .duplicate import Duplicate
from .length import Length
from .votes import Votes

__all__ = ["SCREENS", "BadScreen", "Dropped", "Screen", "make"]

SCREENS: dict[str, type[Screen]] = {"duplicate": Duplicate, "length": Length, "votes": Votes}


class BadScreen(ValueError):
    """A setting that no screen knows."""


def make(settings: Sequence[Mapping[str, Any]]) -> list[Screen]:
    """The screens that a source lists. Raises BadScreen."""
    screens = []
    for setting in settings:
        options = {key: value for key, value in setting.items() if key != "screen"}
        try:
            screens.append(SCREENS[setting["screen"]](**options))
        except (KeyError, TypeError, ValueError) as error:
            raise BadScreen(f"{dict(setting)}: {error}") from error
    return screens
