"""A row of a file as a post: read by its importer, edited and judged by the screens that look at one post alone. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import orjson
import re2

from .batches import Batch, Head, Recipe
from .cleaning import content_hashes
from .folding import text_of
from .importers import IMPORTERS, PERSONAL, Importer, PostData, Rejected
from .importers.base import Raw
from .importers.threads import Threads, plan
from .minhash import sign
from .rows import MAX_TEXT, BadRow
from .screens import Dropped, NearDuplicate, Screen, SetScreen
from .screens import make as make_filled  # noqa: TID251 - the lists that screens name are filled in already
from .screens.base import FIELDS, IGNORING_CASE
from .screens.base import text_of as text_in
from .similarity import codes_of, is_long, is_short

NAMED = re.compile(rf'("(?:{"|".join(PERSONAL)})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}}\]"]+)')
FEW = 16  # posts that are looked at together for what some screens look for
LONG = 48  # characters from which on a text is kept once; ids and names are shorter, and stay in the row
ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t"}  # of COPY; the backslash first
SEAM = "\x1f"  # between texts that are escaped together


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


@dataclass(slots=True)
class Candidate:
    """A post as screens look at it. `original`: its texts and hash, once a screen has edited them. `raw` and `raw_texts`: what is
    stored of the row."""

    title: str
    body: str
    answer: str
    votes: int | None
    number: int
    data: PostData
    raw: bytes
    raw_texts: bytes
    content_hash: str = ""
    original: dict[str, str] | None = None
    is_plain: bool = False  # holds no screen's hint

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.title, self.body, self.answer

    def edit(self, screens: Sequence[Screen]) -> None:
        """All changes of the texts, before anything is judged: what is masked is masked for everything that follows."""
        for each in screens:
            if each.hint and self.is_plain:
                continue
            if changes := each.edits(self):
                self.is_plain = False  # as far as anybody knows
                self.original = self.original or dict(zip(FIELDS, self.texts, strict=True))
                for name, text in changes.items():
                    setattr(self, name, text)

    def judge(self, screens: Sequence[Screen]) -> tuple[bool, Dropped | None]:
        """Whether it asks for an earlier post that reads the same, and why it falls if there is none."""
        asks = False
        for each in screens:
            if each.needs_twin:
                asks = True
            elif each.hint and self.is_plain:
                continue
            elif dropped := each.drops(self, None):
                return asks, dropped
        return asks, None


def look(posts: Sequence[Candidate], hints: Any) -> None:
    """Which of them hold nothing that some screens look for: a few at a time, since hardly any does."""
    for at in range(0, len(posts), FEW):
        few = posts[at : at + FEW]
        if not hints.search("\n".join([text_in(post, "all") for post in few]).encode("utf-8", "replace")):
            for post in few:
                post.is_plain = True


def hash_all(posts: Sequence[Candidate]) -> None:
    """With their texts as they are, and as they were."""
    for post, found in zip(posts, content_hashes([post.texts for post in posts]), strict=True):
        post.content_hash = found
    edited = [post.original for post in posts if post.original]
    for original, found in zip(edited, content_hashes([tuple(original.values()) for original in edited]), strict=True):
        original["content_hash"] = found


class Converter:
    """Takes rows, and gives them as batches of lines for COPY. What costs less for many posts at once is done when they are taken."""

    def __init__(self, recipe: Recipe, first: Callable[[], Sequence[Any]]) -> None:
        self.key = recipe.salt.encode()
        self.threads = threads_of(recipe, self._seal, first)
        self.screens = make_filled(recipe.screens or [])
        self.alone = [screen for screen in self.screens if not isinstance(screen, SetScreen)]
        hints = dict.fromkeys(screen.hint for screen in self.screens if screen.hint)
        self.hints = re2.compile("|".join(hints), options=IGNORING_CASE) if hints else None
        self.editing = [screen for screen in self.screens if type(screen).edits is not Screen.edits]
        self.fields = list(dict.fromkeys(screen.field for screen in self.screens if isinstance(screen, NearDuplicate)))
        self._begin()

    def _begin(self) -> None:
        self.batch, self.weight, self.posts = Batch(), 0, list[Candidate]()

    def _seal(self, name: str) -> str:
        return hmac.new(self.key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32] if name else ""

    def add(self, number: int, value: dict[str, Any] | BadRow) -> None:
        self.batch.read += 1
        found = converted(self.threads, value)
        if isinstance(found, PostData) and isinstance(value, dict):
            raw, raw_texts = _told_once(self.threads.importer.anonymous(value), found)
            self.posts.append(Candidate(found.title, found.body, found.answer, found.votes, number, found, raw, raw_texts))
            self.weight += len(raw) + 3 * (len(found.title) + len(found.body) + len(found.answer)) + 200
        elif isinstance(found, BadRow):
            self._reject(number, found)

    def _reject(self, number: int, bad: BadRow) -> None:
        self.batch.rejected.append((number, bad.reason, bad.detail, bad.raw))
        self.weight += len(bad.raw) * 3 + 100

    def _finish(self, posts: Sequence[Candidate]) -> None:
        """What the database would refuse after all (an importer may unpack it from a string) is a bad row."""
        passed = list[tuple[int, Candidate]]()
        for post in posts:
            line = _line(post)
            if b"\0" in line:
                self._reject(post.number, BadRow("nul_character"))
                continue
            asks, dropped = post.judge(self.alone)
            reason, value = dropped or ("", "")
            count = 0 if dropped else len(self.fields)
            if count:
                passed.append((len(self.batch.lines) + 1, post))
            self.batch.lines += [line, *[b""] * count]
            data = post.data
            self.batch.posts.append(Head(post.number, data.external_id, data.author, post.content_hash, asks, reason, value[:200], count))
        for nth, name in enumerate(self.fields):
            for (at, _post), line in zip(passed, signed(name, [text_in(post, name) for _at, post in passed]), strict=True):
                self.batch.lines[at + nth] = line

    def take(self, row: int, end: int) -> Batch:
        """The rows since the last time; `row` and `end` are those of the last one."""
        if self.hints:
            look(self.posts, self.hints)
        for post in self.posts:
            post.edit(self.editing)
        hash_all(self.posts)
        self._finish(self.posts)
        self.batch.rejected.sort(key=itemgetter(0))
        done, self.batch.row, self.batch.end = self.batch, row, end
        done.context = self.threads.taken_context()
        done.remembered = {"floors": self.threads.mode, "threads": self.threads.state} if self.threads.state else {}
        self._begin()
        return done


def _told_once(row: Raw, data: PostData) -> tuple[bytes, bytes]:
    """The row as JSON without the long texts that are the post's own, and which of its keys held which of them."""
    names = {data.answer: "answer", data.body: "body", data.title: "title"}  # of equal ones the first field
    texts = {key: names[value] for key, value in row.items() if type(value) is str and len(value) >= LONG and value in names}
    if not texts:
        return orjson.dumps(row, default=str), b"\\N"
    return orjson.dumps({key: value for key, value in row.items() if key not in texts}, default=str), _escaped(orjson.dumps(texts))


