"""Rows of the ledger for tests of the numbers made from it."""

import hashlib
import itertools
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from annotation.models import Draft, DraftRun, ModelCall, Pair, Price, PromptVersion
from sources.models import Source
from tests.builders import make_pair, make_review, make_source

_numbers = itertools.count(1)
WHEN = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


def make_prompt(name: str = "", text: str = "", **fields: Any) -> PromptVersion:
    n = next(_numbers)
    fields = {"sha256": hashlib.sha256(f"{n}{text}".encode()).hexdigest(), "number": 1000 + n, **fields}
    known = {field.name for field in PromptVersion._meta.get_fields()}
    return PromptVersion.objects.create(
        name=name or f"reply_{n:04}", text=text or f"写法 {n}", **{k: v for k, v in fields.items() if k in known}
    )


def make_price(currency: str = "CNY", model: str = "m-1", **fields: Any) -> Price:
    amounts = {"price_in": Decimal(2), "price_out": Decimal(8), "valid_from": WHEN, **fields}
    return Price.objects.create(provider="openai", model=model, currency=currency, **amounts)


def make_draft_run(source: Source | None = None, prompt: PromptVersion | None = None, **fields: Any) -> DraftRun:
    fields = {"state": "succeeded", "currency": "CNY", "model_names": ["m-1"], **fields}
    return DraftRun.objects.create(source=source or make_source(), prompt=prompt or make_prompt(), **fields)


def make_call(run: DraftRun, pair: Pair | None = None, *, state: str = "done", draft: str = "", **fields: Any) -> ModelCall:
    """A call of `run`; with `draft`, its reply was good and became one."""
    pair = pair or make_pair(run.source, status="drafting")
    fields = {
        "model": run.model_names[0], "prompt": run.prompt, "key": uuid.uuid4().hex, "sent_at": None if state == "queued" else WHEN,
        "tokens_in": 100, "tokens_out": 50, **fields,
    }  # fmt: skip
    if run.currency and "price" not in fields:
        fields["price"] = make_price(run.currency, fields["model"])
    if draft:
        fields["outcome"] = "ok"
    call = ModelCall.objects.create(run=run, pair=pair, state=state, **fields)
    if draft:
        Draft.objects.create(pair=pair, number=pair.drafts.count() + 1, call=call, model=call.model, output=draft)
    return call


def decided(
    run: DraftRun, by: Any, verdict: str, *, output: str = "原稿一共八个字", edited: str = "", cost: str | None = "0.01", **fields: Any
) -> Pair:
    """A pair of one draft, decided on."""
    pair = make_pair(run.source, status="pending", output=output)
    call = make_call(run, pair, draft=output, cost=None if cost is None else Decimal(cost))
    reasons = fields.pop("reasons", ["off_topic"])
    review = make_review(
        pair, by=by, verdict=verdict, draft=call.draft, output=edited or output, reasons=reasons if verdict == "reject" else [], **fields
    )
    status = "rejected" if verdict == "reject" else "accepted"
    Pair.objects.filter(pk=pair.pk).update(status=status, decision=review, output=edited or output)
    pair.refresh_from_db()
    return pair
