"""A key goes through everything that can go wrong, and is then looked for wherever something is kept or shown."""

import io
import logging

import pytest
import redis
from celery import shared_task
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.urls import path

from annotation import drafting, drafting_work
from cqia.logs import Formatter
from tests.annotation.conftest import provider  # noqa: F401
from tests.annotation.provider import error, late, reset
from tests.annotation.test_drafting import source_with, work
from tests.cqia.broken_urls import handler400, handler403, handler404, handler500, product, raising

KEY = "vLLm/CANARY+7f3a~90bd-under.no.known_prefix"  # nothing about it looks like a key
pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]  # ten seconds


__all__ = ["handler400", "handler403", "handler404", "handler500"]
urlpatterns = [
    *product,
    path("broken/page", raising(RuntimeError(f"the provider says: {KEY} is wrong"))),
    path("broken/database", raising(OperationalError(f"connection to postgres://zhumo:{KEY}@db/ failed"))),
    path("api/v1/broken/page", raising(RuntimeError(KEY))),
]


@shared_task(name="tests.fails")
def fails() -> None:
    raise RuntimeError(f"the provider says: {KEY} is wrong")


@pytest.fixture
def log():
    """What production would have logged, at its most talkative."""
    out, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Formatter())
    handler.setLevel(logging.DEBUG)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield out
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture(autouse=True)
def _keyed(provider, monkeypatch, settings, tmp_path):  # noqa: F811
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(drafting_work, "BEAT", 0.2)
    monkeypatch.setattr(drafting_work.random, "uniform", lambda low, high: 0.05)
    drafting_work.closing.clear()
    settings.LLM_TIMEOUT = 0.5
    settings.UPLOADS, settings.DATASET_FILES = tmp_path / "uploads", tmp_path / "datasets"


def quoting(status: int, code: str):
    return error(status, code, message=f"Incorrect API key provided: {KEY}. Authorization: Bearer {KEY}")


def database() -> str:
    """Every row of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


def broker(url: str) -> str:
    found = []
    with redis.Redis.from_url(url) as client:
        for name in client.scan_iter(count=1000):
            kind = client.type(name).decode()
            read = {"string": client.get, "list": lambda key: client.lrange(key, 0, -1), "hash": client.hgetall, "set": client.smembers}
            found.append(f"{name!r} {read[kind](name)!r}" if kind in read else repr(name))
    return "\n".join(found)


def test_a_key_is_in_no_row_no_log_no_page_and_not_in_the_broker(provider, admin, log, settings, capsys):  # noqa: F811
    client, pages = Client(raise_request_exception=False), []
    client.force_login(admin)

    def see(address: str, method: str = "get", **data: str) -> int:
        response = getattr(client, method)(address, data or None)
        pages.append(b"".join(response.streaming_content) if response.streaming else response.content)
        return response.status_code

    runs = []
    refused = [quoting(status, code) for status, code in ((401, "invalid_api_key"), (400, "bad"), (500, "server"), (403, "forbidden"))]
    for answer in (*refused, late(1.2), reset):  # six: the provider refuses, breaks, is late, tears the line
        provider.default = answer
        runs.append(work(drafting.order(source_with(1), by=admin), seconds=30))
    provider.default = quoting(401, "invalid_api_key")
    see("/drafting/models/offered/?provider=openai")  # seven: it is asked which models it has
    call_command("doctor")  # eight
    settings.OPENAI_BASE_URL = f"http://zhumo:{KEY.replace('/', '%2F')}@127.0.0.1:9/{KEY}"
    runs.append(work(drafting.order(source_with(1), by=admin), seconds=30))  # nine: an address with the key in it, and nobody there
    assert see("/broken/page") == 500  # ten: a page breaks
    assert see("/broken/database") == 503  # eleven: the database is away
    assert client.get(f"/sources/{KEY}/").status_code == 404
    fails.apply()  # twelve: a task fails
    assert see("/api/v1/broken/page") == 500
    assert Client().post("/accounts/login/", {"username": KEY, "password": KEY}).status_code == 200
    for run in runs:
        see(f"/drafting/{run.pk}/")
        see(f"/api/v1/draft-runs/{run.pk}/")
    for address in (
        "/drafting/",
        "/drafting/models/",
        "/drafting/calls/",
        "/api/v1/model-calls/?kind=attempts",
        "/api/v1/providers/",
        "/accounts/audit/",
    ):
        see(address)
    said = capsys.readouterr()
    places = {
        "a row": database(), "the log": log.getvalue(), "the broker": broker(settings.REDIS_URL), "a command": said.out + said.err,
        "a page": b"\n".join(pages).decode(),
    }  # fmt: skip
    assert {name for name, text in places.items() if "CANARY" in text} == set()
    assert provider.headers[0]["authorization"] == f"Bearer {KEY}", "it went where it belongs"
    assert "***" in places["the log"]
    assert "Incorrect API key" in places["a row"]
