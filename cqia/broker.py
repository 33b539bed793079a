"""Whether the broker answers: what the probes, the banner and the figures ask. Nobody waits for it longer than a second."""

import threading
import time

import redis
from django.conf import settings

ASKED_EVERY = 5.0  # seconds between two questions of one process, however many pages it makes meanwhile


class Watch:
    """What the last question gave. One thread asks at a time; the others take the answer before."""

    def __init__(self) -> None:
        self.is_away, self.until, self.turn = False, 0.0, threading.Lock()

    def look(self) -> bool:
        """Whether the broker is away."""
        if time.monotonic() >= self.until and self.turn.acquire(blocking=False):
            try:
                self.is_away = not answers()
                self.until = time.monotonic() + ASKED_EVERY
            finally:
                self.turn.release()
        return self.is_away


watch = Watch()


def answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
