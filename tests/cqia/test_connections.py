"""Connections that the server has ended while nobody used them."""

import psycopg
import pytest
from django.db import connection
from django.test import Client

from cqia import connections
from tests.house import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def dsn() -> dict[str, str]:
    told = connection.get_connection_params()
    return {name: told[name] for name in ("dbname", "user", "host", "port", "password") if name in told}


def test_a_line_that_is_idle_has_not_ended_and_one_that_was_terminated_has():
    with psycopg.connect(**dsn(), autocommit=True) as line, connection.cursor() as cursor:
        line.execute("SELECT 1")
        assert not connections.has_ended(line)
        cursor.execute("SELECT pg_terminate_backend(%s)", [line.info.backend_pid])
        wait_for(lambda: connections.has_ended(line), 5)
    line.close()
    assert connections.has_ended(line)


def test_the_request_after_a_restart_of_the_database_is_answered():
    """The connection that the last request left is gone; the next one makes a new one instead of failing."""
    with psycopg.connect(**dsn(), autocommit=True) as other:
        connection.ensure_connection()
        before = connection.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s)", [before])
        wait_for(lambda: connections.has_ended(connection.connection), 5)
    connections._drop_ended()
    assert Client().get("/healthz").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != before
