"""Which key does what for one person: the choice of the account, over the defaults that the page's script knows."""

from collections.abc import Mapping
from typing import Any

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
