"""A row of a file as a post: read by its importer, edited and judged by the screens that look at one post alone. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from .batches import Batch, Head, Recipe
from .cleaning import content_hash
from .folding import Codes, text_of
from .importers import IMPORTERS, PERSONAL, Importer, PostData, Rejected
from .importers.base import Raw
from .importers.threads import Threads, plan
from .minhash import sign
from .rows import MAX_TEXT, BadRow
from .screens import Dropped, NearDuplicate, Screen, SetScreen
from .screens import make as make_filled  # noqa: TID251 - the lists that screens name are filled in already
from .screens.base import FIELDS
from .screens.base import text_of as text_in
from .similarity import codes, is_long, is_short

NAMED = re.compile(rf'("(?:{"|".join(PERSONAL)})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}}\]"]+)')
LONG = 48  # characters from which on a text is kept once; ids and names are shorter, and stay in the row
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}  # of COPY; the backslash first
BYTE_ESCAPES = {char.encode(): escape.encode() for char, escape in ESCAPES.items()}


def converted(threads: Threads, value: dict[str, Any] | BadRow) -> PostData | BadRow:
    """The row as a post, or why it becomes none: short enough to be stored, and without names."""
    bad = value
    if isinstance(bad, dict):
        try:
            return _data(threads, bad)
        except Rejected as error:
            bad = BadRow(error.reason, error.detail, json.dumps(threads.importer.anonymous(bad), ensure_ascii=False, default=str))
    return BadRow(bad.reason, bad.detail[:300], masked(bad.raw)[:2000])


def masked(raw: str) -> str:
    """A row that could not be read, without the names in it, as far as they can be found."""
    return NAMED.sub(r"\1…", raw)


def _data(threads: Threads, row: dict[str, Any]) -> PostData:
    """Raises Rejected, also for what the importer did not think of: one row never fails a batch."""
    try:
        data = threads.read(row)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise Rejected("importer_failed", type(error).__name__) from error
    longest = max(len(data.title), len(data.body), len(data.answer))
    if longest > MAX_TEXT:
        raise Rejected("text_too_long", f"{longest} > {MAX_TEXT}")
    return data


def threads_of(recipe: Recipe, seal: Callable[[str], str], first: Callable[[], Sequence[Any]]) -> Threads:
    """The importer, and what becomes of floors: as the last batch left it, or else as the `first` rows of the file have it."""
    importer = IMPORTERS[recipe.importer](recipe.mapping)
    if type(importer).floor is Importer.floor:
        return Threads(importer, "", {}, seal)
    if recipe.threads:
        return Threads(importer, recipe.threads["floors"], recipe.threads["threads"], seal)
    sample = [value for value in first() if isinstance(value, dict)]
    return Threads(importer, *plan(importer, sample, recipe.floors, seal), seal)


@dataclass
class Candidate:
    """A post as screens look at it. `original`: its texts and hash, once a screen has edited them."""

    title: str
    body: str
    answer: str
    votes: int | None
    content_hash: str = ""
    original: dict[str, str] | None = None

    def edit(self, screens: Sequence[Screen]) -> None:
        """All changes of the texts, before anything is judged: what is masked is masked for everything that follows."""
        before = {"title": self.title, "body": self.body, "answer": self.answer}
        for each in screens:
            for name, text in each.edits(self).items():
                setattr(self, name, text)
                self.original = before
        if self.original:
            self.original["content_hash"] = content_hash(*(before[name] for name in ("title", "body", "answer")))
        self.content_hash = content_hash(self.title, self.body, self.answer)

    def judge(self, screens: Sequence[Screen]) -> tuple[bool, Dropped | None]:
        """Whether it asks for an earlier post that reads the same, and why it falls if there is none."""
        asks = False
        for each in screens:
            if each.needs_twin:
                asks = True
            elif dropped := each.drops(self, None):
                return asks, dropped
        return asks, None


class Converter:
    """Takes rows, and gives them as batches of lines for COPY."""

    def __init__(self, recipe: Recipe, first: Callable[[], Sequence[Any]]) -> None:
        self.key = recipe.salt.encode()
        self.threads = threads_of(recipe, self._seal, first)
        self.screens = make_filled(recipe.screens or [])
        self.alone = [screen for screen in self.screens if not isinstance(screen, SetScreen)]
        self.fields = list(dict.fromkeys(screen.field for screen in self.screens if isinstance(screen, NearDuplicate)))
        self._begin()

    def _begin(self) -> None:
        self.batch, self.weight, self.long = Batch(), 0, list[tuple[int, bytes, Codes]]()

    def _seal(self, name: str) -> str:
        return hmac.new(self.key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32] if name else ""

    def add(self, number: int, value: dict[str, Any] | BadRow) -> None:
        self.batch.read += 1
        found = converted(self.threads, value)
        if isinstance(found, PostData) and isinstance(value, dict):
            found = self._add(number, value, found) or found
        if isinstance(found, BadRow):
            self.batch.rejected.append((number, found.reason, found.detail, found.raw))
            self.weight += len(found.raw) * 3 + 100

    def _add(self, number: int, row: dict[str, Any], data: PostData) -> BadRow | None:
        """What the database would refuse after all (an importer may unpack it from a string) is a bad row."""
        post = Candidate(data.title, data.body, data.answer, data.votes)
        post.edit(self.screens)
        asks, dropped = post.judge(self.alone)
        line = _line(number, data, post, *_told_once(self.threads.importer.anonymous(row), data))
        if b"\0" in line:
            return BadRow("nul_character")
        at = len(self.batch.lines)
        self.batch.lines.append(line)
        if not dropped:
            self._sign(post)
        count = len(self.batch.lines) - at - 1
        reason, value = dropped or ("", "")
        self.batch.posts.append(Head(number, data.external_id, data.author, post.content_hash, asks, reason, value[:200], count))
        self.weight += len(line)
        return None

    def _sign(self, post: Candidate) -> None:
        """A line for each field that near-duplicates are found by. The signatures of long texts come later, all at once."""
        for name in self.fields:
            folded = codes(text_in(post, name))
            line = f"{name}\t{_escaped(text_of(folded)) if is_short(folded) else ''}\t".encode("utf-8", "replace")
            if is_long(folded):
                self.long.append((len(self.batch.lines), line, folded))
            self.batch.lines.append(line + b"\\N")

    def take(self, row: int, end: int) -> Batch:
        """The rows since the last time; `row` and `end` are those of the last one."""
        if self.long:
            signatures = sign([folded for _at, _line, folded in self.long])
            for (at, line, _folded), signature in zip(self.long, signatures, strict=True):
                self.batch.lines[at] = line + b"\\\\x" + signature.tobytes().hex().encode()
        done, self.batch.row, self.batch.end = self.batch, row, end
        done.context = self.threads.taken_context()
        done.remembered = {"floors": self.threads.mode, "threads": self.threads.state} if self.threads.state else {}
        self._begin()
        return done


def _told_once(row: Raw, data: PostData) -> tuple[bytes, bytes]:
    """The row as JSON without the long texts that are the post's own, and which of its keys held which of them."""
    texts = {}
    for key, value in row.items():
        if type(value) is str and len(value) >= LONG:
            name = next((name for name in FIELDS if value == getattr(data, name)), None)
            if name:
                texts[key] = name
    if not texts:
        return orjson.dumps(row, default=str), b"\\N"
    return orjson.dumps({key: value for key, value in row.items() if key not in texts}, default=str), _escaped_bytes(orjson.dumps(texts))


