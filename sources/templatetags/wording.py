"""Codes in templates: `{{ row.reason|row_reason }}`, `{{ post.drop_reason|post_reason }}`, `{{ screen|screen_words }}`."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sources import dry_wording, invisible, wording
from sources.models import TextList

register = template.Library()
register.filter("row_reason", wording.row_reason)
register.filter("post_reason", wording.post_reason)
register.filter("post_field", wording.post_field)


@register.filter
def marked(text: object) -> SafeString:
    """A stranger's text, escaped, with the characters that hide or turn it shown as marks."""
    pieces = enumerate(invisible.split(str(text)))
    return format_html_join(
        "", "{}", ((format_html('<span class="inv">{}</span>', invisible.name_of(p)) if n % 2 else escape(p),) for n, p in pieces)
    )


@register.filter
def screen_words(screen: Mapping[str, Any]) -> str:
    """A screen and its settings in words; of a screen that this does not know, its name and settings as they are."""
    name = str(screen.get("screen", ""))
    low, high = screen.get("min"), screen.get("max")
    if name == "votes":
        words = _("At least %(min)s votes") % {"min": low}
    elif name == "length":
        limits = {"field": wording.field_name(str(screen.get("field", "title"))), "min": low or 0, "max": high}
        words = _("%(field)s: at least %(min)s characters") if high is None else _("%(field)s: %(min)s to %(max)s characters")
        words %= limits
    elif name in wording.SCREENS:
        words = " · ".join([wording.screen_name(name), *_settings(screen)])
    else:
        words = " ".join(f"{key} {value}" for key, value in screen.items())
    return _("%(screen)s (off)") % {"screen": words} if screen.get("off") else words


@register.filter
def lost_reason(reason: str, show: str) -> str:
    """Why rows of a dry run get lost, of one of its groups."""
    return dry_wording.row_reason("rejected" if show == "no_post" else "dropped", reason)


@register.filter
def time_left(left: timedelta) -> str:
    """Roughly how long: seconds, minutes, hours."""
    seconds = int(left.total_seconds())
    if seconds < 90:
        return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}
    minutes = round(seconds / 60)
    if minutes < 90:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    return ngettext("%(n)s hour", "%(n)s hours", round(minutes / 60)) % {"n": round(minutes / 60)}


def _settings(screen: Mapping[str, Any]) -> Iterator[str]:
    for key, value in screen.items():
        if key in ("screen", "off") or value in (None, False):
            continue
        if key == "field":
            yield wording.field_name(str(value))
        elif key == "list":
            yield next((f"“{name}”" for name in TextList.objects.filter(pk=value).values_list("name", flat=True)), "?")
        elif isinstance(value, list):
            yield _("%(n)s lines") % {"n": len(value)}
        else:
            yield wording.setting_name(key) if value is True else f"{wording.setting_name(key)} {value}"
