"""What processes that stay do about the machine: how often they look for garbage in cycles, and who goes first."""

import gc
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

ALLOCATIONS = 20_000  # of containers, before the youngest are looked through, instead of Python's own 700
BACKGROUND = 19  # the niceness of a worker: where one machine does it all, an import does not keep reviewers waiting


def settle() -> None:
    """All that is loaded by now stays (modules, models, URLs), and is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)


def give_way() -> None:
    """From now on, and for what it starts, this process works when others leave room."""
    os.nice(BACKGROUND)
    _give_way_as_a_group(os.getpid())


def make_database_give_way(connection: Any, **_said: object) -> None:
    """The server's end of this connection works when others leave room, too, if it is a process of this machine. (A number that came
    over a network means nothing here.) For Django's signal `connection_created`."""
    info = connection.connection.info
    with suppress(OSError):  # another user's: that is for its administrator
        if info.host.startswith("/") and Path(f"/proc/{info.backend_pid}/comm").read_text().strip() == "postgres":
            os.setpriority(os.PRIO_PROCESS, info.backend_pid, BACKGROUND)
            _give_way_as_a_group(info.backend_pid)


def _give_way_as_a_group(pid: int) -> None:
    """Where Linux shares processors among sessions before it looks at niceness (sched(7), autogroup), the session has one of its own."""
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(BACKGROUND))
