"""The command that tells beforehand, and the page of the documentation that it prints the table of."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sources.importers import IMPORTERS
from sources.management.commands.import_report import HEAD, Report
from tests.sources.conftest import WILD

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "importing.md").read_text("utf-8")
DEMO = {"ruozhiba.json": "tieba", "zhihu.jsonl": "zhihu", "xiaohongshu.json": "xiaohongshu", "douban.csv": "douban",
        "baike.jsonl": "baike", "exam.json": "exam"}  # fmt: skip
NO_INPUT = {"llamafactory_dataset_info.json", "flub_metadata.json", "eval_prompt.jsonl"}


def said(*files, **options):
    out = StringIO()
    call_command("import_report", *map(str, files), stdout=out, **options)
    return out.getvalue()


def cells(table):
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.strip().splitlines()]


def test_the_demos_files_are_recognised_and_every_row_is_accounted_for():
    head, _, *rows = cells(said(*(ROOT / "demo" / name for name in DEMO)))
    assert tuple(head) == HEAD
    assert {row[0]: row[1] for row in rows} == DEMO
    for row in rows:
        read, posts, again, left_out = map(int, row[2:6])
        assert read == posts + again + left_out > 0


def test_what_is_left_out_and_what_comes_twice_is_told(tmp_path):
    file = tmp_path / "a|b.jsonl"
    file.write_text('{"title": "一"}\n{"title": "一"}\n{"title": ""}\n{bad\n{"title": "二"}\n')
    assert said(file).splitlines()[-1] == r"| a\|b.jsonl | generic | 5 | 2 | 1 | 2 | no_text 1, bad_json 1 |"


@pytest.mark.parametrize(("floors", "posts"), [("auto", 1), ("posts", 3), ("starter", 2)])
def test_threads_are_read_as_the_option_says(tmp_path, floors, posts):
    file = tmp_path / "thread.jsonl"
    file.write_text("".join(f'{{"pid": {n}, "tid": 9, "text": "第{n}楼", "floor": {n}, "user_id": {n % 2}}}\n' for n in (1, 2, 3)))
    assert cells(said(file, floors=floors))[-1][3] == str(posts)


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"foo": 1}\n')
    with pytest.raises(CommandError, match="missing_column"):
        said(bad, ROOT / "demo" / "exam.json")
    assert Report().cells("x") == ("x", "", 0, 0, 0, 0, "")


def test_the_page_names_every_importer_and_no_other():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(IMPORTERS)


@pytest.mark.slow
def test_the_table_of_the_page_is_what_the_command_prints():
    if not WILD.exists():
        pytest.skip(f"{WILD} is not there: this test needs real input")
    files = sorted(path for path in WILD.rglob("*") if path.suffix in (".json", ".jsonl", ".csv") and path.name not in NO_INPUT)
    table = re.search(r"<!-- printed by manage.py import_report -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)[1]
    assert table == said(*files).strip()
    importers = dict(row[:2] for row in cells(table)[2:])
    assert "generic" not in importers.values()
    assert len(importers) == len(files) > 20
