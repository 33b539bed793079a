"""Near-duplicates among posts of the database, found by their signatures: texts are read only where a signature is missing.

Of all signatures no more is in memory at a time than some bands, so a million posts take 100 MB; those that meet in a band are
then compared by the whole. What comes out is what `similarity.clusters` gives for the same texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from .folding import text_of
from .minhash import BANDS, BINS, ROWS, SIZE, Signatures, likeness, meet, sign
from .models import Post, Signature
from .screens import Member
from .screens.base import FIELDS
from .screens.base import text_of as text_in
from .similarity import Forest, Short, codes, is_long, is_short, likes

CHUNK = 500  # texts that are signed at a time
PAIRS = 20_000  # that are compared at a time
AT_ONCE = 64 * 2**20  # bytes of bands in memory
Keys = NDArray[np.int64]
THOSE = "FROM sources_signature WHERE field = %s AND post_id = ANY(%s::bigint[])"
HEADER = 19  # bytes before the first row of a binary COPY; two come after the last


def roots(posts: QuerySet[Post], fallen: Collection[int], more: Iterable[Member], *, field: str, like: float) -> dict[int, int]:
    """key -> the least key of its cluster, of posts that have company; `more` are no posts yet, and none that fell before counts."""
    stored = keys_of(posts)
    make_missing(stored, field)
    short_like, long_like = likes(like)
    short, others = Short(short_like), _Others()
    for member in more:
        if member.pk not in fallen:
            others.add(member.pk, text_in(member, field), short)
    members = _Stored(stored[~np.isin(stored, np.fromiter(fallen, np.int64))], field)
    for key, folded in members.short():
        short.add(key, folded)
    forest = Forest()
    forest.join_all(short.pairs())
    for pairs in _alike(members, others, long_like):
        forest.join_all(pairs.tolist())
    return forest.roots()


def keys_of(posts: QuerySet[Post]) -> Keys:
    """Read once, and signatures by them: which posts are compared is a question to every row of posts, and their rows are long."""
    sql, params = posts.order_by().values("pk").query.sql_with_params()
    return np.sort(_copied(sql, list(params), 0)[0])


def make_missing(keys: Keys, field: str) -> None:
    """The signatures of those that have none of this field. Whoever makes them at the same time makes the same."""
    there = _copied(f"SELECT post_id {THOSE}", [field, _array(keys)], 0)[0]
    lacking, fields = np.setdiff1d(keys, there).tolist(), FIELDS if field == "all" else (field,)
    for at in range(0, len(lacking), CHUNK):
        chunk = list(Post.objects.filter(pk__in=lacking[at : at + CHUNK]).only("pk", *fields))
        folded = [codes(text_in(post, field)) for post in chunk]
        made = iter(sign([text for text in folded if is_long(text)]))
        Signature.objects.bulk_create(
            (
                Signature(post_id=post.pk, field=field, folded=text_of(text) if is_short(text) else "",
                          minhash=next(made).tobytes() if is_long(text) else None)
                for post, text in zip(chunk, folded, strict=True)
            ),
            ignore_conflicts=True,
        )  # fmt: skip


class _Others:
    """Those that are no posts of the database."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.texts: list[Any] = []
        self.made: list[Signatures] = []

    def add(self, key: int, text: str, short: Short) -> None:
        folded = codes(text)
        if is_short(folded):
            short.add(key, text_of(folded))
        if is_long(folded):
            self.keys.append(key)
            self.texts.append(folded)
        if len(self.texts) == CHUNK:
            self._sign()

    def _sign(self) -> None:
        self.made.append(sign(self.texts))
        self.texts = []

    def signatures(self) -> tuple[Keys, Signatures]:
        if self.texts:
            self._sign()
        order = np.argsort(self.keys).astype(np.intp)
        keys = np.array(self.keys, np.int64)
        return keys[order], np.concatenate([np.empty((0, BINS), np.uint16), *self.made])[order]


