"""What an order would come to, before it is made: calls, tokens, money, time. An estimate says that it is one.

Nobody's tokenizer is at hand, so a character is counted as a token and a reply as REPLY_TOKENS, until the model has answered
often enough: then its own replies say how many tokens a character is, how long a reply, and how many seconds it takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg
from django.db.models.functions import Length

from sources.models import Post, Source

from . import pricing
from .draft_terms import Order, Terms
from .models import DraftRun, ModelCall, Pair, PromptVersion, Purpose, RateLimit
from .pairing import waiting_posts

REPLY_TOKENS = {Purpose.DRAFT: 300, Purpose.SCORE: 80}
SECONDS = 6.0  # for a reply
FRAME = 200  # characters around the material
ENOUGH, SAMPLE = 20, 300  # replies to learn from
AT_ONCE = 64  # calls in flight


@dataclass(frozen=True)
class Habits:
    """Of a model, as its replies have shown them."""

    tokens_a_character: float = 1.0
    tokens_out: float = 300.0
    seconds: float = SECONDS
    replies: int = 0


def habits(provider: str, model: str, purpose: str) -> Habits:
    asked = ModelCall.objects.filter(provider=provider, model=model, purpose=purpose, state=ModelCall.State.DONE)
    seen = asked.exclude(tokens_in=None).exclude(tokens_out=None).select_related("prompt", "run").defer("raw").order_by("-id")[:SAMPLE]
    calls = list(seen)
    if len(calls) < ENOUGH:
        return Habits(tokens_out=float(REPLY_TOKENS[Purpose(purpose)]), replies=len(calls))
    sent = sum(FRAME + len(call.prompt.text) + len(call.run.system_prompt if call.run else "") + _length(call.material) for call in calls)
    waits = [call.latency_ms for call in calls if call.latency_ms and call.batch_id is None]
    return Habits(
        tokens_a_character=sum(call.tokens_in or 0 for call in calls) / sent,
        tokens_out=sum(call.tokens_out or 0 for call in calls) / len(calls),
        seconds=sum(waits) / len(waits) / 1000 if waits else SECONDS,
        replies=len(calls),
    )


def estimate(source: Source, *, pairs: int, wish: Order, terms: Terms, prompt: PromptVersion) -> dict[str, Any]:
    """{calls, tokens_in, tokens_out, tokens, cost, currency, seconds, learned_from, is_estimate}. `cost` and `currency` are None
    and empty while a price is unknown or the currencies differ; `seconds` is None for a batch, which takes up to a day."""
    characters = FRAME + len(prompt.text) + len(source.system_prompt) + len(wish.note) + _usual(source, wish)
    tokens_in = tokens_out = learned = 0
    cost, seconds = Decimal(0) if terms.currency else None, 0.0
    each = pairs * wish.candidates
    for provider, model in terms.models:
        known = habits(provider, model, wish.purpose)
        sent, back = math.ceil(each * characters * known.tokens_a_character), math.ceil(each * known.tokens_out)
        price = pricing.cost(terms.prices[provider, model], sent, back, batch=wish.mode == DraftRun.Mode.BATCH)
        cost = None if cost is None or price is None else cost + price
        seconds = max(seconds, _seconds(provider, model, each, sent + back, known))
        tokens_in, tokens_out, learned = tokens_in + sent, tokens_out + back, learned + known.replies
    return {
        "calls": each * len(terms.models), "tokens_in": tokens_in, "tokens_out": tokens_out, "tokens": tokens_in + tokens_out,
        "cost": cost, "currency": terms.currency, "seconds": None if wish.mode == DraftRun.Mode.BATCH else math.ceil(seconds),
        "learned_from": learned, "is_estimate": True,
    }  # fmt: skip


def written(foreseen: dict[str, Any]) -> dict[str, Any]:
    """An estimate as JSON keeps it."""
    return {**foreseen, "cost": None if foreseen["cost"] is None else str(foreseen["cost"])}


def _seconds(provider: str, model: str, calls: int, tokens: int, known: Habits) -> float:
    limit = RateLimit.objects.filter(provider=provider, model=model).first()
    bounds = [known.seconds * math.ceil(calls / AT_ONCE)]
    if limit and limit.requests_per_minute:
        bounds.append(60 * calls / limit.requests_per_minute)
    if limit and limit.tokens_per_minute:
        bounds.append(60 * tokens / limit.tokens_per_minute)
    return max(bounds)


def _usual(source: Source, wish: Order) -> float:
    """Characters of a usual text that would be sent, from those that wait (pairs, or posts without one)."""
    pairs = Pair.objects.filter(source=source).annotate(length=Length("instruction") + Length("input") + Length("hint"))
    usual = pairs.order_by("-id")[:SAMPLE].aggregate(usual=Avg("length"))["usual"]
    if usual and wish.purpose == Purpose.DRAFT:
        return float(usual)
    posts = Post.objects.filter(source=source) if wish.purpose == Purpose.SCORE else waiting_posts(source)
    texts = posts.annotate(length=Length("title") + Length("body") + Length("answer"))
    return float(texts.order_by("-id")[:SAMPLE].aggregate(usual=Avg("length"))["usual"] or 40)


def _length(material: dict[str, Any]) -> int:
    return sum(len(text) for text in material.values() if isinstance(text, str))
