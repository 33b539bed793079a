"""A diff spells both texts, breaks no character, and reads as words."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.diffing import LONGEST, Segment, characters, diff

FAMILY, FLAG, ACCENTED, DARK = "👩‍👩‍👧", "🇨🇳", "e\u0301", "👍🏿"


def spelled(segments, *kinds):
    return "".join(segment.text for segment in segments if segment.kind in kinds)


@given(st.text("保温杯 里\r\n\u0301\u200d👩🇨🇳A", max_size=40), st.text("保温杯 里\r\n\u0301\u200d👩🇨🇳A", max_size=40))
def test_a_diff_spells_both_texts(old, new):
    segments = diff(old, new)
    assert spelled(segments, "equal", "delete") == old
    assert spelled(segments, "equal", "insert") == new
    assert "".join(characters(old)) == old
    assert all(one.kind != two.kind for one, two in itertools.pairwise(segments))


def test_equal_texts_differ_in_nothing():
    assert diff("一样", "一样") == [Segment("equal", "一样")]
    assert diff("", "") == []


def test_a_replacement_is_what_went_and_then_what_came():
    assert diff("保的是热水的温。", "保的是冰水的温。") == [("equal", "保的是"), ("delete", "热"), ("insert", "冰"), ("equal", "水的温。")]


def test_changes_less_than_two_characters_apart_are_one():
    assert diff("甲一乙丙丁", "甲二乙三丁") == [("equal", "甲"), ("delete", "一乙丙"), ("insert", "二乙三"), ("equal", "丁")]
    apart = diff("甲一乙乙丙丁", "甲二乙乙三丁")
    assert [segment.kind for segment in apart] == ["equal", "delete", "insert", "equal", "delete", "insert", "equal"]


@pytest.mark.parametrize("whole", [FAMILY, FLAG, ACCENTED, DARK, "\r\n"])
def test_what_a_reader_takes_for_one_character_is_not_broken(whole):
    assert characters(f"a{whole}b") == ["a", whole, "b"]
    assert diff(f"看{whole}见", f"看{whole[0]}见") == [("equal", "看"), ("delete", whole), ("insert", whole[0]), ("equal", "见")]


def test_two_flags_are_two_characters():
    assert characters(FLAG * 2 + "中") == [FLAG, FLAG, "中"]


def test_changed_line_ends_and_spaces_are_in_the_segments():
    assert diff("一 二二\n三", "一二二\n\n三") == [("equal", "一"), ("delete", " "), ("equal", "二二"), ("insert", "\n"), ("equal", "\n三")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("甲乙" * 100_000, "乙甲丙" * 66_000),
        ("a" + "\u0301" * 199_000, "b" + "\u0300" * 199_000),
        ("甲" * 200_000, "甲" * 100_000 + "乙" * 100_000),
    ],
)
def test_the_longest_texts_do_not_take_long(old, new):
    started = time.perf_counter()
    assert spelled(diff(old, new), "equal", "insert") == new
    assert time.perf_counter() - started < 3


def test_too_long_a_difference_is_told_as_one_change():
    segments = diff("头" + "甲" * (LONGEST + 1) + "尾", "头" + "乙" * 9 + "尾")
    assert [segment.kind for segment in segments] == ["equal", "delete", "insert", "equal"]
