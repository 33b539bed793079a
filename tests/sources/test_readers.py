import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.reading.files import examine
from sources.reading.limits import MAX_FILE, BadFile
from sources.rows import MAX_ROW, MAX_TEXT, BadRow

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))


@pytest.fixture
def rows_of(tmp_path):
    def rows(content: bytes | str, name: str = "posts.jsonl", cursor=(0, 0)):
        path = tmp_path / "stored"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(examine(path, name).read(cursor))

    return rows


def values(rows):
    return [(row.number, row.value.reason if isinstance(row.value, BadRow) else row.value) for row in rows]


def test_each_line_is_a_row_and_a_bad_one_costs_only_itself(rows_of):
    lines = ['{"a": 1}', '{"a": "cut', "[1]", "", '{"a": "x\\u0000y"}', '{"a": 2}']
    assert values(rows_of("\n".join(lines))) == [(1, {"a": 1}), (2, "bad_json"), (3, "not_an_object"), (5, "nul_character"), (6, {"a": 2})]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("null", "not_an_object"),
        ("5", "not_an_object"),
        ('"text"', "not_an_object"),
        ('{"a": NaN}', "number_out_of_range"),
        ('{"a": -Infinity}', "number_out_of_range"),
        ('{"a": 1e400000}', "number_out_of_range"),
        ('{"a": ' + "9" * 5000 + "}", "number_out_of_range"),
        ('{"a": "\\ud800"}', "lone_surrogate"),
        ('{"\\u0000": 1}', "nul_character"),
        ('{"a": ["\\u0000"]}', "nul_character"),
        ('{"a": ' + "[" * 65 + "]" * 65 + "}", "too_deep"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "too_deep"),
        (json.dumps({"a": "字" * (MAX_TEXT + 1)}, ensure_ascii=False), "text_too_long"),
        ('{"a": "' + "x" * MAX_ROW + '"}', "too_long"),
        ('{"a": "b\0c"}', "nul_character"),
        ("{'a': 1}", "bad_json"),
    ],
)
def test_what_the_database_would_refuse_is_rejected_by_name(rows_of, line, reason):
    assert values(rows_of(f'{{"good": 1}}\n{line}\n{{"good": 2}}\n')) == [(1, {"good": 1}), (2, reason), (3, {"good": 2})]


def test_a_backslash_before_u0000_is_text(rows_of):
    assert values(rows_of(r'{"a": "\\u0000"}')) == [(1, {"a": "\\u0000"})]


def test_line_ends_byte_order_marks_and_a_missing_last_line_break_do_not_matter(rows_of):
    assert values(rows_of(b'\xef\xbb\xbf{"a": 1}\r\n\xef\xbb\xbf{"a": "\xe2\x80\xa8"}')) == [(1, {"a": 1}), (2, {"a": "\u2028"})]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "x.jsonl", "empty_file"),
        (b"", "x.csv", "empty_file"),
        (b"\xef\xbb\xbf \n\n", "x.json", "empty_file"),
        (PNG, "x.jsonl", "not_text"),
        (b"PK\x03\x04" + bytes(60), "x.csv", "broken_archive"),
        (b"\x7fELF" + bytes(60), "x.json", "not_text"),
        (b"\x1f\x8b\x08" + bytes(60), "x.jsonl", "broken_archive"),
        (bytes(300), "x.csv", "not_text"),
        ('{"a": "弱智吧"}'.encode("gb18030"), "x.jsonl", "not_utf8"),
        ('{"a": 1}'.encode("utf-16"), "x.jsonl", "not_utf8"),
        (b'{"a": 1}\n' * 200_000 + b'{"a": "\xd6\xd0"}', "x.jsonl", "not_utf8"),
        (b"hello", "x.docx", "unknown_format"),
        (b"hello", "posts", "unknown_format"),
    ],
)
def test_a_file_of_no_use_says_why_before_any_row(tmp_path, content, name, code):
    path = tmp_path / "stored"
    path.write_bytes(content)
    with pytest.raises(BadFile) as raised:
        examine(path, name)
    assert raised.value.code == code


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "stored"
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)  # which takes no room on the disk
    with pytest.raises(BadFile, match="too_large"):
        examine(path, "x.jsonl")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x"])
def test_an_array_however_it_is_laid_out(rows_of, name, indent):
    rows = [{"n": n, "t": 'a "quoted" \\ ,]}[{ 字', "l": [{"x": []}]} for n in range(50)]
    assert values(rows_of(json.dumps(rows, indent=indent), name)) == list(enumerate(rows, 1))
    assert values(rows_of("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]", name)) == list(enumerate(rows, 1))


def test_a_json_file_may_be_json_lines_or_one_object_or_hold_the_array(rows_of):
    assert values(rows_of('{"a": 1}\n{"a": 2}\n', "x.json")) == [(1, {"a": 1}), (2, {"a": 2})]
    assert values(rows_of('{\n "a": 1\n}\n{\n "a": 2\n}', "x.json")) == [(1, {"a": 1}), (2, {"a": 2})]
    assert values(rows_of('{"a": 1}', "x.json")) == [(1, {"a": 1})]
    assert values(rows_of('{"keywords": "k", "example": [{"a": 1}, {"a": 2}], "more": [3]}', "x.json")) == [(1, {"a": 1}), (2, {"a": 2})]
    assert values(rows_of('{\n "keywords": "k",\n "example": [\n  {"a": 1},\n  {"a": 2}\n ]\n}', "x.json")) == [
        (1, {"a": 1}),
        (2, {"a": 2}),
    ]