def signed(field: str, texts: Sequence[str]) -> Iterable[bytes]:
    """A line for each, by which near-duplicates are found, in the order of batches.SIGNATURE."""
    folded = codes_of(texts)
    signatures = iter(sign([found for found in folded if is_long(found)]))
    for found in folded:
        short = _escaped(text_of(found).encode("utf-8", "replace")) if is_short(found) else b""
        minhash = b"\\\\x" + next(signatures).tobytes().hex().encode() if is_long(found) else b"\\N"
        yield b"%b\t%b\t%b" % (field.encode(), short, minhash)


def _line(post: Candidate) -> bytes:
    """In the order of batches.POST. Only texts are escaped: nothing else holds what COPY would read otherwise, or was made here."""
    data = post.data
    votes = "\\N" if data.votes is None else str(data.votes)
    posted = data.posted_at.isoformat() if data.posted_at else "\\N"
    context = _escaped(orjson.dumps(data.context)) if data.context else b"[]"
    return b"%d\t%b\t%b\t%b\t%b\t%b\t%b\t%b\t%b\t%b" % (
        post.number, _joined(data.external_id, data.url, *post.texts), votes.encode(), posted.encode(), _joined(data.question_id), context,
        _escaped(post.raw), post.raw_texts, post.content_hash.encode(), _escaped(orjson.dumps(post.original)) if post.original else b"\\N",
    )  # fmt: skip


def _joined(*texts: str) -> bytes:
    """Columns that follow each other, escaped."""
    joined = SEAM.join(texts)
    if joined.count(SEAM) >= len(texts):
        return b"\t".join(_escaped(text.encode("utf-8", "replace")) for text in texts)
    return _escaped(joined.encode("utf-8", "replace")).replace(SEAM.encode(), b"\t")


def _escaped(text: bytes) -> bytes:
    """As COPY wants UTF-8, where no byte of another character is one of these."""
    for char, escape in ESCAPES.items():
        if char in text:
            text = text.replace(char, escape)
    return text
