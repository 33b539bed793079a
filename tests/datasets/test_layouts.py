"""Schemas and writers: what is written can be read back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.records import KEYS, Decided, compose
from datasets.schemas import SCHEMAS
from datasets.writers import WRITERS

from .test_records import RECORD

LINE = (
    '{"instruction": "影子下班以后住哪儿？\\n急。", "input": "", "output": "住在\\"灯\\"里。\\u001f\u2028", '
    '"task_type": {"major": ["问答"], "minor": ["逻辑问答", "隐喻理解"]}, "domain": ["通用"], "metadata": "暂无元数据信息", '
    '"answer_from": "llm", "human_verified": true, "copyright": "暂无版权及作者信息"}\n'
)


def test_a_line_is_spelt_as_in_the_published_files():
    decided = Decided(
        "影子下班以后住哪儿？\n急。", "", '住在"灯"里。\x1f\u2028', {"minor": ["逻辑问答", "隐喻理解"], "major": ["问答"]}, ["通用"]
    )
    record = compose(decided) | {"answer_from": "llm"}
    assert b"".join(WRITERS["jsonl"].chunks([SCHEMAS["cqia"].row(record)])).decode() == LINE


@given(st.lists(RECORD, max_size=5))
def test_json_lines_round_trip(records):
    rows = [SCHEMAS["cqia"].row(record) for record in records]
    written = b"".join(WRITERS["jsonl"].chunks(rows))
    lines = written.decode("utf-8").split("\n")
    assert lines.pop() == ""
    read = [json.loads(line) for line in lines]
    assert read == records
    assert all(list(row) == list(KEYS) for row in read)
    assert [json.dumps(row, ensure_ascii=False) for row in read] == lines


@given(st.lists(RECORD, max_size=5))
def test_a_json_array_round_trips(records):
    rows = [SCHEMAS["alpaca"].row(record) for record in records]
    assert json.loads(b"".join(WRITERS["json"].chunks(rows))) == rows


def test_the_order_of_keys_does_not_depend_on_what_the_database_makes_of_it():
    record = compose(Decided("问", "", "答", {"major": ["a"], "minor": ["b"]}))
    shuffled = dict(sorted(record.items())) | {"task_type": {"minor": ["b"], "major": ["a"]}}
    row = SCHEMAS["cqia"].row(shuffled)
    assert list(row) == list(KEYS)
    assert list(row["task_type"]) == ["major", "minor"]


@pytest.mark.parametrize(("text", "asked"), [("", "问"), ("材料", "问\n材料")])
def test_messages_join_instruction_and_input_by_a_line_feed(text, asked):
    row = SCHEMAS["messages"].row(compose(Decided("问", text, "答")))
    assert row == {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "答"}]}


def test_every_schema_names_the_keys_of_its_rows():
    for schema in SCHEMAS.values():
        assert tuple(schema.row(compose(Decided("问", "", "答")))) == schema.keys
