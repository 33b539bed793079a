import itertools
from datetime import UTC, datetime

import pytest

from sources.importers import IMPORTERS, Rejected, lacking, recognise

TITLE = {"title": "空腹抽血，要先把胃取出来吗？", "abs": None, "href": "/p/9000000001?fr=good", "lz": "某某", "n_reply": "846"}
ANNUAL = {"author": "某某", "content": "151、我把表调快一小时，是不是就活到了未来？", "l_num": 2, "ctime": "2018-12-24 00:02"}
FLOOR = {
    "pid": 11,
    "tid": 22,
    "user_name": "某某",
    "user_id": 33,
    "text": "楼上说得对",
    "time": 1760586264,
    "is_comment": False,
    "floor": 2,
}
TIEBA_NOTE = {
    "note_id": "44",
    "title": "题",
    "desc": "文",
    "note_url": "https://tieba.baidu.com/p/44",
    "publish_time": "1760586264",
    "tieba_name": "弱智吧",
}
ZHIHU = {
    "qid": 5,
    "title": "为什么？",
    "desc": "一<br>二",
    "topic": "生活",
    "star": 30,
    "content": "<p>因为。</p>",
    "answer_id": 6,
    "answerer_tags": "",
}
ZHIHU_CRAWLED = {
    "content_id": "7",
    "content_type": "answer",
    "content_text": "因为如此。",
    "content_url": "https://www.zhihu.com/question/5/answer/7",
    "question_id": "5",
    "title": "为什么？",
    "desc": "因为如此。",
    "created_time": 1760586264,
    "voteup_count": 12,
    "user_nickname": "某某",
}
NOTE = {
    "note_id": "66aa",
    "type": "normal",
    "title": "早餐",
    "desc": "豆浆[偷笑R] #早餐[话题]#",
    "time": 1743574266000,
    "liked_count": "1.2万",
    "user_id": "u1",
    "nickname": "某某",
    "ip_location": "北京",
    "xsec_token": "t",
}
COMMENT = {
    "name": "某某",
    "star": "m",
    "time": "2022-12-10 16:49:45",
    "votes": "246",
    "comment": "没有从头讲，\n从运河切入。",
    "source": "《渡口》",
}
REVIEW = {"subject": "渡口", "title": "人和桥", "content": "长评。", "useful_count": "3"}
QA = {"qid": "qid_1", "category": "生活", "title": "饺子为什么点水？ ", "desc": "", "answer": "为了\r\r熟得均匀。"}
ENTRY = {"id": "53", "url": "https://zh.wikipedia.org/wiki?curid=53", "title": "经济学", "text": "经济学\n\n经济学是一门科学。"}
EXAM = {"year": "2011", "category": "卷一", "question": "1+1=？ A.1 B.2", "answer": ["B"], "analysis": "数一数。", "index": 0, "score": 4}
CQIA = {"instruction": "写一句话", "input": "关于雨", "output": "下雨了。", "metadata": ""}
SHAPES = {
    "tieba": [TITLE, ANNUAL, FLOOR, TIEBA_NOTE],
    "zhihu": [ZHIHU, ZHIHU_CRAWLED],
    "xiaohongshu": [NOTE],
    "douban": [COMMENT, REVIEW],
    "baike": [QA, ENTRY],
    "exam": [EXAM],
    "generic": [CQIA],
}
ALL = [(name, row) for name, rows in SHAPES.items() for row in rows]


def read(name, row, /, **changes):
    return IMPORTERS[name]().read({**row, **changes})


@pytest.mark.parametrize(("name", "row"), ALL)
def test_each_shape_is_recognised_lacks_nothing_and_becomes_a_post(name, row):
    assert recognise([row, row, {"other": 1}]) == name
    assert not lacking(IMPORTERS[name](), [row])
    post = read(name, row)
    assert post.external_id
    assert post.title


@pytest.mark.parametrize(("name", "row"), ALL)
def test_no_name_stays_in_the_raw_row_and_equal_rows_are_one_post(name, row):
    importer = IMPORTERS[name]()
    assert "某某" not in str(importer.anonymous({**row, "replies": [{"user_name": "某某", "text": "x"}]}))
    assert importer.read(row).external_id == importer.read(dict(reversed(row.items()))).external_id


@pytest.mark.parametrize(("name", "row"), ALL)
@pytest.mark.parametrize("value", [{"a": 1}, ["x"], [{}], True, None, 5, -1.5, "", "x" * 5000])
def test_values_of_the_wrong_type_make_a_post_or_a_named_rejection(name, row, value):
    for key in row:
        try:
            post = read(name, row, **{key: value})
        except Rejected:
            continue  # any other exception fails the test
        assert len(post.external_id) <= 200
        assert all(isinstance(text, str) for text in (post.title, post.body, post.answer, post.url, post.author))
        assert post.votes is None or isinstance(post.votes, int)


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("151、家电", "家电"),
        ("123 填报志愿", "填报志愿"),
        ("355.25岁程序员", "25岁程序员"),
        ("51.1010年前", "1010年前"),
        (" 3．甲", "甲"),
        ("为什么是151，因为149、150、151三贴得分相同", "为什么是151，因为149、150、151三贴得分相同"),
        ("2丨6丨9", "2丨6丨9"),
        ("112、14岁", "14岁"),
    ],
)
def test_the_rank_of_an_annual_post_goes_and_nothing_else(content, title):
    assert read("tieba", ANNUAL, content=content).title == title


