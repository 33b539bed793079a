"""What models cost and how much of them may be used: the price list, the limits and the caps that admins keep.

A price is never changed: `set_price` writes the next version. A model that has none costs something unknown, which is not 0.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User
from sources.models import Source

from . import providers
from .models import Cap, ModelCall, Price, RateLimit
from .refusals import Refused

MILLION = Decimal(1_000_000)
UNIT = Decimal("0.000001")  # costs are kept to this, rounded up
MOST = 1_000_000


def current(provider: str, model: str, at: datetime | None = None) -> Price | None:
    """The version in force (at `at`; now). None: the price is unknown."""
    versions = Price.objects.filter(provider=provider, model=model, valid_from__lte=at or timezone.now())
    return versions.order_by("-valid_from", "-id").first()


def cost(
    price: Price | None, tokens_in: int | None, tokens_out: int | None, *, cached: int | None = None, batch: bool = False
) -> Decimal | None:
    """What so many tokens cost, rounded up to a millionth. None: unknown, which is not 0. `cached` is a part of `tokens_in`."""
    if price is None or tokens_in is None or tokens_out is None:
        return None
    cheap = min(cached or 0, tokens_in) if price.price_cached is not None else 0
    total = price.price_in * (tokens_in - cheap) + (price.price_cached or 0) * cheap + price.price_out * tokens_out
    return (total * (price.batch_share if batch else 1) / MILLION).quantize(UNIT, rounding="ROUND_UP")


def set_price(
    *, provider: str, model: str, price_in: Decimal, price_out: Decimal, currency: str, by: User | None,
    price_cached: Decimal | None = None, batch_share: Decimal | None = None, valid_from: datetime | None = None,
) -> Price:  # fmt: skip
    """The next version of a model's price per million tokens, from now or from `valid_from` on. Said again unchanged, it is
    the version that is there. Raises Refused("bad_price")."""
    named = checked_model(provider, model)
    amounts = [price_in, price_out, *([price_cached] if price_cached is not None else [])]
    if not all(amount.is_finite() and 0 <= amount <= MOST for amount in amounts):
        raise Refused("bad_price", _("A price is an amount per million tokens: 0 or more, for input and for output."))
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise Refused("bad_price", _("A currency has three letters, e.g. CNY or USD."))
    share = Decimal("0.5") if batch_share is None else batch_share
    if not (share.is_finite() and 0 <= share <= 1):
        raise Refused("bad_price", _("The share that a batch costs is a number from 0 to 1."))
    said: dict[str, Any] = {
        "price_in": price_in, "price_out": price_out, "price_cached": price_cached, "batch_share": share, "currency": currency.upper(),
    }  # fmt: skip
    last = current(*named)
    if last and valid_from is None and all(getattr(last, name) == value for name, value in said.items()):
        return last
    with transaction.atomic():
        made = Price.objects.create(provider=named[0], model=named[1], by=by, valid_from=valid_from or timezone.now(), **said)
        _audit("price_set", f"{provider}:{model}", by, {name: None if value is None else str(value) for name, value in said.items()})
    return made


def set_limits(*, provider: str, model: str, requests_per_minute: int | None, tokens_per_minute: int | None, by: User | None) -> RateLimit:
    """How much all workers together may ask a model a minute; None: as much as it takes. In force within seconds.

    Raises Refused("bad_limit").
    """
    named = checked_model(provider, model)
    if any(value is not None and not 1 <= value <= 2_000_000_000 for value in (requests_per_minute, tokens_per_minute)):
        raise Refused("bad_limit", _("A limit is a number of 1 or more; leave it empty for none."))
    said = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute}
    with transaction.atomic():
        limit, _made = RateLimit.objects.update_or_create(provider=named[0], model=named[1], defaults={**said, "by": by})
        _audit("limits_set", f"{provider}:{model}", by, said)
    return limit


def set_cap(*, per: str, currency: str, amount: Decimal | None, by: User | None, source: Source | None = None) -> Cap | None:
    """The most that may be spent in `currency` per `day` or `ever`, on `source` or (None) on all of them; None as the amount
    takes the cap away. What was spent before counts. Raises Refused("bad_cap")."""
    currency = currency.upper()
    if per not in Cap.Per.values or not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise Refused("bad_cap", _("A cap is an amount a day or in all, in a currency of three letters, e.g. CNY."))
    if amount is not None and not (amount.is_finite() and 0 <= amount < MOST):
        raise Refused("bad_cap", _("A cap is an amount of 0 or more."))
    subject = f"{source.slug if source else 'all'} {per} {currency}"
    with transaction.atomic():
        _audit("cap_set", subject, by, {"amount": None if amount is None else str(amount)})
        if amount is None:
            Cap.objects.filter(source=source, per=per, currency=currency).delete()
            return None
        return Cap.objects.update_or_create(source=source, per=per, currency=currency, defaults={"amount": amount, "by": by})[0]


def models_in_use(within: timedelta = timedelta(days=90)) -> list[dict[str, Any]]:
    """The models that an admin would look for in a price list: with a price, with limits, or asked of late; each
    {provider, model, price (in force, or None), limits (or None), calls}."""
    names = {(p, m): 0 for rows in (Price, RateLimit) for p, m in rows.objects.order_by().values_list("provider", "model").distinct()}
    asked = ModelCall.objects.filter(created_at__gt=timezone.now() - within).order_by().values_list("provider", "model")
    names |= {(p, m): calls for p, m, calls in asked.annotate(calls=Count("pk"))}
    limits = {(limit.provider, limit.model): limit for limit in RateLimit.objects.all()}
    return [
        {"provider": p, "model": m, "price": current(p, m), "limits": limits.get((p, m)), "calls": calls}
        for (p, m), calls in sorted(names.items())
    ]


def checked_model(provider: str, model: str) -> tuple[str, str]:
    """Raises Refused when no provider of this name is set up, or the model's name cannot be one."""
    try:
        providers.named(provider)
    except providers.UnknownProvider:
        known = ", ".join(each.name for each in providers.every())
        raise Refused("unknown_provider", _("There is no provider of this name. There are: %(names)s.") % {"names": known}) from None
    if not model.strip() or len(model) > 128 or not model.isprintable():
        raise Refused("bad_model", _("A model's name has 1 to 128 characters."))
    return provider, model.strip()


def _audit(action: str, subject: str, by: User | None, detail: dict[str, Any]) -> None:
    AuditEntry.objects.create(by=by, action=action, subject=subject[:200], detail=detail)
