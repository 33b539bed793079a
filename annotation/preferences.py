"""What a person has chosen for the account: which key does what, over the defaults that the page's script knows; and a goal for the day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.models import User

# act -> its key, as KeyboardEvent.code: by position, so that it works with any input method
KEYS = {
    "accept": "KeyA", "edit": "KeyE", "reject": "KeyR", "skip": "KeyS", "undo": "KeyZ", "redraft": "KeyG", "compare": "KeyC",
    "title": "KeyT", "diff": "KeyD", "guide": "KeyB", "history": "KeyH", "comment": "KeyM", "post": "KeyO", "warning": "KeyN",
    "down": "KeyJ", "up": "KeyK", "renew": "KeyL", "focus": "KeyF", "tidy": "KeyQ", "twin": "KeyP",
}  # fmt: skip
ALLOWED = {f"Key{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} | {
    "Comma",
    "Period",
    "Semicolon",
    "Quote",
    "BracketLeft",
    "BracketRight",
}

GOALS = (20, 40, 60, 80, 100, 150, 200)  # decisions a day that one may set oneself
GOAL = 80


def goal_of(preferences: Mapping[str, Any]) -> int:
    goal = preferences.get("goal")
    return goal if goal in GOALS else GOAL


def set_goal(user: User, goal: int) -> None:
    """How many decisions `user` wants to make a day: one of GOALS, or it is a ValueError."""
    if goal not in GOALS:
        raise ValueError(goal)
    user.preferences["goal"] = goal
    user.save(update_fields=["preferences"])


def remapped(chosen: Mapping[str, str], sent: Mapping[str, Any]) -> dict[str, str]:
    """The choice after what was sent: `act` and `code`, or `reset`. A key does one thing: who had it before swaps."""
    if sent.get("reset"):
        return {}
    act, code = sent.get("act", ""), sent.get("code", "")
    if act not in KEYS or code not in ALLOWED:
        return dict(chosen)
    keys = KEYS | dict(chosen)
    for other, theirs in keys.items():
        if theirs == code and other != act:
            keys[other] = keys[act]
    keys[act] = code
    return {name: key for name, key in keys.items() if KEYS.get(name) not in (None, key)}
