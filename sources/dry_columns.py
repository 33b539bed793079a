"""What the first rows of a file tell about its columns, and which values of a mapped column say nothing. Pure."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from .importers import PERSONAL, Importer, PostData, Rejected
from .importers.generic import NAMES, Generic
from .readers import Row
from .rows import BadRow

MOST = 60  # columns that are listed
EXAMPLE = 80  # characters
MEASURED = {"votes": "votes", "posted_at": "posted_at", "url": "url"}  # mapped columns whose values may be unreadable -> of PostData
Found = Sequence[tuple[Row, PostData | BadRow]]


def columns_of(sample: Sequence[Mapping[str, Any]], importer: Importer | None = None) -> list[dict[str, str]]:
    """Each column with its first value, and the field of a post that `importer` reads from it, as far as can be seen."""
    names = list(dict.fromkeys(key for row in sample for key in row))[:MOST]
    fields = _fields(sample, importer) if importer else {}
    people = {name for name in names if name in PERSONAL or fields.get(name) == "author"}
    return [{"name": name, "example": _example(name, sample, people), "field": fields.get(name, "")} for name in names]


def _example(name: str, sample: Iterable[Mapping[str, Any]], people: Container[str] = ()) -> str:
    value = next((row[name] for row in sample if row.get(name) not in (None, "", [], {})), "")
    if name in people and value != "":
        return "…"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split())[:EXAMPLE]


def _fields(sample: Sequence[Mapping[str, Any]], importer: Importer) -> dict[str, str]:
    """column -> field. A mapping says it; what a platform's importer reads from where is seen by its first rows."""
    if isinstance(importer, Generic):
        return {column: field for field in reversed(NAMES) for column in _first(importer, field, sample)}
    seen: dict[str, str] = {}
    for row in sample[:10]:
        try:
            post = importer.read(row)
        except (Rejected, ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            continue
        for field, value in _values(post):
            column = next((key for key in row if key not in seen and _is_from(value, row[key])), None)
            if column is not None and field not in seen.values():
                seen[column] = field
    return seen


def _first(importer: Generic, field: str, sample: Sequence[Mapping[str, Any]]) -> list[str]:
    return [column for column in importer.columns(field) if any(column in row for row in sample)][:1]


def _values(post: PostData) -> list[tuple[str, str]]:
    pairs = [("title", post.title), ("body", post.body), ("answer", post.answer), ("url", post.url), ("id", post.external_id)]
    votes = [] if post.votes is None else [("votes", str(post.votes))]
    return [(field, value) for field, value in [*pairs, *votes, ("author", post.author)] if value]


def _is_from(value: str, raw: Any) -> bool:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return False
    text = str(raw).strip()
    return text == value or (len(value) > 4 and len(text) > 4 and (value.startswith(text[:40]) or text.endswith(value)))


def unread_of(importer: Importer, found: Found) -> dict[str, list[Any]]:
    """Of mapped columns: in how many rows a value was there that could not be read as what it should be, and one of them."""
    if not isinstance(importer, Generic) or not importer.mapping:
        return {}
    unread: dict[str, list[Any]] = {}
    for row, data in found:
        if isinstance(data, BadRow) or not isinstance(row.value, dict):
            continue
        for field, attribute in MEASURED.items():
            value = row.value.get(importer.mapping.get(field, ""))
            if value not in (None, "") and getattr(data, attribute) in (None, ""):
                count, example = unread.get(field, [0, _example("", [{"": value}])])
                unread[field] = [count + 1, example]
    return unread
