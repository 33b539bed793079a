"""What all tests share: people of each role, and a database whose append-only tables may be emptied between tests."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User


def pytest_configure():
    """Pages without collected files, and hashes of passwords that do not take a third of a second each."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.AUDIT_ANCHORS = None  # every test has a chain of its own
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests with real transactions clean up by TRUNCATE, which the append-only tables refuse. UPDATE and DELETE stay refused."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE '%\\_no\\_truncate'")
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


@pytest.fixture
def client_of() -> type[Client]:
    """More than one browser."""
    return Client


@pytest.fixture
def make_user(db):
    def make(role: str, name: str = "") -> User:
        return User.objects.create_user(username=name or role, password="a long enough pass", role=role)

    return make


@pytest.fixture
def admin(make_user) -> User:
    return make_user("admin")


@pytest.fixture
def lead(make_user) -> User:
    return make_user("lead")


@pytest.fixture
def reviewer(make_user) -> User:
    return make_user("reviewer")


@pytest.fixture
def viewer(make_user) -> User:
    return make_user("viewer")
