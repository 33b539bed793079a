"""What processes that stay do about the machine: how often they look for garbage in cycles, and who goes first."""

import gc
import os

ALLOCATIONS = 20_000  # of containers, before the youngest are looked through, instead of Python's own 700
BACKGROUND = 10  # added to the niceness of a worker: where one machine does it all, an import does not keep reviewers waiting


def settle() -> None:
    """All that is loaded by now stays (modules, models, URLs), and is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)


def give_way() -> None:
    """From now on, and for what it starts, this process works when others leave room."""
    os.nice(BACKGROUND)
