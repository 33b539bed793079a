"""Statements by hand."""

import psycopg
import pytest
from django.db import DataError, connection

from accounts import rows
from accounts.models import User
from accounts.rows import columns

pytestmark = pytest.mark.django_db
ALL = f"SELECT {columns(User, 'person')} FROM accounts_user person WHERE username = %(name)s"


def test_rows_come_as_models(admin):
    assert rows.read(ALL, {"name": "admin"}, User) == [admin]
    assert rows.read(ALL, {"name": "nobody"}, User) == []


def test_a_statement_is_prepared_and_used_again(admin):
    """Without a threshold psycopg prepares nothing, whatever it is asked: the server would plan each claim anew."""
    for name in ("admin", "nobody", "admin"):
        rows.read(ALL, {"name": name}, User)
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%username = $1%"])
        assert cursor.fetchall() == [(3,)]


def test_what_django_asks_is_not_prepared_behind_its_back(admin):
    for _n in range(10):
        User.objects.get(username="admin")
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ['%"accounts_user"."username" =%'])
        assert cursor.fetchone() == (0,)


def test_errors_are_djangos():
    with pytest.raises(DataError):
        rows.read("SELECT 1 / %s::int", [0])
