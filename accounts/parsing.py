"""JSON as the API takes it: strict, and of a size."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

LARGEST = 5 * 1024 * 1024  # bytes; files are not sent as JSON
DEEPEST = 64


class TooLarge(APIException):
    status_code, default_code = 413, "too_large"
    default_detail = _("The body is larger than what is taken here.")


class Json(JSONParser):
    """Strict, unlike Python's own: no NaN, no half of a surrogate pair, no bytes that are not UTF-8, and depth is an error of
    whoever sent it, not of ours. (U+0000, which PostgreSQL has no text with, is for the fields to refuse.)"""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise TooLarge(gettext("A request as JSON has at most %(n)s MB.") % {"n": LARGEST // 2**20})
        try:
            said = orjson.loads(body)
        except ValueError as error:
            raise ParseError(gettext("This is not JSON: %(error)s.") % {"error": str(error)[:200]}) from None
        if _is_deep(said):
            raise ParseError(gettext("This is nested deeper than %(n)s levels.") % {"n": DEEPEST})
        return said


def _is_deep(said: Any) -> bool:
    level = [said]
    for _level in range(DEEPEST):
        level = [
            below for value in level if isinstance(value, dict | list) for below in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True