def test_an_annual_post_was_posted_at_beijing_time_and_has_no_votes():
    post = read("tieba", ANNUAL)
    assert (post.posted_at.astimezone(UTC), post.votes, post.author) == (datetime(2018, 12, 23, 16, 2, tzinfo=UTC), None, "某某")


def test_a_title_has_its_thread_as_id_and_its_replies_as_votes():
    post = read("tieba", TITLE)
    assert (post.external_id, post.url, post.votes, post.body) == ("9000000001", "https://tieba.baidu.com/p/9000000001", 846, "")


def test_zhihu_loses_its_markup_and_a_description_that_repeats_the_answer():
    post = read("zhihu", ZHIHU)
    assert (post.external_id, post.body, post.answer, post.votes) == ("6", "一\n二", "因为。", 30)
    assert read("zhihu", ZHIHU_CRAWLED).body == ""
    assert read("zhihu", ZHIHU, answer_id=None).external_id != read("zhihu", ZHIHU, answer_id=None, content="别的").external_id


def test_a_note_is_the_reply_to_its_title():
    post = read("xiaohongshu", NOTE)
    assert (post.title, post.answer, post.votes, post.posted_at.year) == ("早餐", "豆浆", 12_000, 2025)
    with pytest.raises(Rejected, match="a_video"):
        read("xiaohongshu", NOTE, type="video")


def test_douban_entries_and_exams():
    comment = read("douban", COMMENT)
    assert (comment.title, comment.answer, comment.votes) == ("渡口", "没有从头讲，\n从运河切入。", 246)
    assert (read("douban", REVIEW).title, read("douban", REVIEW).body) == ("渡口", "人和桥")
    assert read("baike", QA).answer == "为了\n\n熟得均匀。"
    assert read("baike", ENTRY).answer == "经济学是一门科学。"
    assert read("exam", EXAM).answer == "答案：B\n\n数一数。"


def test_any_file_by_a_mapping_or_by_its_names():
    mapped = IMPORTERS["generic"]({"title": "subj", "answer": "re", "author": "who"})
    row = {"subj": "题", "re": "答", "title": "not this", "who": "某某"}
    assert (mapped.read(row).title, mapped.read(row).answer, mapped.read(row).author) == ("题", "答", "某某")
    assert "某某" not in str(mapped.anonymous(row))
    named = read("generic", CQIA)
    assert (named.title, named.body, named.answer) == ("写一句话", "关于雨", "下雨了。")
    assert read("generic", {"input": "问", "output": "答"}).title == "问"
    assert recognise([{"foo": 1}]) == ""


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x.example/a", True),
        ("javascript:alert(1)", False),
        ("https://x.example/a b", False),
        ("https://x.example/" + "a" * 1000, False),
        ("//x.example", False),
    ],
)
def test_only_a_web_address_is_a_link(url, kept):
    assert bool(read("generic", CQIA, url=url).url) is kept


@pytest.mark.parametrize(
    ("votes", "number"),
    [
        ("1.2万", 12_000),
        ("3,456", 3456),
        ("10+", 10),
        ("2w", 20_000),
        ("m", None),
        ("", None),
        (5.0, 5),
        ("-3", -3),
        ("1千", 1000),
        ("٣", 3),
        ("1e3", 1000),
    ],
)
def test_counts_as_platforms_write_them(votes, number):
    assert read("generic", CQIA, votes=votes).votes == number


@pytest.mark.parametrize("votes", [2**31, 2**63, "99999999999999999999", "1e15"])
def test_a_count_that_fits_no_column_is_rejected(votes):
    with pytest.raises(Rejected, match="number_out_of_range"):
        read("generic", CQIA, votes=votes)


@pytest.mark.parametrize("time", ["yesterday", "0000-00-00", 1e300, -1, "9999-12-31", True, "2024-13-01"])
def test_a_date_that_nobody_can_read_is_no_date(time):
    assert read("generic", CQIA, time=time).posted_at is None


@pytest.mark.parametrize(
    "time", ["2024-03-01 08:00", "2024/03/01 08:00:00", "20240301 08:00:00", "2024-03-01T00:00:00Z", 1709251200, "1709251200000"]
)
def test_dates_as_platforms_write_them(time):
    assert read("generic", CQIA, time=time).posted_at == datetime(2024, 3, 1, tzinfo=UTC)


def test_what_a_file_lacks_is_told_for_the_nearest_shape():
    without = {key: value for key, value in ANNUAL.items() if key != "content"}
    assert lacking(IMPORTERS["tieba"](), [without]) == {"content"}
    assert lacking(IMPORTERS["generic"]({"title": "subj", "answer": "re"}), [{"subj": "x"}]) == {"re"}
    assert lacking(IMPORTERS["generic"](), [{"foo": "x"}]) == {"title"}


def test_the_shapes_of_different_platforms_are_told_apart():
    for (one, row), (other, _) in itertools.permutations(ALL, 2):
        if one != other:
            assert recognise([row]) != other
