"""Money, shares and words of drafting in templates."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils.translation import gettext as _

from annotation import draft_wording
from annotation.draft_progress import failure_text
from annotation.models import Reason

register = template.Library()
SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}
NBSP = "\u00a0"


@register.filter
def amount(value: Decimal | float | str | None, currency: str = "") -> str:
    """An amount with its currency: ¥1,234.50, $0.0031, AUD 2.00; one of no known currency stands alone."""
    if value is None or value == "":
        return _("unknown")
    number = Decimal(str(value))
    text = f"{number:,.2f}" if abs(number) >= 1 or not number else _small(number)
    return f"{SIGNS[currency]}{text}" if currency in SIGNS else f"{currency}{NBSP}{text}" if currency else text


def _small(number: Decimal) -> str:
    """Less than 1: two significant digits at the least, no zeros behind the cents."""
    text = f"{number:.4f}"
    text = text if Decimal(text) else f"{number:.6f}"
    whole, cents = text.split(".")
    return f"{whole}.{cents.rstrip('0'):0<2}"


@register.filter
def money(amounts: Mapping[str, Decimal] | None) -> str:
    """Amounts of several currencies: they are never added up. Nothing at all is unknown, which is not 0."""
    return " + ".join(amount(value, currency) for currency, value in sorted(amounts.items())) if amounts else _("unknown")


@register.filter
def share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}%"


@register.filter
def failure(code: str) -> Any:
    return failure_text(code)


@register.filter
def advice(code: str) -> Any:
    """What a person can do about calls that ended so."""
    return draft_wording.ADVICE.get(code, draft_wording.LOOK)


@register.filter
def reason_label(code: str) -> Any:
    return Reason(code).label if code in Reason.values else code


@register.filter
def span(seconds: float | None) -> str:
    """A time that something takes, in the two largest units."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return _("%(s)s s") % {"s": whole}
    minutes = round(whole / 60)
    if minutes < 60:
        return _("%(m)s min") % {"m": minutes}
    return _("%(h)s h %(m)s min") % {"h": minutes // 60, "m": minutes % 60}


@register.filter
def compared(truth: float | Decimal | None, guess: float | Decimal | None) -> str:
    """The truth beside its estimate: +12 %, −40 %."""
    if truth is None or not guess:
        return ""
    off = round(100 * (float(truth) / float(guess) - 1))
    return f"+{off}%" if off > 0 else f"−{-off}%" if off else "±0%"
