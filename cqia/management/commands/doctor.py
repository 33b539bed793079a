"""`doctor`: what is missing and how to mend it. One line per finding; exit 1 if something must be mended."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import Role, User
from annotation.searching import PAIRS
from cqia.context import QUIET_AFTER
from sources import indexing
from sources.models import Heartbeat

GIGABYTE = 1024**3
SKEW = 2.0  # seconds between two clocks


class Finding(NamedTuple):
    level: str  # ok | warn | fail
    text: str
    mend: str = ""


class Command(BaseCommand):
    help = "Say what is missing and how to mend it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(examine())
        for level, text, mend in findings:
            self.stdout.write(f"{level:<4}  {text}" + (f". {mend}" if mend else ""))
        if any(finding.level == "fail" for finding in findings):
            sys.exit(1)


def examine() -> Iterator[Finding]:
    """All findings. What needs the database is left out when there is none."""
    yield python()
    yield secret_key()
    yield disk()
    answer = database()
    yield answer
    if answer.level != "fail":
        for question in OF_THE_DATABASE:
            try:
                yield question()
            except DatabaseError:
                yield Finding("fail", f"{question.__name__}: its table is not there or not as expected", "Run: manage.py migrate")
    yield broker()
    yield provider()
    yield static_files()


def python() -> Finding:
    return Finding("ok", f"Python {'.'.join(map(str, sys.version_info[:3]))}")  # an older one does not get as far as here


def secret_key() -> Finding:
    key = settings.SECRET_KEY
    if len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-"):
        return Finding("fail", "SECRET_KEY is weak", "Unset it (one is made under CQIA_VAR), or set 50 random characters and more")
    return Finding("ok", "SECRET_KEY is strong")


def disk() -> Finding:
    settings.VAR.mkdir(parents=True, exist_ok=True)
    if not os.access(settings.VAR, os.W_OK):
        return Finding("fail", f"{settings.VAR} cannot be written to", "Give it to the user who runs this, or set CQIA_VAR")
    usage = shutil.disk_usage(settings.VAR)
    text = f"{usage.free / GIGABYTE:.1f} GB free under {settings.VAR}"
    if usage.free < GIGABYTE // 4:
        return Finding("fail", text, "Imports and exports will fail: make room, or set CQIA_VAR to another disk")
    if usage.free < 2 * GIGABYTE:
        return Finding("warn", text, "Make room, or set CQIA_VAR to another disk")
    return Finding("ok", text)


def database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_encoding')")
            number, encoding = cursor.fetchone()
    except DatabaseError as error:
        said = str(error).strip().splitlines()[-1:]  # names host and user; a password is never in it
        return Finding("fail", f"The database does not answer: {''.join(said)}", "Start it, or unset DATABASE_URL to use the embedded one")
    if number < 150_000:
        return Finding("fail", f"PostgreSQL {number // 10_000}", "15 or newer is needed")
    if encoding != "UTF8":
        return Finding("fail", f"The database's encoding is {encoding}", "Make one with ENCODING 'UTF8'")
    return Finding("ok", f"PostgreSQL {number // 10_000}.{number % 10_000}")


def clock() -> Finding:
    """Leases and seats are reckoned by the clocks of those who hold them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        skew = time.time() - cursor.fetchone()[0]
    text = f"The clock of this machine is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the database's"
    mend = "Leases end after 20 s: have both machines follow one time server (chrony, systemd-timesyncd)"
    if abs(skew) > SKEW:
        return Finding("fail" if abs(skew) > 3 * SKEW else "warn", text, mend)
    return Finding("ok", "The clocks agree")


def migrations() -> Finding:
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    return (
        Finding("fail", f"{pending} migrations are pending", "Run: manage.py migrate")
        if pending
        else Finding("ok", "Migrations are in step")
    )


def workers() -> Finding:
    seen = dict(Heartbeat.objects.values_list("queue", "seen_at"))
    now = timezone.now()
    silent = [
        f"{queue} ({f'silent for {(now - seen[queue]).total_seconds():.0f} s' if queue in seen else 'never seen'})"
        for queue in ("work", "draft")
        if queue not in seen or now - seen[queue] > QUIET_AFTER
    ]
    if silent:
        return Finding(
            "warn", f"No worker on: {', '.join(silent)}", "Imports, drafts and exports wait: make run, or start workers and beat"
        )
    return Finding("ok", "Workers are alive on both queues")


def people() -> Finding:
    if not User.objects.filter(role=Role.ADMIN, is_active=True).exists():
        return Finding("warn", "There is no admin", "Run: manage.py create_user admin --role admin")
    return Finding("ok", "There is an admin")


def search() -> Finding:
    """Whether the search index has caught up; where it has not, how far it is."""
    states = {what.kind: indexing.progress(what) for what in (indexing.POSTS, PAIRS)}
    size = sum(state.bytes for state in states.values()) / 1_000_000
    behind = [f"{kind} {state.percent} %" for kind, state in states.items() if not state.is_caught_up]
    if not behind:
        return Finding("ok", f"Everything can be searched; the index has {size:.0f} MB")
    mend = "Workers index the rest in the background, when no import runs; until then only short texts of it are searched"
    return Finding("warn", f"The search index is on its way: {', '.join(behind)}; it has {size:.0f} MB", mend)


OF_THE_DATABASE: tuple[Callable[[], Finding], ...] = (migrations, clock, workers, people, search)


def broker() -> Finding:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "unknown")
    except redis.ResponseError:
        return Finding("warn", "The broker answers but does not tell its maxmemory-policy", "It must be noeviction; look it up")
    except (redis.RedisError, ValueError) as error:
        kind = type(error).__name__  # the text could quote the address with its password
        return Finding("fail", f"The broker does not answer ({kind})", "Start it, or unset REDIS_URL to use the embedded one")
    if policy != "noeviction":
        return Finding("fail", f"The broker's maxmemory-policy is {policy}", "It drops hints when memory is short: set it to noeviction")
    return Finding("ok", "The broker answers and evicts nothing")


def provider() -> Finding:
    if not os.environ.get("OPENAI_API_KEY") and not settings.OPENAI_BASE_URL:
        return Finding(
            "ok", "No model provider is set: `make run` drafts with the demo's own", "For a real one set OPENAI_API_KEY and OPENAI_MODEL"
        )
    if not settings.OPENAI_MODEL:
        return Finding("fail", "A model provider is set, but OPENAI_MODEL is not", "Set OPENAI_MODEL to a model of that provider")
    host = urlsplit(settings.OPENAI_BASE_URL or "https://api.openai.com").hostname  # the host alone: an address can hold a password
    if not os.environ.get("OPENAI_API_KEY"):
        return Finding("warn", f"OPENAI_API_KEY is not set for {host}", "Fine for a server of your own that asks for none")
    return Finding("ok", f"Model {settings.OPENAI_MODEL} at {host}")


def static_files() -> Finding:
    try:
        staticfiles_storage.url("app.css")
    except ValueError:
        return Finding("fail", "Static files are not collected", "Run: manage.py collectstatic (make run does it by itself)")
    return Finding("ok", "Static files are collected")
