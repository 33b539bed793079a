"""Threads that each take a call, send it, and take the next.

A ThreadPoolExecutor would do, were it not for the semaphore by which its submit() looks for an idle thread: with 64 of them at it, the
thread that hands the calls out, and has the database to itself, spent two fifths of its time waiting for that lock."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, Self, TypeVar

Call = TypeVar("Call")


class Senders(Generic[Call]):
    """At most `most` threads, started as they are needed. `send` must not raise. Leaving it waits for what is being sent."""

    def __init__(self, send: Callable[[Call], object], most: int, name: str) -> None:
        self.send, self.most, self.name = send, most, name
        self.waiting: SimpleQueue[Call | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.take_back()
        for _thread in self.threads:
            self.waiting.put(None)
        for thread in self.threads:
            thread.join()

    def put(self, call: Call, at_once: int) -> None:
        """`at_once`: how many are under way, with this one."""
        if len(self.threads) < min(at_once, self.most):
            thread = threading.Thread(target=self._work, name=f"{self.name}-{len(self.threads)}", daemon=True)
            self.threads.append(thread)
            thread.start()
        self.waiting.put(call)

    def take_back(self) -> list[Call]:
        """Those that no thread has taken yet."""
        found: list[Call] = []
        try:
            while True:
                if call := self.waiting.get_nowait():
                    found.append(call)
        except Empty:
            return found

    def _work(self) -> None:
        while call := self.waiting.get():
            self.send(call)
