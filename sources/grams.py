"""Which texts hold which two characters in a row: the pure half of search.

A *gram* is two neighbouring characters as a number, a *posting* says that a text holds one. The postings of some thousand
texts, sorted by gram, are cut into *pages* of less than 2 kB: small enough for PostgreSQL to keep in the row. Texts are
known by their ordinals, 0, 1, 2 …, in what is indexed together.

    page: count of grams (2 bytes) | each gram minus the page's first (4 bytes each) | where its postings end (2 each) | postings
    postings of a gram: the first ordinal and then the differences, in 7 bits a byte, the lowest first, the eighth bit: goes on
    page of a gram that one text in eight has: 0 (2 bytes) | a bit for each text

A–Z count as a–z, as `lower(text COLLATE "C")` has it in PostgreSQL, whatever the locale of the database.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
PAGE = 1_960  # bytes: four rows of it, with their headers, fill a block of PostgreSQL
CHARACTER, ORDINAL = np.uint64(21), np.uint64(22)  # bits of a code point, and of an ordinal
MANY = 1_024  # texts with a gram that are worth a page of bits
MOST = 1 << 22  # texts that can be indexed together
BLOCK = 1_000_000  # characters that are taken apart at a time: some 40 MB of numbers
GAP = "\0"  # between texts; PostgreSQL has none of these in a text


def fold(text: str) -> str:
    return text.encode("utf-8", "replace").lower().decode()  # of bytes, `lower` knows A–Z alone


def grams(text: str) -> Numbers:
    """The different grams of a text."""
    codes = _codes(text)
    return different(codes[:-1] << CHARACTER | codes[1:])


def label(number: int) -> int:
    """The gram under which texts are filed that carry `number` (of their source): no text has it, as none has GAP."""
    return number % (1 << int(CHARACTER))


def postings(texts: Iterable[tuple[int, str]]) -> Numbers:
    """All postings of `texts`, each with the number that labels it, sorted; at most MOST texts. Parts of a text that must not
    run into each other have GAP between them."""
    texts, found, ordinal = iter(texts), [], 0
    while block := list(_block(texts)):
        found.append(_postings(block, ordinal))
        ordinal += len(block)
    keys = np.concatenate(found) if found else np.empty(0, np.uint64)
    del found
    keys.sort(kind="stable")  # which merges what is sorted in parts
    return keys


def pages(keys: Numbers, count: int) -> Iterator[tuple[int, bytes]]:
    """The postings of `count` texts as pages: (first gram, page), in the order of the grams. One with many has a page alone."""
    at = 0
    while at < len(keys):  # a part at a time, so that what is computed on the way takes no more room than the postings
        stop = len(keys)
        if stop - at > BLOCK:
            stop = int(keys.searchsorted(((keys[at + BLOCK] >> ORDINAL) + np.uint64(1)) << ORDINAL))
        yield from _pages(keys[at:stop], count)
        at = stop


def _pages(keys: Numbers, count: int) -> Iterator[tuple[int, bytes]]:
    starts = np.flatnonzero(np.diff(keys >> ORDINAL, prepend=np.uint64(1 << 42)))
    stops = np.append(starts[1:], len(keys))
    found = (keys[starts] >> ORDINAL).astype(np.int64)
    ordinals = keys & np.uint64(MOST - 1)
    many = np.flatnonzero(stops - starts >= max(MANY, count // 8))
    at = 0
    for place in [*many.tolist(), len(found)]:
        if at < place:
            yield from _sparse(found[at:place], starts[at:place] - starts[at], ordinals[starts[at] : stops[place - 1]])
        if place < len(found):
            bits = np.zeros(count, bool)
            bits[ordinals[starts[place] : stops[place]]] = True
            yield int(found[place]), b"\0\0" + np.packbits(bits).tobytes()
        at = place + 1


def _sparse(found: NDArray[np.int64], starts: NDArray[np.int64], ordinals: Numbers) -> Iterator[tuple[int, bytes]]:
    deltas: Numbers = np.diff(ordinals, prepend=np.uint64(0)).astype(np.uint64)
    deltas[starts] = ordinals[starts]
    data, sizes = _packed(deltas)
    ends = np.cumsum(sizes)[np.append(starts[1:], len(ordinals)) - 1]
    room = np.cumsum(np.diff(ends, prepend=0) + 6)  # bytes up to and with each gram
    at = begin = 0
    while at < len(found):
        used = room[at - 1] if at else 0
        stop = int(np.searchsorted(room, used + PAGE - 2, side="right"))
        stop = max(at + 1, min(stop, int(np.searchsorted(found, found[at] + (1 << 32)))))
        head = (found[at:stop] - found[at]).astype("<u4").tobytes() + np.minimum(ends[at:stop] - begin, 65_535).astype("<u2").tobytes()
        yield int(found[at]), (stop - at).to_bytes(2, "little") + head + data[begin : ends[stop - 1]].tobytes()
        at, begin = stop, int(ends[stop - 1])


def look_up(page: bytes, first: int, gram: int) -> Numbers | None:
    """The ordinals of the texts with `gram`, of the page that would have it."""
    count = int.from_bytes(page[:2], "little")
    if not count:
        return np.flatnonzero(np.unpackbits(np.frombuffer(page, np.uint8, offset=2))).astype(np.uint64) if gram == first else None
    here = np.frombuffer(page, "<u4", count, 2)
    place = int(here.searchsorted(gram - first)) if gram - first < 1 << 32 else count
    if place == count or int(here[place]) != gram - first:
        return None
    ends, data = np.frombuffer(page, "<u2", count, 2 + 4 * count), 2 + 6 * count
    begin = int(ends[place - 1]) if place else 0
    return unpack(page[data + begin : data + int(ends[place]) if count > 1 else None])


def different(numbers: Any) -> Any:
    """Each once, growing, in place: ten times as fast as `np.unique`, which hashes, and faster still for what is sorted in parts."""
    numbers.sort(kind="stable")
    return numbers[np.diff(numbers, prepend=~numbers[:1]) != 0]


def common(lists: list[Numbers]) -> Numbers:
    """What is in all of them; each is sorted."""
    lists.sort(key=len)
    left = lists[0]
    for other in lists[1:]:
        if not len(left) or not len(other):
            return left[:0]
        if 16 * len(left) < len(other):
            left = left[other[np.minimum(other.searchsorted(left), len(other) - 1)] == left]
        else:
            there = np.zeros(int(max(left[-1], other[-1])) + 1, bool)
            there[other] = True
            left = left[there[left]]
    return left


def pack(numbers: NDArray[np.int64] | Numbers) -> bytes:
    """Growing numbers, as postings have them."""
    return _packed(np.diff(numbers.astype(np.uint64), prepend=np.uint64(0)).astype(np.uint64))[0].tobytes()


def unpack(data: bytes) -> Numbers:
    """What `pack` packed."""
    every = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(every < 128)
    begins = np.concatenate((ends[:1] * 0, ends[:-1] + 1))
    values = (every[begins] & 127).astype(np.uint64)
    more = begins + 1
    for shift in range(7, 64, 7):
        on = np.flatnonzero(more <= ends)
        if not len(on):
            break
        values[on] |= (every[more[on]] & 127).astype(np.uint64) << np.uint64(shift)
        more += 1
    return np.cumsum(values, dtype=np.uint64)


def _packed(values: Numbers) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes, and how many there are for each value."""
    sizes = np.ones(len(values), np.int64)
    for bits in range(7, 64, 7):
        longer = values >= np.uint64(1 << bits)
        if not longer.any():
            break
        sizes += longer
    begins = np.cumsum(sizes) - sizes
    data = np.empty(int(sizes.sum()), np.uint8)
    for place in range(int(sizes.max(initial=0))):
        on = np.flatnonzero(sizes > place)
        part = values[on] >> np.uint64(7 * place) & np.uint64(127)
        data[begins[on] + place] = part.astype(np.uint8) | (sizes[on] > place + 1).astype(np.uint8) << 7
    return data, sizes


def _block(texts: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    weight = 0
    for number, text in texts:
        yield number, text
        weight += len(text) + 1
        if weight >= BLOCK:
            return


def _postings(block: list[tuple[int, str]], ordinal: int) -> Numbers:
    """As numbers that sort by gram and then by ordinal: 42 bits and 22."""
    codes = _codes(GAP.join(text for _, text in block))
    ordinals = np.arange(ordinal, ordinal + len(block), dtype=np.uint64)
    of = np.repeat(ordinals, [len(text) + 1 for _, text in block])[: max(0, len(codes) - 1)]
    keys = (codes[:-1] << CHARACTER | codes[1:]) << ORDINAL | of
    keys = keys[(codes[:-1] != 0) & (codes[1:] != 0)]
    labels = np.array([label(number) for number, _ in block], np.uint64)
    return different(np.concatenate((keys, labels << ORDINAL | ordinals)))


def _codes(text: str) -> Numbers:
    """Code points, A–Z as a–z."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), "<u4").astype(np.uint64)
    codes[(codes >= 65) & (codes <= 90)] += np.uint64(32)
    return codes
