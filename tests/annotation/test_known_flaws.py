"""The flaws of the published COIG-CQIA that review should have caught are caught by now."""

import re
from pathlib import Path

import orjson
import pytest

from annotation.checks import CHECKS, Texts

WILD = Path(__file__).resolve().parents[3] / "shared" / "data" / "ruozhiba" / "cqia_ruozhiba.jsonl"
SPACE = re.compile("[\u3400-\u9fff][ \u3000]+[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def rows():
    if not WILD.exists():
        pytest.skip(f"{WILD} is not there: this test needs real input")
    return [orjson.loads(line) for line in WILD.read_bytes().splitlines()]


def flagged(rows, name):
    """The numbers of the lines, from 1."""
    texts = [Texts(row["instruction"], row["input"], row["output"]) for row in rows]
    return [number for number, each in enumerate(texts, 1) if list(CHECKS[name].find(each))]


def test_another_items_answer_in_front_of_the_reply_is_found_and_nothing_else_is_taken_for_one(rows):
    assert flagged(rows, "glued") == [214]
    (finding,) = CHECKS["glued"].find(Texts(rows[213]["instruction"], "", rows[213]["output"]))
    assert rows[213]["output"][finding.spans[0][1] :].startswith("这个问题看起来")


def test_all_29_replies_with_stray_spaces_are_found(rows):
    assert flagged(rows, "han_spaces") == [number for number, row in enumerate(rows, 1) if SPACE.search(row["output"])]
    assert len(flagged(rows, "han_spaces")) == 29


def test_the_refusal_is_found(rows):
    assert flagged(rows, "refusal") == flagged(rows, "model_phrasing") == [11]


def test_half_of_the_replies_have_no_finding_at_all(rows):
    names = [name for name in CHECKS if not CHECKS[name].experimental]
    assert len({number for name in names for number in flagged(rows, name)}) < len(rows) / 2
