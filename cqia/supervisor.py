"""Keeps a handful of processes running: starts them, restarts what dies, ends them in order.

For `make run`. On a server, systemd does this (docs/operations.md).
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .embedded import die_with_parent

PAUSE = 1.0  # before a process that died is started again; doubled for each death in a row, up to:
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 30.0  # a process that lived this long starts afresh in that count


@dataclass
class Process:
    """One child: its command, and what it is told to end by."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 10.0  # seconds between asking and killing
    pass_fds: tuple[int, ...] = ()
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float = 0.0

    def start(self, logs: Path) -> None:
        # Its own session: a Ctrl-C in the terminal reaches the supervisor alone, which ends the others in order.
        with open(logs / f"{self.name}.log", "ab") as log:
            self.child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=die_with_parent(), pass_fds=self.pass_fds, env=os.environ | self.environment,
            )  # fmt: skip
        self.started_at = time.monotonic()

    def stop(self) -> None:
        if not self.child or self.child.poll() is not None:
            return
        self.child.send_signal(self.stop_signal)
        try:
            self.child.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Supervisor:
    """Children in the order of their starting; they end in the reverse order."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.processes: list[Process] = []
        self.is_stopping = False
        logs.mkdir(parents=True, exist_ok=True)

    def add(self, process: Process) -> None:
        process.start(self.logs)
        self.processes.append(process)

    def tend(self) -> list[str]:
        """Start again whoever died, a little later each time. Gives the names of those who were found dead just now."""
        now, died = time.monotonic(), []
        for process in self.processes:
            if process.child is None:
                if now >= process.start_again_at:
                    process.start(self.logs)
            elif process.child.poll() is not None:
                process.deaths = 1 if now - process.started_at > HEALTHY_AFTER else process.deaths + 1
                process.start_again_at = now + min(LONGEST_PAUSE, PAUSE * 2 ** (process.deaths - 1))
                process.child = None
                died.append(process.name)
        return died

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()
