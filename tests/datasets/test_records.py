"""Records: what is derived, and its one spelling."""

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets.records import KEYS, NO_COPYRIGHT, NO_METADATA, Decided, answer_from, canonical, compose, digest, metadata

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the first text of all takes seconds on a busy machine
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
RECORD = st.builds(
    lambda i, p, o, major, minor, domain: compose(Decided(i, p, o, {"major": major, "minor": minor}, domain)),
    TEXT, TEXT, TEXT, st.lists(TEXT), st.lists(TEXT), st.lists(TEXT),
)  # fmt: skip
# The types of every published file; a column whose type differs between files keeps a whole set from loading.
TYPES = {"instruction": str, "input": str, "output": str, "task_type": dict, "domain": list, "metadata": str,
         "answer_from": str, "human_verified": bool, "copyright": str}  # fmt: skip


@PATIENT
@given(RECORD)
def test_nine_keys_in_order_with_the_same_types_whatever_the_texts(record):
    assert list(record) == list(KEYS) == list(TYPES)
    assert {key: type(value) for key, value in record.items()} == TYPES
    assert list(record["task_type"]) == ["major", "minor"]
    assert all(isinstance(word, str) for words in (*record["task_type"].values(), record["domain"]) for word in words)


def test_odd_types_of_a_source_become_lists_of_words():
    record = compose(Decided("问", "", "答", {"major": "问答", "minor": None, "more": 1}, ["通用", 3]))
    assert record["task_type"] == {"major": ["问答"], "minor": []}
    assert record["domain"] == ["通用", "3"]


@pytest.mark.parametrize(
    ("drafts", "output", "who"),
    [
        ([], "自己写的。", "human"),
        (["月亮没有电梯，只好自己爬上来。"], "月亮没有电梯，只好自己爬上来。", "llm"),
        (["月亮没有电梯，只好自己爬上来。"], "月亮没有电梯，只好走楼梯上来。", "llm"),
        (["月亮没有电梯，只好自己爬上来。"], "这句话把日出日落的“升”当成了乘电梯，所以好笑。", "human"),
        (["一二三四"], "一二三四五六七八", "llm"),  # exactly half
        (["一二三四"], "一二三四五六七八九", "human"),
        (["完全不同的一份草稿。", "月亮没有电梯。"], "月亮没有电梯！", "llm"),
    ],
)
def test_who_answered_follows_from_how_much_of_the_draft_is_left(drafts, output, who):
    assert answer_from(drafts, output) == who


@pytest.mark.parametrize(
    ("platform", "raw", "said"),
    [
        ("tieba", {"pid": 1}, NO_METADATA),
        ("zhihu", {"qid": 7, "answer_id": "19"}, "qid:7, aid:19"),
        ("zhihu", {"question_id": "7"}, "qid:7"),
        ("exam", {"year": "2022", "score": 1.5}, "year:2022, score:1.5"),
        ("exam", {"year": True, "score": {"a": 1}}, NO_METADATA),
        ("zhihu", {"qid": "某人的名字，住在某处", "answer_id": None}, NO_METADATA),
        ("other", dict.fromkeys(KEYS, "") | {"metadata": "qid:1, aid:2"}, "qid:1, aid:2"),
        ("other", {"metadata": "作者：某人"}, NO_METADATA),
    ],
)
def test_metadata_holds_ids_and_numbers_only(platform, raw, said):
    assert metadata(platform, raw) == said


def test_an_unknown_licence_is_said_in_the_words_of_the_published_files():
    assert compose(Decided("问", "", "答"))["copyright"] == NO_COPYRIGHT
    assert compose(Decided("问", "", "答", licence="CC0-1.0"))["copyright"] == "CC0-1.0"


@PATIENT
@given(RECORD)
def test_the_canonical_line_can_be_made_with_any_json_library(record):
    line = (json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    assert canonical(record) == line
    assert canonical(dict(reversed(record.items()))) == line
    assert digest(record) == hashlib.sha256(line).hexdigest()
