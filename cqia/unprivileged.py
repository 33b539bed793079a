"""Who an engine runs as, and what its process does before its exec.

PostgreSQL refuses to be root. Whoever starts us as root (a container, a server) gets engines in a user namespace, where
root is nobody special; where there are no namespaces, an existing account that is handed the engines' directories.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CLONE_NEWUSER, PR_SET_PDEATHSIG = 0x10000000, 1


class Account(NamedTuple):
    """An owner of files, and whether its processes live in a user namespace (where PostgreSQL does not see that it is root)."""

    uid: int
    gid: int
    in_namespace: bool = False


def candidates(data: Path) -> list[Account]:
    """Who may run the engines whose files lie in `data`, best first. Only root has a choice."""
    if os.getuid() != 0:
        return [Account(os.getuid(), os.getgid())]
    found = [Account(0, 0, in_namespace=True)]
    with suppress(KeyError):
        entry = pwd.getpwnam("nobody")
        found.append(Account(entry.pw_uid, entry.pw_gid))
    with suppress(FileNotFoundError):
        status = data.stat()
        if status.st_uid:  # another user's checkout, or an earlier start without namespaces: it stays theirs
            found.insert(0, Account(status.st_uid, status.st_gid))
    return found


def choose(data: Path, binary: Path) -> Account | None:
    """The first who can start `binary` and reach the folder of `data`; None if nobody can."""
    for account in candidates(data):
        become = as_child(account, signal.SIGKILL)

        def rehearse(become: Callable[[], None] = become) -> None:
            become()
            os.chdir(data.parent)

        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run([str(binary), "--version"], preexec_fn=rehearse, check=True, capture_output=True)
            return account
    return None


def hand_over(folder: Path, account: Account) -> None:
    """Make `folder` and all in it the account's, unless it is already."""
    if folder.stat().st_uid == account.uid:
        return
    for place, _folders, files in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in files)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def as_child(account: Account, death: signal.Signals) -> Callable[[], None]:
    """A preexec_fn: become `account`, and have the kernel send `death` when the parent is gone."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        if account.in_namespace:
            _enter_namespace(libc)
        elif account.uid != os.getuid():
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        _die_with_parent(libc, death)  # last: the kernel forgets it when a process changes its user

    return prepare


def die_with_parent(death: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A preexec_fn for our own processes, which stay who they are."""
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: _die_with_parent(libc, death)


def _die_with_parent(libc: ctypes.CDLL, death: signal.Signals) -> None:
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, int(death))


def _enter_namespace(libc: ctypes.CDLL) -> None:
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
