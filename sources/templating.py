"""What a source's templates make of a post. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_PART = re.compile(r"\{\{|\}\}|\{(title|body|answer)\}")
_BRACES = {"{{": "{", "}}": "}"}


def fill(template: str, fields: Mapping[str, Any]) -> str:
    """The template over a post's fields, in one pass: braces inside a post are text. Unknown fields stay as they are."""
    return _PART.sub(lambda match: str(fields[match[1]]) if match[1] else _BRACES[match[0]], template).strip()


def instruction_of(templates: Sequence[Any], row: int, fields: Mapping[str, Any]) -> str:
    """The instruction of the post that was row `row` (from 1): templates are used in turn; where one yields nothing, the title, or the
    body."""
    usable = [template for template in templates if isinstance(template, str)] or ["{title}"]
    return fill(usable[(row - 1) % len(usable)], fields) or str(fields["title"]).strip() or str(fields["body"]).strip()
