"""A row keeps the long texts of its post once, and gives them back as they were found."""

import io
import json

import pytest

from sources import importing, screening
from sources.models import Post
from tests.builders import make_source

pytestmark = pytest.mark.django_db
LONG = "这段话说得很长，长到值得只存一次：" * 4 + "我的手机是 13812345678。"


def imported(rows, screens=(), **more) -> list[Post]:
    source = make_source(platform="zhihu", screens=list(screens))
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    run, _new = importing.start_import(source, importing.store(io.BytesIO(content), "x.jsonl"), name="x.jsonl", by=None, **more)
    importing.run_import(run.pk)
    screening.screen(source)
    return list(source.posts.order_by("row"))


ROW = {"qid": 7, "title": "短", "desc": "", "star": 3, "content": LONG, "answer_id": "9", "topic": LONG + "？"}


def test_a_long_text_lies_in_its_field_alone_and_the_row_can_be_had_whole(settings, tmp_path):
    settings.UPLOADS = tmp_path
    [post] = imported([ROW])
    assert (post.answer, "content" in post.raw, post.raw_texts) == (LONG, False, {"content": "answer"})
    assert post.raw["title"] == "短"
    assert post.raw["topic"] == LONG + "？"  # a long text that is no field's
    assert post.row_as_found() == ROW


def test_masking_changes_the_field_and_not_the_row(settings, tmp_path):
    settings.UPLOADS = tmp_path
    [post] = imported([ROW], screens=[{"screen": "personal_data"}])
    assert "13812345678" not in post.answer
    assert post.row_as_found() == ROW


def test_a_text_that_was_cleaned_is_kept_as_it_was_beside_it(settings, tmp_path):
    settings.UPLOADS = tmp_path
    row = ROW | {"content": f"<p>{LONG}</p>"}
    [post] = imported([row])
    assert (post.answer, post.raw_texts, post.row_as_found()) == (LONG, None, row)


def test_short_rows_are_whole(settings, tmp_path):
    settings.UPLOADS = tmp_path
    row = ROW | {"content": "短的回答", "topic": "t"}
    [post] = imported([row])
    assert (post.raw_texts, post.raw) == (None, row)
