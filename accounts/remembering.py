"""What the web processes remember together for a short while, in Redis; when it does not answer, nobody waits for it twice."""

import time
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

PATIENCE = 0.3  # seconds for a word with it
PAUSE = 10.0  # seconds in which it is not asked again after it did not answer


class Unreachable(Exception):
    """Redis does not answer, or did not a moment ago."""


_silent_until = 0.0


@lru_cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None)


def ask(name: str, *arguments: Any, **options: Any) -> Any:
    """A command of redis-py's client. Raises Unreachable."""
    global _silent_until
    if time.monotonic() < _silent_until:
        raise Unreachable
    try:
        return getattr(_client(settings.REDIS_URL), name)(*arguments, **options)
    except redis.RedisError:
        _silent_until = time.monotonic() + PAUSE
        raise Unreachable from None
