"""Statements by hand."""

from uuid import uuid4

import psycopg
import pytest
from django.db import DataError, OperationalError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

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
        rows.read(f"{ALL} AND is_active", {"name": name}, User)
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%username = $1 AND%"])
        assert cursor.fetchall() == [(3,)]


def test_what_django_asks_is_not_prepared_behind_its_back(admin):
    for _n in range(10):
        User.objects.get(username="admin")
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ['%"accounts_user"."username" =%'])
        assert cursor.fetchone() == (0,)


def test_values_are_read_as_django_reads_them(admin):
    """Times above all, which Django reads in Python."""
    admin.refresh_from_db()
    (found,) = rows.read(ALL, {"name": "admin"}, User)
    same = {field.attname: getattr(found, field.attname) for field in User._meta.concrete_fields}
    assert same == {field.attname: getattr(admin, field.attname) for field in User._meta.concrete_fields}
    assert str(found.date_joined) == str(admin.date_joined)
    key, when = uuid4(), timezone.now()
    sent = {"key": key, "when": when, "many": [1, 2**40], "none": [], "text": "百分之 100%s $1", "yes": True, "data": Jsonb({"a": ["甲"]})}
    assert rows.read(
        "SELECT %(key)s::uuid, %(when)s, %(many)s::bigint[], %(none)s::bigint[], %(text)s, '100%%', %(yes)s, %(data)s, %(text)s, NULL", sent
    ) == [(key, when, [1, 2**40], [], "百分之 100%s $1", "100%", True, '{"a": ["甲"]}', "百分之 100%s $1", None)]


def test_it_tells_how_many_it_changed_and_stays_in_the_transaction(admin):
    with transaction.atomic():
        assert rows.run("UPDATE accounts_user SET first_name = %s", ["甲"]) == 1
        assert rows.read("SELECT first_name FROM accounts_user", []) == [("甲",)]
        transaction.set_rollback(True)
    assert rows.read("SELECT first_name FROM accounts_user", []) == [("",)]


@pytest.mark.django_db(transaction=True)
def test_a_line_that_ended_is_an_operational_error_and_the_next_is_a_new_one(admin):
    with psycopg.connect(connection.connection.info.dsn, password=connection.connection.info.password, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        while other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [connection.connection.info.backend_pid]).fetchone():
            pass
    with pytest.raises(OperationalError):
        rows.read(ALL, {"name": "admin"}, User)
    connection.close()
    assert rows.read(ALL, {"name": "admin"}, User) == [admin]


def test_errors_are_djangos():
    with pytest.raises(DataError):
        rows.read("SELECT 1 / %s::int", [0])
