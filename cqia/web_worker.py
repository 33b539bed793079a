"""gunicorn's worker of threads, and fair: browsers keep their connection, so whoever takes most of them does most of the work."""

import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

STEP, MOST = 0.0005, 16  # seconds for each connection it has, and for how many at most


class FairWorker(ThreadWorker):
    """Of processes that wait at one door, the one with the fewest connections opens it: the others are a moment late."""

    def accept(self, listener: Any) -> None:
        time.sleep(min(self.nr_conns, MOST) * STEP)
        super().accept(listener)
