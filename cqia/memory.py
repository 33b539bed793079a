"""How often Python looks for garbage in cycles: rarely, and not among what was loaded at the start."""

import gc

ALLOCATIONS = 50_000  # of containers, before the youngest are looked through; Python's own 700 makes a request wait for it some ten times


def settle() -> None:
    """All that is loaded by now stays: modules, models, URLs. To look through them again and again is a pause of 100 ms each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 20)
