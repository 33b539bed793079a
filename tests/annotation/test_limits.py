"""What may be asked a minute, by all workers together; and money under many hands."""

import threading
import time
import uuid
from decimal import Decimal

import pytest
import redis
from django.db import connection

from annotation import drafting, drafting_work, ledger, limits, llm, pricing, requesting
from annotation.draft_terms import Refused
from annotation.models import CapUse, DraftRun, ModelCall
from tests.annotation.provider import error, reply
from tests.annotation.test_drafting import PRICES, source_with, the_call, work

pytestmark = pytest.mark.django_db(transaction=True)
ME = ("openai", "scripted")


def limit(requests=None, tokens=None):
    pricing.set_limits(provider=ME[0], model=ME[1], requests_per_minute=requests, tokens_per_minute=tokens, by=None)
    limits.forget()


def granted(seconds, weights=(1,) * 50):
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        count += limits.grant(*ME, weights)[0]
        time.sleep(0.02)
    return count


def test_without_a_limit_everything_may_go(provider):
    assert limits.grant(*ME, [1] * 500) == (500, 0.0)


def test_a_limit_lets_calls_through_one_by_one_and_says_when(provider):
    limit(600)
    first, wait = limits.grant(*ME, [1] * 50)
    assert (first, 0 < wait < 0.2) == (1, True)
    assert 25 <= granted(3) <= 31


def test_a_limit_that_was_lost_with_redis_begins_with_an_empty_bucket(provider):
    limit(600)
    before = granted(1.5)
    redis.Redis.from_url(limits.settings.REDIS_URL).flushall()
    assert before + granted(1.5) <= 32  # 30 and the one that an empty bucket lets through


def test_without_redis_nothing_is_let_through_and_nothing_breaks(provider, admin, monkeypatch):
    run = drafting.order(source_with(2), by=admin)
    away = redis.Redis(port=1, socket_timeout=0.2, socket_connect_timeout=0.2)
    scripts = tuple(away.register_script(text) for text in (limits.GRANT, limits.HOLD, limits.REFUND))
    with monkeypatch.context() as patch:
        patch.setattr(limits, "_scripts", lambda: scripts)
        patch.setattr(limits, "AWAY", 11.0)
        drafting.work_off(run.pk)
        run.refresh_from_db()
        assert (provider.seen, run.state, run.calls.filter(state="queued").count()) == ([], "running", 2)
        limits.hold(*ME, 5)
        limits.refund(*ME, 5)
    DraftRun.objects.update(not_before=None)
    assert work(run).state == "succeeded"


def test_a_limit_in_tokens_counts_the_most_and_gives_back_what_was_not_used(provider):
    limit(tokens=60_000)
    assert limits.grant(*ME, [1_000])[0] == 0  # the bucket is empty at first
    time.sleep(3.1)
    first, _wait = limits.grant(*ME, [1_000] * 20)
    assert 1 <= first <= 3
    assert limits.grant(*ME, [1_000])[0] == 0
    limits.refund(*ME, 2_000)
    assert limits.grant(*ME, [1_000])[0] == 1


def test_a_call_that_is_bigger_than_the_limit_goes_when_nothing_else_does(provider):
    limit(tokens=1_000)
    assert limits.grant(*ME, [5_000])[0] == 0
    time.sleep(3.1)
    assert limits.grant(*ME, [5_000])[0] == 1
    assert limits.grant(*ME, [1])[0] == 0


def test_what_one_worker_is_told_holds_for_all(provider):
    limits.hold(*ME, 1.0)
    assert limits.grant(*ME, [1])[0] == 0
    assert limits.grant("openai", "another", [1])[0] == 1
    time.sleep(1.1)
    assert limits.grant(*ME, [1])[0] == 1


def test_a_429_makes_everybody_a_little_slower_although_no_limit_is_known(provider):
    assert limits.grant(*ME, [1] * 300)[0] == 300
    limits.hold(*ME, None)
    assert granted(1) <= 8  # 0.9 × 300 a minute are 4.5 a second
    limits.hold(*ME, None)  # of the same burst: once is enough
    assert 3 <= granted(1) <= 8


def test_a_run_obeys_its_models_limit(provider, admin):
    limit(120)
    run = drafting.order(source_with(6), by=admin)
    began = time.monotonic()
    assert work(run).state == "succeeded"
    assert 2.0 < time.monotonic() - began < 8
    assert len(provider.seen) == 6


