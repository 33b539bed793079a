"""One row of a file: what it may hold. Pure. PostgreSQL refuses some of what JSON may say; such a row is named, not mended."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

MAX_ROW = 1024 * 1024  # bytes
MAX_TEXT = 200_000  # characters of one cell
MAX_DEPTH = 64
MAX_COLUMNS = 200
_NAN = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)\b")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be taken, and why."""

    reason: str
    detail: str = ""
    raw: str = ""


def parse(line: bytes) -> dict[str, Any] | BadRow:
    """The JSON object of `line`, or what is wrong with it."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return BadRow(_why(line, str(error)), str(error)[:300], shown(line))
    if isinstance(value, dict) and len(value) <= MAX_COLUMNS and _is_harmless(line):
        return value
    bad = unfit_row(value) if isinstance(value, dict) else BadRow("not_an_object")
    return BadRow(bad.reason, bad.detail, shown(line)) if bad else value


def _is_harmless(line: bytes) -> bool:
    """Whether nothing in it can be unfit: too short for a long text, no escape that writes NUL, too few brackets to be deep.
    (A lone surrogate is none of JSON's characters: the parser has refused it.)"""
    if len(line) > MAX_TEXT or b"\\u0000" in line:
        return False
    is_flat = line.find(b"{", 1) < 0 and b"[" not in line  # found out in a tenth of the time that counting takes
    return is_flat or line.count(b"{") + line.count(b"[") <= MAX_DEPTH


def unfit_row(row: dict[str, Any]) -> BadRow | None:
    """What in `row` the database would refuse, or nobody means."""
    return BadRow("too_many_columns", f"{len(row)} > {MAX_COLUMNS}") if len(row) > MAX_COLUMNS else unfit(row)


def unfit(value: Any, depth: int = 0) -> BadRow | None:
    """What in `value` the database would refuse, if anything."""
    if isinstance(value, str):
        return _unfit_text(value)
    if depth >= MAX_DEPTH:
        return BadRow("too_deep", f"> {MAX_DEPTH}")
    if isinstance(value, dict):
        return next((bad for key, item in value.items() if (bad := unfit(key) or unfit(item, depth + 1))), None)
    if isinstance(value, list):
        return next((bad for item in value if (bad := unfit(item, depth + 1))), None)
    return None


def _unfit_text(text: str) -> BadRow | None:
    if len(text) > MAX_TEXT:
        return BadRow("text_too_long", f"{len(text)} > {MAX_TEXT}")
    if "\0" in text:
        return BadRow("nul_character")
    return BadRow("lone_surrogate") if _SURROGATE.search(text) else None


def _why(line: bytes, error: str) -> str:
    if "infinity" in error or _NAN.search(line):
        return "number_out_of_range"
    if b"\0" in line:
        return "nul_character"
    if "surrogate in" in error:
        return "lone_surrogate"
    return "too_deep" if "depth limit" in error else "bad_json"


def shown(line: bytes) -> str:
    """The beginning of a row as text that the database takes."""
    return line[:4000].decode("utf-8", "replace").replace("\0", "\ufffd")[:2000]