def _line(number: int, data: PostData, post: Candidate, raw: bytes, raw_texts: bytes) -> bytes:
    """In the order of batches.POST. Only texts are escaped: nothing else holds what COPY would read otherwise, or was made here."""
    texts = "\t".join(map(_escaped, (data.external_id, data.url, post.title, post.body, post.answer)))
    votes = "\\N" if data.votes is None else str(data.votes)
    posted = data.posted_at.isoformat() if data.posted_at else "\\N"
    context = _escaped(orjson.dumps(data.context).decode()) if data.context else "[]"
    before = f"{number}\t{texts}\t{votes}\t{posted}\t{_escaped(data.question_id)}\t{context}\t".encode("utf-8", "replace")
    original = _escaped_bytes(orjson.dumps(post.original)) if post.original else b"\\N"
    return b"%b%b\t%b\t%b\t%b" % (before, _escaped_bytes(raw), raw_texts, post.content_hash.encode(), original)


def _escaped(text: str) -> str:
    """As COPY wants it."""
    for char, escape in ESCAPES.items():
        if char in text:
            text = text.replace(char, escape)
    return text


def _escaped_bytes(text: bytes) -> bytes:
    """Of UTF-8, where no byte of another character is one of these."""
    for char, escape in BYTE_ESCAPES.items():
        if char in text:
            text = text.replace(char, escape)
    return text
