"""The terms of an order: what may be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from sources.models import Reply, Source

from . import pricing, providers
from .models import DraftRun, Price, Purpose
from .refusals import Refused, StaleState

__all__ = ["MAX_CANDIDATES", "Order", "Refused", "StaleState", "Terms", "check"]

MAX_CANDIDATES = 4
MAX_MODELS = 8
SENT = {"max_tokens", "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort"}
PRICED = {"price_in", "price_out", "currency"}  # a price told with the order goes into the price list
DEFAULTS = {Purpose.DRAFT: {"max_tokens": 2048}, Purpose.SCORE: {"max_tokens": 512, "temperature": 0}}


@dataclass(frozen=True)
class Order:
    """What is asked for, as it came. `posts` narrows it to the pairs of these posts; `pending` adds further candidates to
    pairs that wait for review; `retry_failed` asks again where replies were no good."""

    prompt: str | None = None
    models: list[str] | None = None
    candidates: int = 1
    limit: int | None = None
    budget: Decimal | None = None
    params: dict[str, Any] = field(default_factory=dict)
    retry_failed: bool = False
    pending: bool = False
    posts: list[int] | None = None
    mode: str = DraftRun.Mode.NOW
    auto_release: int = 0
    note: str = ""
    purpose: str = Purpose.DRAFT


@dataclass(frozen=True)
class Terms:
    """What was found of it: the models as (provider, model), what is sent with each call, and each model's price or None."""

    models: list[tuple[str, str]]
    sent: dict[str, Any]
    prices: dict[tuple[str, str], Price | None]

    @property
    def refs(self) -> list[str]:
        return [providers.ref(*named) for named in self.models]

    @property
    def currency(self) -> str:
        """That of all prices, or empty."""
        found = {price.currency if price else "" for price in self.prices.values()}
        return found.pop() if len(found) == 1 else ""


def check(source: Source, order: Order) -> Terms:
    """Raises Refused when the order cannot be."""
    if order.purpose == Purpose.DRAFT and source.reply != Reply.MODEL:
        raise Refused("own_answers", _("This source answers for itself: its pairs need no drafts."))
    models = _models(order)
    if len(models) > MAX_MODELS or not 1 <= order.candidates <= MAX_CANDIDATES or (order.limit is not None and order.limit < 1):
        raise Refused("bad_order", _("At most 8 models, 1 to 4 candidates, and a limit of 1 or more."))
    if order.mode not in DraftRun.Mode.values or not 0 <= order.auto_release <= 1_000_000:
        raise Refused("bad_order", _("A run goes now or as a batch, and releases 0 or more calls by itself."))
    sent = _sent(order)
    given = _given_price(order.params)
    terms = Terms(models, sent, {named: _price(named, given) for named in models})
    if order.budget is not None:
        _check_budget(order.budget, terms)
    return terms


def _models(order: Order) -> list[tuple[str, str]]:
    asked = [name.strip() for name in order.models or [settings.OPENAI_MODEL] if name.strip()]
    if not asked or not providers.is_configured():
        raise Refused("no_provider", _("No model is set up. Set OPENAI_API_KEY (or OPENAI_BASE_URL) and OPENAI_MODEL, and start again."))
    if max(map(len, asked)) > 160:
        raise Refused("bad_order", _("At most 8 models, 1 to 4 candidates, and a limit of 1 or more."))
    models = list(dict.fromkeys(providers.split(name) for name in asked))
    for provider, model in models:
        pricing.checked_model(provider, model)
        if not providers.named(provider).is_usable:
            missing = {"provider": provider, "key": providers.named(provider).key_name}
            raise Refused("no_provider", _("%(provider)s has no key. Set %(key)s, and start again.") % missing)
    return models


def _sent(order: Order) -> dict[str, Any]:
    if unknown := sorted(set(order.params) - SENT - PRICED):
        raise Refused("bad_params", _("Unknown parameters: %(names)s.") % {"names": ", ".join(unknown)[:200]})
    given = {name: value for name, value in order.params.items() if name in SENT and value is not None}
    sent: dict[str, Any] = {**DEFAULTS[Purpose(order.purpose)], **given}
    if not isinstance(sent["max_tokens"], int) or not 1 <= sent["max_tokens"] <= 32_768:
        raise Refused("bad_params", _("max_tokens is a number from 1 to 32768."))
    if not all(isinstance(v, int | float) or (isinstance(v, str) and len(v) <= 16) for v in sent.values()):
        raise Refused("bad_params", _("The parameters are numbers."))
    return sent


def _given_price(params: dict[str, Any]) -> Price | None:
    priced = {name: str(params[name]) for name in PRICED if params.get(name) not in (None, "")}
    if not priced.keys() & {"price_in", "price_out"}:
        return None
    try:
        amounts = [Decimal(priced[name]) for name in ("price_in", "price_out")]
    except (KeyError, InvalidOperation):
        amounts = []
    currency = priced.get("currency", "CNY").upper()
    if not amounts or not all(amount.is_finite() and 0 <= amount <= 1_000_000 for amount in amounts) or len(currency) != 3:
        raise Refused("bad_price", _("A price is two amounts per million tokens, in and out, and a currency of three letters."))
    return Price(price_in=amounts[0], price_out=amounts[1], currency=currency, valid_from=timezone.now())


def _price(named: tuple[str, str], given: Price | None) -> Price | None:
    """The price in force, or the one that came with the order: not written yet."""
    found = pricing.current(*named)
    if given is None or (found and all(getattr(found, name) == getattr(given, name) for name in PRICED)):
        return found
    values = {name: getattr(given, name) for name in (*PRICED, "valid_from")}
    return Price(provider=named[0], model=named[1], **values)


def _check_budget(budget: Decimal, terms: Terms) -> None:
    if not budget.is_finite() or not 0 < budget < 1_000_000:
        raise Refused("bad_price", _("The budget is an amount above 0."))
    if unknown := [providers.ref(*named) for named, price in terms.prices.items() if price is None]:
        raise Refused("price_unknown", _("A budget needs a price: give what a million tokens of %(models)s cost, in and out.")
                      % {"models": ", ".join(unknown)})  # fmt: skip
    if not terms.currency:
        raise Refused("currencies_differ", _("A budget needs one currency: the prices of these models are in several."))
