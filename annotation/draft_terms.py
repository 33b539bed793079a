"""The terms of an order: what may be asked for, and why an act on drafts is refused."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from sources.models import Reply, Source

from . import llm

MAX_CANDIDATES = 4
SENT = {"max_tokens", "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort"}
PRICED = {"price_in", "price_out", "currency"}
DEFAULTS = {"max_tokens": 2048}


class Refused(Exception):
    """The act is not possible now, for a reason that a person can mend. `code` is stable, the message is for reading."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class StaleState(Refused):
    """The row is not in the state that the act starts from."""

    def __init__(self, message: str) -> None:
        super().__init__("wrong_state", message)


def check(source: Source, *, models: list[str] | None, candidates: int, limit: int | None) -> list[str]:
    """The models to ask. Raises Refused when the order cannot be."""
    if source.reply != Reply.MODEL:
        raise Refused("own_answers", _("This source answers for itself: its pairs need no drafts."))
    models = list(dict.fromkeys(name.strip() for name in models or [settings.OPENAI_MODEL] if name.strip()))
    if not llm.is_configured() or not models:
        raise Refused("no_provider", _("No model is set up. Set OPENAI_API_KEY (or OPENAI_BASE_URL) and OPENAI_MODEL, and start again."))
    if max(map(len, models)) > 128 or len(models) > 8 or not 1 <= candidates <= MAX_CANDIDATES or (limit is not None and limit < 1):
        raise Refused("bad_order", _("At most 8 models, 1 to 4 candidates, and a limit of 1 or more."))
    return models


def checked_params(params: dict[str, Any], budget: Decimal | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What is sent with each call, and the prices, which are not. Raises Refused."""
    if unknown := sorted(set(params) - SENT - PRICED):
        raise Refused("bad_params", _("Unknown parameters: %(names)s.") % {"names": ", ".join(unknown)[:200]})
    sent = {**DEFAULTS, **{name: value for name, value in params.items() if name in SENT and value is not None}}
    if not isinstance(sent["max_tokens"], int) or not 1 <= sent["max_tokens"] <= 32_768:
        raise Refused("bad_params", _("max_tokens is a number from 1 to 32768."))
    if not all(isinstance(v, int | float) or (isinstance(v, str) and len(v) <= 16) for v in sent.values()):
        raise Refused("bad_params", _("The parameters are numbers."))
    priced = {name: str(params[name]) for name in PRICED if params.get(name) not in (None, "")}
    try:
        bad = any(not 0 <= Decimal(priced[name]) <= 1_000_000 for name in ("price_in", "price_out") if name in priced)
    except InvalidOperation:
        bad = True
    if bad or len(priced.get("currency", "")) > 3 or ("price_in" in priced) != ("price_out" in priced):
        raise Refused("bad_price", _("A price is two amounts per million tokens, in and out, and a currency of three letters."))
    if budget is not None and "price_in" not in priced:
        raise Refused("price_unknown", _("A budget needs a price: give what a million tokens cost, in and out."))
    if budget is not None and not 0 < budget < 1_000_000:
        raise Refused("bad_price", _("The budget is an amount above 0."))
    return sent, priced
