"""Cells of the team's tables."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import floatformat
from django.utils.formats import date_format

from .drafts import money, share

register = template.Library()


@register.filter
def cell(value: Any, kind: str) -> str:
    """A value as its column's kind shows it; what is not known is a dash, not 0."""
    if value is None or value == {}:
        return "–"
    if kind == "date" and isinstance(value, date):
        return date_format(value, "Y-m-d")
    if kind == "count":
        return intcomma(value, False)
    if kind == "number":
        return str(floatformat(value, "-1"))
    return share(value) if kind == "share" else money(value) if kind == "money" else str(value)