# --- money under many hands ---------------------------------------------------------------------------------------------
def spend(run, sums, stop):
    """One spender: takes calls as long as the caps let it, and pays a cent less than was set aside, or all of it."""
    try:
        while not stop.is_set():
            try:
                calls = ledger.take(run, uuid.uuid4(), 3, lambda provider, model, weights: (len(weights), 0.0)).calls
            except ledger.BudgetReached:
                return
            if not calls:
                return
            for call in calls:
                body = reply()
                tokens = requesting.bytes_of(call)
                body["usage"] = {"prompt_tokens": tokens - call.pk % 2, "completion_tokens": 100}
                ledger.deliver([(call, llm.Reply(body, "", 1))])
                sums.append(1)
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["budget", "day", "source"])
def test_twenty_spenders_never_pass_a_small_cap_by_a_cent(provider, admin, kind):
    source, cap = source_with(300), Decimal("0.30")
    run = drafting.order(source, by=admin, params=PRICES, budget=cap if kind == "budget" else None)
    if kind != "budget":
        pricing.set_cap(
            per="day" if kind == "day" else "ever", currency="USD", amount=cap, by=admin, source=source if kind == "source" else None
        )
    DraftRun.objects.update(state="running")
    run.refresh_from_db()
    sums, most, stop = [], [Decimal(0)], threading.Event()

    def watch():
        while not stop.is_set():
            row = DraftRun.objects.get() if kind == "budget" else CapUse.objects.first()
            most[0] = max(most[0], row.spent + row.reserved if row else Decimal(0))
        connection.close()

    spenders = [threading.Thread(target=spend, args=(run, sums, stop)) for _ in range(20)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    [each.start() for each in spenders]
    [each.join(60) for each in spenders]
    stop.set()
    watcher.join()
    paid = sum((cost for cost in ModelCall.objects.filter(state="done").values_list("cost", flat=True)), Decimal(0))
    row = DraftRun.objects.get() if kind == "budget" else CapUse.objects.get()
    assert len(sums) > 5
    assert (row.spent, row.reserved) == (paid, 0)
    assert paid <= cap
    assert most[0] <= cap
    dearest = max(ModelCall.objects.filter(state="done").values_list("cost", flat=True))
    assert paid + 2 * dearest > cap  # and it is used, but for less than the next call


def test_a_cap_counts_what_was_spent_before_it_and_ends_a_run_by_its_name(provider, admin):
    source = source_with(2)
    work(drafting.order(source, by=admin, params=PRICES, limit=1))
    spent = the_call(DraftRun.objects.get()).cost
    pricing.set_cap(per="ever", currency="USD", amount=spent, by=admin)
    run = work(drafting.order(source, by=admin))
    assert (run.state, run.error_code) == ("stopped", "cap_reached")
    assert len(provider.seen) == 1
    pricing.set_cap(per="ever", currency="USD", amount=None, by=admin)
    assert work(drafting.resume(run, by=admin)).state == "succeeded"


def test_where_a_cap_counts_a_model_without_a_price_is_not_asked(provider, admin):
    pricing.set_cap(per="day", currency="CNY", amount=Decimal(10), by=admin)
    run = work(drafting.order(source_with(1), by=admin))
    assert (run.state, run.error_code, provider.seen) == ("stopped", "price_unknown", [])


def test_a_call_is_billed_by_the_price_that_was_in_force_when_it_was_sent(provider, admin):
    run = drafting.order(source_with(1), by=admin, params=PRICES)
    [call] = ledger.take(DraftRun.claim(run.pk), uuid.uuid4(), 1, limits.grant).calls
    pricing.set_price(provider="openai", model="scripted", price_in=Decimal(999), price_out=Decimal(999), currency="USD", by=admin)
    ledger.deliver([(call, llm.complete(requesting.request_of(call)))])
    assert the_call(run).cost == Decimal("0.002")
    assert the_call(run).price.price_in == 10


@pytest.mark.parametrize(
    "fields",
    [
        {"price_in": Decimal("NaN")}, {"price_in": Decimal(-1)}, {"currency": "¥"}, {"currency": "RMBS"}, {"batch_share": Decimal(2)},
        {"provider": "nobody"}, {"model": ""}, {"model": "a\nb"},
    ],
)  # fmt: skip
def test_a_price_that_makes_no_sense_is_refused(admin, fields):
    sane = {"provider": "openai", "model": "m", "price_in": Decimal(1), "price_out": Decimal(2), "currency": "CNY", "by": admin}
    with pytest.raises(Refused):
        pricing.set_price(**sane | fields)


def test_cached_tokens_and_batches_cost_less():
    price = pricing.Price(price_in=Decimal(10), price_out=Decimal(20), price_cached=Decimal(1), currency="CNY", batch_share=Decimal("0.5"))
    assert pricing.cost(price, 1_000_000, 0) == 10
    assert pricing.cost(price, 1_000_000, 0, cached=1_000_000) == 1
    assert pricing.cost(price, 1_000_000, 1_000_000, batch=True) == 15
    assert pricing.cost(None, 1, 1) is None
    assert pricing.cost(price, None, 1) is None


def test_a_busy_provider_slows_down_another_run_too(provider, admin, monkeypatch):
    monkeypatch.setattr(drafting_work, "BEAT", 0.2)
    provider.script = [error(429, "rate_limit_exceeded", **{"Retry-After": "3"})]
    first, second = drafting.order(source_with(1), by=admin), drafting.order(source_with(1), by=admin)
    drafting.work_off(first.pk)
    began = time.monotonic()
    assert work(second).state == "succeeded"
    assert time.monotonic() - began > 1.0
