"""What processes that stay do about the machine: how often they look for garbage in cycles, how long a thread waits for its turn, and
who goes first."""

import gc
import os
import sys

ALLOCATIONS = 20_000  # of containers, before the youngest are looked through; Python's own 700 makes a request wait for it some ten times
TURN = 0.001  # seconds; with Python's own 5 ms, a thread that hears from the database waits longer for its turn than it did for the answer
BACKGROUND = 10  # added to the niceness of a worker: where one machine does it all, an import does not keep reviewers waiting


def settle() -> None:
    """All that is loaded by now stays: modules, models, URLs. To look through them again and again is a pause of 100 ms each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)
    sys.setswitchinterval(TURN)


def give_way() -> None:
    """From now on, and for what it starts, this process works when others leave room."""
    os.nice(BACKGROUND)
