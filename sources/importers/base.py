"""What an importer is, and how it reads a field. Pure."""

import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, NamedTuple

import orjson

Raw = Mapping[str, Any]
BEIJING = timezone(timedelta(hours=8))
MAX_INT = 2**31 - 1
_NESTED = frozenset({dict, list})
DATES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d %H:%M:%S", "%Y-%m-%d", "%Y/%m/%d")
# Keys that say who wrote a post. They are left out of what is kept of a row, in every importer.
PERSONAL = frozenset({
    "author", "author_name", "author_id", "user", "user_id", "user_name", "username", "user_nickname", "user_link", "user_avatar",
    "user_url_token", "nickname", "avatar", "ip_location", "creator_hash", "sec_uid", "lz", "作者", "用户名", "昵称", "回复人", "引用人",
})  # fmt: skip


class Rejected(Exception):
    """This row becomes no post. `reason` is a code, `detail` names the field or the value."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail[:300]


@dataclass(frozen=True, slots=True)
class PostData:
    """A row as a post. `author` is the name or id as found: whoever stores the post turns it into a pseudonym."""

    external_id: str
    title: str = ""
    body: str = ""
    answer: str = ""
    url: str = ""
    votes: int | None = None
    posted_at: datetime | None = None
    author: str = ""
    question_id: str = ""  # answers to one question share it
    context: tuple[Mapping[str, Any], ...] = ()  # what belongs to a thread beside the post: [{"floor", "text"}]


class Floor(NamedTuple):
    """Where in a thread a row stands, for files that have one row for each floor."""

    thread: str
    number: int  # several rows with one number: the floor, and the replies under it
    author: str


class Importer:
    """Reads the rows of one platform. `shapes` are sets of columns: a file that has all of one of them is this platform's."""

    label: ClassVar[str] = ""  # what the format is called, where that is not the name of a platform
    shapes: ClassVar[tuple[frozenset[str], ...]] = ()
    personal: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, mapping: Mapping[str, str] | None = None) -> None:
        self.mapping = dict(mapping or {})

    def needed(self) -> tuple[frozenset[str], ...]:
        """The sets of columns of which a file must have one."""
        return self.shapes

    def knows(self, row: Raw) -> bool:
        """Whether a row that has the columns is this platform's. For shapes whose columns many files have."""
        return True

    def read(self, row: Raw) -> PostData:
        """Raises Rejected."""
        raise NotImplementedError

    def floor(self, row: Raw) -> Floor | None:
        """Where the row stands in its thread; None when rows are whole posts."""
        return None

    def anonymous(self, row: Raw) -> dict[str, Any]:
        """The row without what says who wrote it: the row itself where nothing does."""
        if self._names.isdisjoint(row) and _NESTED.isdisjoint(map(type, row.values())):
            return row if isinstance(row, dict) else dict(row)
        left: dict[str, Any] = _without(row, self._names)
        return left

    @functools.cached_property
    def _names(self) -> frozenset[str]:
        return PERSONAL | self.personal | {self.mapping.get("author", "")}


def _without(value: Any, keys: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys}
    return [_without(item, keys) for item in value] if isinstance(value, list) else value


def first(row: Raw, *keys: str) -> Any:
    """The value of the first of `keys` that has one."""
    for key in keys:
        value = row.get(key)
        if value is not None and value != "":
            return value
    return None


def text(row: Raw, *keys: str) -> str:
    """The text under the first of `keys` that has one. Raises Rejected for what is no text."""
    value = first(row, *keys)
    if type(value) is str:
        return value
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        value = "\n".join(str(item) for item in value)
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, dict | list):
        raise Rejected("not_a_text", next(key for key in keys if row.get(key) not in (None, "")))
    return str(value)


def number(row: Raw, *keys: str) -> int | None:
    """A count: 519, "519", "1.2万", "10+". None when there is none, or none that can be read. Raises Rejected when it fits no column."""
    value = first(row, *keys)
    if type(value) is int and abs(value) <= MAX_INT:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = re.fullmatch(r"(-?\d{1,15}(?:\.\d{1,9})?(?:e\+?\d{1,2})?)\s*([万亿wWkK千]?)\+?", str(value).replace(",", "").strip())
    if not match:
        if len(str(value)) > 15 and str(value).isdecimal():
            raise Rejected("number_out_of_range", str(value))
        return None
    count = int(float(match[1]) * {"万": 10**4, "w": 10**4, "W": 10**4, "亿": 10**8, "k": 1000, "K": 1000, "千": 1000}.get(match[2], 1))
    if abs(count) > MAX_INT:
        raise Rejected("number_out_of_range", str(value))
    return count


def when(row: Raw, *keys: str) -> datetime | None:
    """A moment: epoch seconds or milliseconds, ISO, or a date as platforms write it, which is Beijing's. None when unreadable."""
    value = first(row, *keys)
    if isinstance(value, str) and re.fullmatch(r"\d{10}|\d{13}", value):
        value = int(value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value / 1000 if value > 10**11 else value, UTC)
        else:
            moment = _date(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return moment if 1990 <= moment.year <= 2100 else None


def _date(value: str) -> datetime:
    for form in DATES:
        try:
            return datetime.strptime(value, form).replace(tzinfo=BEIJING)
        except ValueError:
            continue
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def link(row: Raw, *keys: str) -> str:
    """A web address, or nothing: what is no http(s) address is no link."""
    value = text(row, *keys).strip()
    return value if value.startswith(("https://", "http://")) and len(value) <= 1000 and not re.search(r"[\s\x00-\x1f<>\"]", value) else ""


def identity(own: str, *parts: Any) -> str:
    """The platform's own id, or a digest of what identifies the row: equal rows are one post."""
    own = own.strip()
    if own and len(own) <= 200:
        return own
    return hashlib.sha256(orjson.dumps([own, *parts], default=str)).hexdigest()


def unpacked(value: Any) -> dict[str, Any]:
    """The JSON object inside a string; of anything else an empty one."""
    if isinstance(value, Mapping):
        return dict(value)
    try:
        found = orjson.loads(value) if isinstance(value, str) and value.lstrip().startswith("{") else None
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def some(post: PostData) -> PostData:
    """The post, unless it says nothing."""
    if not (post.title or post.body or post.answer):
        raise Rejected("no_text")
    return post
