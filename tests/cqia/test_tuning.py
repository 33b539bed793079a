"""Who goes first on one machine. (What niceness does to a process is the kernel's: here it is that it is asked for, of the right one.)"""

import os
import subprocess
import sys
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection

from cqia import tuning


@pytest.fixture
def background(db):
    """A connection of its own, whose server process may be told to give way."""
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn) as made:
        yield made


def niceness(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def test_the_servers_end_of_a_workers_connection_gives_way(background):
    if not background.info.host.startswith("/"):
        pytest.skip("the database is not reached through a Unix socket")
    before = niceness(background.info.backend_pid)
    tuning.make_database_give_way(SimpleNamespace(connection=background))
    assert (before, niceness(background.info.backend_pid)) == (0, tuning.BACKGROUND)


@pytest.mark.parametrize("host", ["127.0.0.1", "/run/postgresql"])
def test_a_number_that_is_somebody_elses_is_left_alone(host):
    """From over a network, or of a process that is no database."""
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        info = SimpleNamespace(host=host, backend_pid=other.pid)
        tuning.make_database_give_way(SimpleNamespace(connection=SimpleNamespace(info=info)))
        assert niceness(other.pid) == niceness(os.getpid())
    finally:
        other.communicate(b"\n")


def test_a_process_that_gives_way_does_so_with_what_it_starts():
    code = "from cqia import tuning; import os, subprocess; tuning.give_way(); print(os.nice(0), flush=True); subprocess.run(['nice'])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(niceness(os.getpid()) + tuning.BACKGROUND)] * 2
