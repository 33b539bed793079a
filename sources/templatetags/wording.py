"""Codes in templates: `{{ row.reason|row_reason }}`, `{{ post.drop_reason|post_reason }}`, `{{ screen|screen_words }}`."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext as _

from sources import wording

register = template.Library()
register.filter("row_reason", wording.row_reason)
register.filter("post_reason", wording.post_reason)


@register.filter
def screen_words(screen: Mapping[str, Any]) -> str:
    """A screen and its settings in words; of a screen that this does not know, its name and settings as they are."""
    low, high = screen.get("min"), screen.get("max")
    match screen.get("screen"):
        case "duplicate":
            return _("No duplicates of earlier posts")
        case "votes":
            return _("At least %(min)s votes") % {"min": low}
        case "length":
            fields = {"title": _("Title"), "body": _("Body"), "answer": _("Answer")}
            field = fields.get(screen.get("field", "title"), screen.get("field"))
            if high is None:
                return _("%(field)s: at least %(min)s characters") % {"field": field, "min": low or 0}
            return _("%(field)s: %(min)s to %(max)s characters") % {"field": field, "min": low or 0, "max": high}
    return " ".join(f"{key} {value}" for key, value in screen.items())
