"""How often a token may ask: so many requests a minute, by the role of its person.

Redis counts for all web processes. While it does not answer, each process counts for itself, which lets more through and nobody wait.
"""

import time
from collections import Counter
from typing import Any

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from . import remembering

WINDOW = 60  # seconds
_here: Counter[str] = Counter()  # of this process, of the present window alone


class PerToken(BaseThrottle):
    def allow_request(self, request: Any, view: Any) -> bool:
        limit = settings.API_RATES.get(getattr(request.user, "role", ""), 0)
        return not limit or _count(f"{request.auth.pk if request.auth else 'session'}:{request.user.pk}") <= limit

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW


def _count(who: str) -> int:
    """How many requests of `who` there were in this minute, this one included."""
    key = f"api:{who}:{int(time.time()) // WINDOW}"
    try:
        count = remembering.ask("incr", key)
        if count == 1:
            remembering.ask("expire", key, 2 * WINDOW)
        return int(count)
    except remembering.Unreachable:
        if len(_here) > 10_000 or not any(other.endswith(key.rpartition(":")[2]) for other in _here):
            _here.clear()
        _here[key] += 1
        return _here[key]