class _Stored:
    """Posts with signatures."""

    def __init__(self, keys: Keys, field: str) -> None:
        self.keys, self.params = keys, [field, _array(keys)]

    def short(self) -> Iterator[tuple[int, str]]:
        with connection.chunked_cursor() as cursor:
            cursor.execute(f"SELECT post_id, folded {THOSE} AND folded <> ''", self.params)
            while rows := cursor.fetchmany(10_000):
                yield from rows

    def bands(self, first: int, count: int) -> tuple[Keys, NDArray[np.uint64]]:
        """The keys, and so many bands of each from the `first` on."""
        start, length = first * 2 * ROWS + 1, count * 2 * ROWS
        query = f"SELECT post_id, substring(minhash FROM %s FOR %s) {THOSE} AND minhash IS NOT NULL"  # noqa: S608 - ours, with parameters
        keys, found = _copied(query, [start, length, *self.params], length)
        return keys, found.view(np.uint64)

    def signatures(self, keys: Keys) -> tuple[Keys, Signatures]:
        """Those of `keys`, sorted."""
        query = f"SELECT post_id, minhash {THOSE} AND minhash IS NOT NULL"
        found, data = _copied(query, [self.params[0], _array(keys)], SIZE)
        order = np.argsort(found)
        return found[order], data.view(np.uint16)[order]


def _array(keys: Keys) -> str:
    """As PostgreSQL writes it: a list would be made of objects, one by one."""
    return "{" + ",".join(map(str, keys.tolist())) + "}"


def _copied(query: str, params: list[Any], size: int) -> tuple[Keys, NDArray[np.uint8]]:
    """Rows of an id and, if any, `size` bytes, in the binary format of COPY: as fast as they come, and no object for each."""
    rest_of_row = [("length", "V4"), ("data", "u1", (size,))] if size else []
    row = np.dtype([("head", "V6"), ("key", ">i8"), *rest_of_row])
    keys, data = [np.empty(0, np.int64)], [np.empty((0, size), np.uint8)]
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", params) as copy:
        rest, is_first = b"", True
        while pieces := list(islice(copy, 20_000)):
            rest += b"".join(pieces)
            rest, is_first = rest[HEADER if is_first else 0 :], False
            whole = len(rest) // row.itemsize
            found = np.frombuffer(rest, row, whole)
            keys.append(found["key"].astype(np.int64))
            data.append(found["data"].copy() if size else np.empty((whole, 0), np.uint8))
            rest = rest[whole * row.itemsize :]
    return np.concatenate(keys), np.concatenate(data)


def _alike(members: _Stored, others: _Others, like: float) -> Iterator[Keys]:
    """Pairs of those that have a band in common, and enough of the whole. A row a pair."""
    other_keys, other_signatures = others.signatures()
    other_bands = np.ascontiguousarray(other_signatures).view(np.uint64)
    step = max(1, min(BANDS, AT_ONCE // (2 * ROWS) // max(1, len(members.keys))))
    compared = np.empty((0, 2), np.int64)
    for first in range(0, BANDS, step):
        keys, found = members.bands(first, min(step, BANDS - first))
        every = np.concatenate([keys, other_keys])
        for band in range(found.shape[1]):
            pairs = meet(every, np.concatenate([found[:, band], other_bands[:, first + band]]))
            pairs = _without(pairs, compared)
            compared = np.concatenate([compared, pairs])
            yield from _like_enough(pairs, members, (other_keys, other_signatures), like)
        del keys, found, every


def _without(pairs: Keys, compared: Keys) -> Keys:
    """Those that were not compared yet."""
    row = np.dtype([("one", np.int64), ("other", np.int64)])
    return pairs[~np.isin(pairs.view(row)[:, 0], compared.view(row)[:, 0])] if len(compared) and len(pairs) else pairs


def _like_enough(pairs: Keys, members: _Stored, others: tuple[Keys, Signatures], like: float) -> Iterator[Keys]:
    for at in range(0, len(pairs), PAIRS):
        chunk = pairs[at : at + PAIRS]
        keys, signatures = members.signatures(np.unique(chunk))
        keys, signatures = np.concatenate([keys, others[0]]), np.concatenate([signatures, others[1]])
        order = np.argsort(keys)
        place = order[np.searchsorted(keys, chunk, sorter=order)]
        yield chunk[likeness(signatures[place[:, 0]], signatures[place[:, 1]]) >= like]
