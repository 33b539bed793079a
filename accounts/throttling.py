"""How often a token may ask: so many requests a minute, by the role of its person.

Redis counts for all web processes, who tell it of a hundredth of what is allowed at a time: so much more may get through. While it does
not answer, each process counts for itself, which lets more through and nobody wait.
"""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from . import remembering

WINDOW = 60  # seconds
MOST = 10_000  # tokens that are remembered


@dataclass
class _Count:
    """Of one token in the present minute."""

    minute: int
    told: int = 0  # by Redis, of all processes
    new: int = 0  # of this process, of which Redis has not been told


_counts: dict[str, _Count] = {}
_one_at_a_time = Lock()


class PerToken(BaseThrottle):
    def allow_request(self, request: Any, view: Any) -> bool:
        limit = settings.API_RATES.get(getattr(request.user, "role", ""), 0)
        return not limit or _count(f"{request.auth.pk if request.auth else 'session'}:{request.user.pk}", limit) <= limit

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW


def _count(who: str, limit: int) -> int:
    """How many requests of `who` there were in this minute, this one included."""
    minute = int(time.time()) // WINDOW
    with _one_at_a_time:
        count = _counts.get(who)
        is_first = count is None or count.minute != minute
        if count is None or is_first:
            if len(_counts) > MOST:
                _counts.clear()
            count = _counts[who] = _Count(minute)
        count.new += 1
        if count.told + count.new > limit or (not is_first and count.new < limit // 100):
            return count.told + count.new
        telling, count.new = count.new, 0
    try:
        told = int(remembering.ask("incrby", f"api:{who}:{minute}", telling))
        if told == telling:
            remembering.ask("expire", f"api:{who}:{minute}", 2 * WINDOW)
    except remembering.Unreachable:
        told = count.told + telling
    with _one_at_a_time:
        count.told = max(count.told, told)
        return count.told + count.new
