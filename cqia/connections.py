"""A connection that is kept between requests may have ended meanwhile: a look at its socket tells, where asking the database would
cost a request a tenth of its time."""

import select
from typing import Any

from django.core.signals import request_started
from django.db import connections


def watch() -> None:
    """Before each request, let go of connections that the server has ended; the next statement makes a new one."""
    request_started.connect(_drop_ended, dispatch_uid="cqia.connections")


def _drop_ended(**_said: Any) -> None:
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and has_ended(connection.connection):
            connection.close()


def has_ended(line: Any) -> bool:
    """Whether the server has said something on an idle connection of psycopg's: that is farewell, or the end of the line."""
    if line.closed:
        return True
    poll = select.poll()
    poll.register(line.fileno(), select.POLLIN)
    return bool(poll.poll(0))
