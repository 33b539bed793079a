"""Files as they exist in the wild, all the way into rows; and the same traps in files of our own, which are always there."""

import io
import json

import pytest

from sources import importing, presets, screening
from sources.models import Post, Source
from tests.builders import make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(uploads):
    """Import bytes, or a file, unaided: the format is recognised. Gives the run and the posts, in the order of their rows."""

    def import_(source, content, name):
        file = io.BytesIO(content if isinstance(content, bytes) else content.read_bytes())
        run, _new = importing.start_import(source, importing.store(file, name), name=name, by=None)
        importing.run_import(run.pk)
        run.refresh_from_db()
        assert run.state == "succeeded", run.error_code
        return run, list(run.posts.order_by("row"))

    return import_


NOTE = {"note_id": "n1", "type": "normal", "title": "周末去哪", "desc": "去河边走走\n\t\n#散步[话题]#好开心[偷笑R]", "time": 1760000000000,
        "liked_count": "1.2万", "collected_count": "10+", "comment_count": "3", "share_count": "", "image_list": "", "tag_list": "",
        "user_id": "u", "nickname": "小河", "note_url": "https://example.com/n1", "last_modify_ts": 1, "source_keyword": ""}  # fmt: skip
ANSWERS = json.dumps({"回答": "1. 对折。\n2. 再对折。"}, ensure_ascii=False)
QA = {
    "id": 7,
    "问": "怎么叠纸船",
    "答": "",
    "来源": "测试",
    "元数据": {"create_time": "20230517 10:41:58", "问题明细": "", "回答明细": ANSWERS, "扩展字段": "{}"},
}


def test_counts_are_texts_with_ten_thousands_and_a_bom_is_no_letter(rows):
    run, (post,) = rows(make_source(), b"\xef\xbb\xbf" + json.dumps([NOTE], ensure_ascii=False).encode(), "notes.json")
    assert (run.importer, post.votes, post.title) == ("xiaohongshu", 12_000, "周末去哪")
    assert post.answer == "去河边走走\n\n好开心"
    assert "小河" not in json.dumps(post.raw, ensure_ascii=False)


def test_json_in_a_string_becomes_the_reply(rows):
    run, (post,) = rows(make_source(), json.dumps(QA, ensure_ascii=False).encode(), "qa.jsonl")
    assert (run.importer, post.title, post.answer) == ("mnbvc", "怎么叠纸船", "1. 对折。\n2. 再对折。")
    assert post.posted_at.isoformat() == "2023-05-17T02:41:58+00:00"


def test_a_quoted_cell_of_several_lines_is_one_row_with_a_bom_and_windows_line_ends(rows):
    text = '\ufeffname,star,time,votes,comment\r\n某人,4,2023-01-01,12,"第一行，\r\n第二行""引号""。"\r\n某人,m,2023-01-02,3,一行\r\n'
    run, posts = rows(make_source(), text.encode(), "comments.csv")
    assert (run.importer, run.read, len(posts)) == ("douban", 2, 2)
    assert [(post.answer, post.votes) for post in posts] == [('第一行，\n第二行"引号"。', 12), ("一行", 3)]


def test_two_carriage_returns_are_a_paragraph_and_a_floor_may_come_twice(rows):
    qa = {"qid": "1", "category": "x", "title": "冬天进补好吗", "desc": "", "answer": "你好！\r\r当然好。\r再见"}
    _run, (post,) = rows(make_source(), json.dumps(qa, ensure_ascii=False).encode(), "qa.jsonl")
    assert post.answer == "你好！\n\n当然好。\n再见"
    shared = {"tid": 9, "user_name": "", "user_id": 1, "time": 1, "image_links": [], "is_comment": False, "parent_pid": None}
    numbered = ((1, 1), (2, 2), (3, 2), (4, 3))
    floors = [{**shared, "pid": n, "text": f"{n}、第{n}个笑话是什么", "floor": floor} for n, floor in numbered]
    run, posts = rows(make_source(), "\n".join(json.dumps(row, ensure_ascii=False) for row in floors).encode(), "thread.jsonl")
    assert [post.title for post in posts] == ["第1个笑话是什么", "第2个笑话是什么", "第4个笑话是什么"]
    assert run.rejected_rows.get().reason == "floor_of_a_floor"


def test_the_comments_of_the_wild_keep_their_lines(rows, wild):
    run, posts = rows(make_source(), wild("douban/short_comments.csv"), "short_comments.csv")
    assert (run.read, run.created, run.known, run.rejected) == (120, 99, 21, 0)
    assert sum("\n" in post.answer for post in posts) > 10
    assert max(post.votes for post in posts) == 13_296
    assert not any("\r" in post.answer for post in posts)


def test_the_questions_of_the_wild_have_their_paragraphs_and_their_json_read(rows, wild):
    _run, (post,) = rows(make_source(), wild("baike/baike2018qa_example.jsonl"), "baike2018qa_example.jsonl")
    assert "\r" not in post.answer
    assert post.answer.startswith("你好！\n\n")
    _run, (post,) = rows(make_source(), wild("mnbvc/wikihow_example.json"), "wikihow_example.json")
    assert post.answer.startswith("1. 了解基础知识\n1-1. ")
    assert post.posted_at.isoformat() == "2023-05-17T02:41:58+00:00"


def test_the_notes_of_the_wild_lose_their_topics_and_their_people(rows, wild):
    run, posts = rows(make_source(), wild("xhs/mediacrawler_search_contents.json"), "mediacrawler_search_contents.json")
    assert (run.importer, len(posts)) == ("xiaohongshu", 159)
    assert not any("[话题]#" in post.answer for post in posts)
    assert all(isinstance(post.votes, int) for post in posts)


def test_all_fourteen_that_the_makers_of_cqia_took_of_the_annual_posts_are_found(rows, wild):
    presets.ensure("ruozhiba")
    source = Source.objects.get()
    rows(source, wild("ruozhiba/cqia_ruozhiba.jsonl"), "cqia_ruozhiba.jsonl")
    rows(source, wild("tieba/leymore_post_annual.json"), "leymore_post_annual.json")
    plain = str.maketrans("", "", " \n\u3000，。！？；：、…—“”‘’（）《》·,.!?;:'\"()-~")
    titles = {post.pk: post.title.translate(plain) for post in Post.objects.all()}
    mine = {titles[pk]: pk for pk in Post.objects.filter(run__file_name="cqia_ruozhiba.jsonl").values_list("pk", flat=True)}
    theirs = Post.objects.filter(run__file_name="leymore_post_annual.json")
    same = [(mine[titles[post.pk]], post.pk) for post in theirs if titles[post.pk] in mine]
    assert len(same) == 14
    source.screens = [{"screen": "near_duplicate", "field": "title"}]
    source.save()
    screening.screen(source)
    found = Post.objects.in_bulk([pk for pair in same for pk in pair])
    for one, other in same:
        clusters = {found[pk].cluster_id or pk for pk in (one, other)}
        assert len(clusters) == 1, (found[one].title, found[other].title)
