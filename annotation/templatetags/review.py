"""Texts and times as the review page shows them."""

import uuid
from datetime import datetime
from urllib.parse import urlsplit

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotation import rendering
from annotation.models import Reason

register = template.Library()
MARKS = {
    "tieba": "吧",
    "zhihu": "知",
    "xiaohongshu": "书",
    "douban": "豆",
    "baike": "百",
    "exam": "考",
    "wikihow": "W",
    "segmentfault": "S",
}


@register.simple_tag
def fresh_id() -> str:
    """A key for one act: the form sent twice does it once."""
    return str(uuid.uuid4())


@register.filter
def prose(text: str) -> SafeString:
    return rendering.prose(text)


@register.filter
def plain(text: str) -> SafeString:
    return rendering.plain(text)


@register.filter
def short(text: str, most: int) -> str:
    """At most so many characters of it. (Django's own looks at each character of a text for marks that combine.)"""
    return text if len(text) <= most else f"{text[: most - 1]}…"


@register.filter
def lang_of(text: str) -> str:
    return rendering.lang_of(text)


@register.filter
def reason(code: str) -> str:
    return str(Reason(code).label) if code in Reason.values else code


@register.filter
def mark_of(platform: str) -> str:
    return MARKS.get(platform, "文")


@register.filter
def web_address(url: str) -> str:
    """The address if it is one that may be a link, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


@register.filter
def ago(at: datetime) -> str:
    """How long since, in one short word."""
    seconds = max(0, int((timezone.now() - at).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@register.filter
def when(at: datetime) -> str:
    """The hour today, else the day."""
    days = (timezone.localdate() - timezone.localtime(at).date()).days
    if days == 0:
        return timezone.localtime(at).strftime("%H:%M")
    return _("yesterday") if days == 1 else timezone.localtime(at).strftime("%m-%d") if days < 300 else date_format(at, "Y-m-d")


@register.filter
def clock(seconds: float) -> str:
    """Seconds as 9:32."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}"
