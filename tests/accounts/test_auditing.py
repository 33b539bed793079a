"""The audit log is a chain: whatever is done to it, `verify` sees it, also when it is done by one who may do everything."""

import random
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings as configured
from django.db import DatabaseError, connection, transaction

from accounts import anchors, auditing, chain
from accounts.models import AuditEntry, AuditLink

ENTRIES = 12
WRITTEN = ("accounts_auditentry", "accounts_auditlink")
APP = "zhumo_app_of_a_test"


def enter(n: int, start: int = 0) -> None:
    for number in range(start, start + n):
        AuditEntry.objects.create(action="source_changed", subject=f"source {number}", detail={"name": ["旧", f"新 {number}"]})


def link() -> None:
    """What the end of a transaction does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def log(db, settings, tmp_path):
    """A log of some entries, with an anchor after each."""
    settings.AUDIT_ANCHORS = tmp_path / "audit"
    for number in range(ENTRIES):
        enter(1, number)
        link()
        AuditLink.anchor()


def test_a_log_that_nobody_touched_is_whole(log):
    assert list(auditing.broken()) == []
    assert [at.position for at in anchors.read(configured.AUDIT_ANCHORS)] == list(range(1, ENTRIES + 1))
    first, second = AuditLink.objects.order_by("position")[:2]
    assert (first.previous, second.previous) == (chain.START, first.digest)


def test_what_was_rolled_back_leaves_no_gap(log):
    point = transaction.savepoint()
    enter(1, 50)
    transaction.savepoint_rollback(point)
    enter(1, 51)
    link()
    assert list(auditing.broken()) == []
    assert AuditLink.objects.count() == ENTRIES + 1


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_transaction_links_and_anchors(settings, tmp_path):
    settings.AUDIT_ANCHORS = tmp_path / "audit"
    with transaction.atomic():
        enter(2)
        assert not AuditLink.objects.exists()
    assert AuditLink.objects.count() == 2
    head = AuditLink.objects.get(position=2)
    assert set(anchors.read(tmp_path / "audit")) == {anchors.Anchor(2, head.digest)}
    assert list(auditing.broken()) == []


@pytest.mark.django_db(transaction=True)
def test_two_at_once_take_two_places(settings):
    """Both have written before either commits: the second to commit follows the first."""
    sql = "INSERT INTO accounts_auditentry (action, subject, detail, at) VALUES ('made', %s, '{}', now())"
    dsn = {key: value for key, value in connection.get_connection_params().items() if key in ("dbname", "host", "user", "port", "password")}
    with psycopg.connect(**dsn) as one, psycopg.connect(**dsn) as other:
        one.execute(sql, ["one"])
        other.execute(sql, ["other"])
        other.commit()
        one.commit()
    assert list(AuditLink.objects.order_by("position").values_list("entry__subject", flat=True)) == ["other", "one"]
    assert list(auditing.broken()) == []


# --- 100 tampers -------------------------------------------------------------------------------------------------------
def some(dice: random.Random) -> int:
    return AuditEntry.objects.order_by("id").values_list("pk", flat=True)[dice.randrange(1, ENTRIES - 1)]


def update(dice: random.Random) -> str:
    change = dice.choice(["action = 'x'", "subject = 'y'", "detail = '{}'", "at = at + interval '1 us'", "by_id = NULL, subject = 'z'"])
    return f"UPDATE accounts_auditentry SET {change} WHERE id = {some(dice)}"


def delete(dice: random.Random) -> str:
    pk = some(dice)
    return f"DELETE FROM accounts_auditlink WHERE entry_id = {pk}; DELETE FROM accounts_auditentry WHERE id = {pk}"


def insert(dice: random.Random) -> str:
    """An entry with a place of its own choice."""
    pk = 10**6 + dice.randrange(1000)
    entry = f"INSERT INTO accounts_auditentry (id, action, subject, detail, at) VALUES ({pk}, 'forged', 'source 1', '{{}}', now())"
    place = f"SELECT {ENTRIES + 1}, {pk}, digest, digest FROM accounts_auditlink WHERE position = {ENTRIES}"
    return f"{entry}; INSERT INTO accounts_auditlink (position, entry_id, previous, digest) {place}"


def swap(dice: random.Random) -> str:
    one, other = some(dice), ENTRIES + 10**5
    two = AuditEntry.objects.exclude(pk=one).order_by("?").values_list("pk", flat=True)[0]
    change = "UPDATE accounts_auditlink SET entry_id"
    return "; ".join(f"{change} = {to} WHERE entry_id = {of}" for of, to in ((one, other), (two, one), (other, two)))


def cut(dice: random.Random) -> str:
    left = "SELECT entry_id FROM accounts_auditlink"
    links = f"DELETE FROM accounts_auditlink WHERE position > {ENTRIES - dice.randrange(1, 6)}"
    return f"{links}; DELETE FROM accounts_auditentry WHERE id NOT IN ({left})"


def empty(dice: random.Random) -> str:
    return "TRUNCATE accounts_auditlink, accounts_auditentry"


def anew(dice: random.Random) -> str:
    """An entry changed, and the whole chain computed again from there: every hash fits."""
    return f"{update(dice)}; DELETE FROM accounts_auditlink; {chain.CATCH_UP}"


WAYS = ("SET ROLE {role}; RESET ROLE", "SET session_replication_role = replica; RESET session_replication_role")
KINDS: list[Callable[[random.Random], str]] = [update, delete, insert, swap, cut, empty, anew]


@pytest.fixture
def role(db) -> Iterator[str]:
    """A role as docs/operations.md has it for the product: it owns nothing, reads and writes everything."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {APP} NOSUPERUSER")
        cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {APP}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {APP}")
    yield APP
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {APP}; DROP ROLE {APP}")


def tampered(sql: str, before: str, after: str) -> str:
    """refused: by the database | seen: by verify | missed."""
    point = transaction.savepoint()
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; {before}")
            cursor.execute(sql)
            cursor.execute(after)
        return "seen" if list(auditing.broken()) else "missed"
    except DatabaseError:
        return "refused"
    finally:
        transaction.savepoint_rollback(point)


def test_a_hundred_tampers_are_refused_or_seen(log, role):
    """Half as the product's own role, half as one who switches the triggers off first."""
    dice = random.Random(7)
    with connection.cursor() as cursor:  # conftest has switched this one off, so that tests can clean up
        cursor.execute("; ".join(f"ALTER TABLE {table} ENABLE TRIGGER {table}_no_truncate" for table in WRITTEN))
    told: Counter[str] = Counter()
    for number in range(100):
        kind, (before, after) = KINDS[number // 2 % len(KINDS)], WAYS[number % 2].format(role=role).split("; ")
        told[tampered(kind(dice), before, after)] += 1
    assert told == {"refused": 50, "seen": 50}


def test_a_forged_anchor_is_seen(log):
    with (configured.AUDIT_ANCHORS / anchors.NAME).open("a") as file:
        file.write(f"99 {'0' * 64}:forged\n")
    assert ["not signed here" in text for text in auditing.broken()] == [True]