def test_in_an_array_of_one_object_a_line_a_broken_line_costs_only_itself(rows_of):
    content = '[\n{"a": 1},\n{"a": 2},\n{"a": "cut\n{"a": 4},\n{"a": 5}\n]'
    assert values(rows_of(content, "x.json")) == [(1, {"a": 1}), (2, {"a": 2}), (3, "bad_json"), (4, {"a": 4}), (5, {"a": 5})]


def test_a_bad_element_of_an_array_costs_only_itself(rows_of):
    content = '[{"a": 1}, 5, {"a": NaN}, {"b" 2}, {"a": "%s"}, {"a": 2}]' % ("x" * MAX_ROW)
    reasons = [(1, {"a": 1}), (2, "not_an_object"), (3, "number_out_of_range"), (4, "bad_json"), (5, "too_long"), (6, {"a": 2})]
    assert values(rows_of(content, "x.json")) == reasons


@pytest.mark.parametrize(
    "content",
    [
        '[{"a": 1}, {"a": 2}, {"a": "x',
        '[{"a": 1}, {"a": 2},',
        '[{"a": 1}, {"a": 2}',
        '[{"a": 1}, {"a": 2}] [{"a": 3}]',
        '[\n{"a": 1},\n{"a": 2},\n',
        '[\n  {"a": 1}, {"a": 2},\n {"a": "b\n"}]',
    ],
)
def test_an_array_that_breaks_off_gives_what_is_whole_and_one_row_that_says_so(rows_of, content):
    rows = rows_of(content, "x.json")
    assert values(rows)[-1] in ((3, "cut_short"), (2, "cut_short"))
    assert values(rows)[0] == (1, {"a": 1})
    assert rows_of(content, "x.json", (rows[-1].number, rows[-1].end)) == []


def test_a_table_with_quotes_line_breaks_and_blank_lines(rows_of):
    content = '\ufefftitle,body\r\n"a ""b""\nc",d\r\n\r\ne,f\r\n'
    assert values(rows_of(content, "x.csv")) == [(1, {"title": 'a "b"\nc', "body": "d"}), (2, {"title": "e", "body": "f"})]
    assert values(rows_of("title\tbody\na,b\tc\n", "x.tsv")) == [(1, {"title": "a,b", "body": "c"})]


def test_ragged_records_nul_and_a_quote_that_nothing_closes(rows_of):
    content = 'a,b\n1,2\n3\n4,5,6\nx\0y,7\n"open,8\n9,10\n'
    assert values(rows_of(content, "x.csv")) == [
        (1, {"a": "1", "b": "2"}),
        (2, "wrong_number_of_columns"),
        (3, "wrong_number_of_columns"),
        (4, "nul_character"),
        (5, "unclosed_quote"),
        (6, {"a": "9", "b": "10"}),
    ]


def test_nothing_of_a_bad_row_that_is_kept_holds_nul(rows_of):
    rows = rows_of('{"a": 1}\n{"a": "x\0y"}\n') + rows_of("a\nx\0y\nz\n", "x.csv")
    assert all("\0" not in row.value.raw for row in rows if isinstance(row.value, BadRow))
    assert sum(isinstance(row.value, BadRow) for row in rows) == 2


cells = st.text(alphabet=st.sampled_from('ab字"\\,[]{}:\n\t ，🐴'), max_size=12)
objects = st.dictionaries(cells, st.one_of(cells, st.integers(-9, 9), st.lists(cells, max_size=2)), max_size=3)


@given(rows=st.lists(objects, min_size=1, max_size=12), form=st.sampled_from(["lines", "array", "indented", "line array"]))
def test_reading_goes_on_from_any_row(rows, form, tmp_path_factory):
    texts = [json.dumps(row, ensure_ascii=False) for row in rows]
    content = {
        "lines": "\n".join(texts),
        "array": json.dumps(rows),
        "indented": json.dumps(rows, indent=2, ensure_ascii=False),
        "line array": "[\n" + ",\n".join(texts) + "\n]\n",
    }[form]
    path = tmp_path_factory.mktemp("files") / "x"
    path.write_text(content, "utf-8")
    file = examine(path, "x.jsonl" if form == "lines" else "x.json")
    whole = list(file.read())
    assert [row.value for row in whole] == rows
    for at, row in enumerate(whole, 1):
        assert list(file.read((row.number, row.end))) == whole[at:]


@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=12), cut=st.integers(0, 200))
def test_a_table_cut_anywhere_is_read_to_the_end_and_from_any_row(rows, cut, tmp_path_factory):
    content = "a,b\n" + "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    path = tmp_path_factory.mktemp("files") / "x.csv"
    path.write_text(content[: max(5, len(content) - cut)], "utf-8", newline="")
    file = examine(path, "x.csv")
    whole = list(file.read())
    assert cut or [tuple(row.value.values()) for row in whole] == rows
    for at, row in enumerate(whole, 1):
        assert list(file.read((row.number, row.end))) == whole[at:]


def test_every_file_in_the_wild_goes_on_from_its_middle(wild):
    for name in (
        "tieba/leymore_post_annual.json",
        "xhs/mediacrawler_search_contents.json",
        "douban/short_comments.csv",
        "exam/gaokao_geography.json",
    ):
        path = wild(name)
        file = examine(path, path.name)
        whole = list(file.read())
        middle = whole[len(whole) // 2]
        assert not [row for row in whole if isinstance(row.value, BadRow)]
        assert list(file.read((middle.number, middle.end))) == whole[len(whole) // 2 + 1 :]
