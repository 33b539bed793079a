"""The whole product as a user starts it (`manage.py run`), in a directory of its own, for tests that need real processes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "PYTEST_XDIST_WORKER",
    "CQIA_PROCESS",
)


def wait_for(what: Callable[[], Any], seconds: float = 60, every: float = 0.1) -> Any:
    """Wait until `what` gives something true, and give that. A test that waits too long says for what."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if said := what():
            return said
        time.sleep(every)
    raise AssertionError(f"waited {seconds} s in vain for {what.__name__}")


class House:
    """`start()` it, use `url`, `sql()` and `manage()`, `stop()` it."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = kept | {"CQIA_VAR": str(var), "PORT": str(free_port())} | environment
        self.said: list[str] = []

    def start(self, command: Sequence[str] = (sys.executable, "manage.py", "run"), seconds: float = 120) -> float:
        """Give the seconds that it took until it said that it is ready."""
        begun = time.monotonic()
        self.output = open(self.var.parent / f"{self.var.name}.out", "a+")  # noqa: SIM115 - read while it grows
        self.output.seek(0, os.SEEK_END)
        self.begin = self.output.tell()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        def ready() -> bool:
            assert self.process.poll() is None, self.text()
            return "is ready at" in self.text()

        wait_for(ready, seconds)
        line = next(line for line in self.text().splitlines() if "is ready at" in line)
        self.url = re.search(r"http://[^\s]+", line).group()
        if password := re.search(r"password (\S+) \(shown", line):
            self.password = password.group(1)
        return time.monotonic() - begun

    def text(self) -> str:
        return Path(self.output.name).read_text()[self.begin :]

    def stop(self, sig: signal.Signals = signal.SIGINT, seconds: float = 60) -> None:
        if self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(seconds)

    def manage(self, *arguments: str, seconds: float = 180, ok: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        address = self.environment.get("DATABASE_URL") or json.loads((self.var / "engines.json").read_text())["database"]
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: Any) -> Any:
        return self.sql(query, *values)[0][0]

    def pids(self) -> dict[int, str]:
        """The processes of this house: those whose environment names its directory, and the engines that run in it."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
                except OSError:
                    continue
                if command and (f"CQIA_VAR={self.var}".encode() in environment.split(b"\0") or os.fsencode(self.var) in command):
                    found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def kill(self, part: str) -> int:
        """kill -9 of the processes whose command holds `part`. Gives how many."""
        hit = [pid for pid, command in self.pids().items() if part in command and "manage.py" not in command]
        for pid in hit:
            os.kill(pid, signal.SIGKILL)
        return len(hit)

    def api(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and parsed body (None when there is none, or it is not one JSON value: see `last_bytes`)."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, said = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, said = error.code, error.read()
        self.last_bytes = said  # of whoever asked last: several threads may ask
        try:
            return status, json.loads(said)
        except ValueError:
            return status, None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
