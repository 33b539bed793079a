"""What the index says of texts is what they hold: against plain Python, over random texts."""

import bisect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import grams

LETTERS = "的一是不了人我在有他aAbBé０😀\n% _"
TEXTS = st.lists(st.tuples(st.integers(1, 3), st.text(st.sampled_from(LETTERS) | st.characters(codec="utf-8", exclude_characters="\0"))))


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grams, "MANY", 5)
        yield patch


class Book:
    """Pages as the database has them: by their first gram."""

    def __init__(self, texts):
        self.pages = list(grams.pages(grams.postings(texts), len(texts)))
        self.firsts = [first for first, _ in self.pages]

    def ordinals(self, gram):
        place = bisect.bisect_right(self.firsts, gram) - 1
        held = grams.look_up(self.pages[place][1], self.firsts[place], gram) if place >= 0 else None
        return [] if held is None else held.tolist()


@given(TEXTS, st.text(st.sampled_from(LETTERS), min_size=2, max_size=2))
def test_two_characters_are_found_exactly_where_they_are(texts, two):
    book = Book(texts)
    assert book.ordinals(int(grams.grams(two)[0])) == [n for n, (_, text) in enumerate(texts) if grams.fold(two) in grams.fold(text)]


@given(TEXTS)
def test_texts_are_filed_under_their_numbers(texts):
    book = Book(texts)
    for number in (1, 2, 3):
        assert book.ordinals(grams.label(number)) == [n for n, (mine, _) in enumerate(texts) if mine == number]


def test_a_text_does_not_run_into_the_next_nor_a_part_into_another():
    book = Book([(1, "天地" + grams.GAP + "玄黄"), (1, "宇宙")])
    assert [book.ordinals(int(grams.grams(two)[0])) for two in ("天地", "玄黄", "宇宙", "地玄", "黄宇")] == [[0], [0], [1], [], []]


def test_pages_are_small_unless_one_gram_alone_is_long():
    rng = np.random.default_rng(1)
    texts = [(1, "天地" + "".join(chr(0x4E00 + n) for n in rng.integers(0, 3000, 40))) for _ in range(5_000)]
    book = Book(texts)
    assert len(book.pages) > 100
    assert {int.from_bytes(page[:2], "little") for _, page in book.pages if len(page) > grams.PAGE} <= {1}
    assert book.ordinals(int(grams.grams("天地")[0])) == list(range(5_000))
    assert book.ordinals(grams.label(1)) == list(range(5_000))
    assert [len(page) for _, page in book.pages if page[:2] == b"\0\0"] == [2 + 625] * 2


@given(st.lists(st.integers(0, 3), max_size=40))
def test_what_many_texts_have_is_kept_as_bits(monkeypatch_module, has):
    texts = [(1, "天地" if each else "玄黄") for each in has]
    assert Book(texts).ordinals(int(grams.grams("天地")[0])) == [n for n, each in enumerate(has) if each]


def test_many_texts_are_taken_apart_block_by_block(monkeypatch):
    texts = [(n % 3, f"第{n}条：天地玄黄{n * 7}") for n in range(500)]
    whole = grams.postings(texts)
    monkeypatch.setattr(grams, "BLOCK", 100)
    assert (grams.postings(texts) == whole).all()
    assert Book(texts).ordinals(int(grams.grams("玄黄")[0])) == list(range(500))


@given(st.sets(st.integers(0, 2**62)))
def test_growing_numbers_are_packed_and_unpacked(numbers):
    growing = sorted(numbers)
    assert grams.unpack(grams.pack(np.array(growing, np.uint64))).tolist() == growing


@given(st.lists(st.sets(st.integers(0, 60)), min_size=1, max_size=4))
def test_common_is_what_all_lists_hold(sets):
    lists = [np.array(sorted(each), np.uint64) for each in sets]
    assert grams.common(lists).tolist() == sorted(set.intersection(*sets))


def test_only_latin_letters_are_folded_and_as_the_database_does_it():
    assert grams.fold("ABZ ÀÉ ＡＢ İ 天") == "abz ÀÉ ＡＢ İ 天"
