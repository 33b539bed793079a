"""What is odd about each format, as a case."""

import json
from datetime import UTC, datetime

import pytest

from datasets.schemas import SCHEMAS
from sources.importers import IMPORTERS, Rejected, recognise
from tests.sources import samples


def read(name, row, /, **changes):
    return IMPORTERS[name]().read({**row, **changes})


# --- zhihu ---------------------------------------------------------------------------------------------------------------
def test_answers_to_one_question_share_its_id():
    assert read("zhihu", samples.ZHIHU).question_id == "5"
    assert read("zhihu", samples.ZHIHU, answer_id=None, content="别的").question_id == "5"
    assert read("zhihu", samples.ZHIHU_CRAWLED).question_id == "5"


def test_an_article_answers_its_own_title_and_a_video_is_left_out():
    article = read("zhihu", samples.WATCHED)
    assert (article.title, article.body, article.answer, article.votes, article.question_id) == ("文章", "", "一篇文章。", 12_000, "")
    with pytest.raises(Rejected, match="a_video"):
        read("zhihu", samples.WATCHED, content_type="zvideo")


def test_a_hot_question_has_no_answer_and_is_known_by_its_address():
    post = read("zhihu", samples.HOT, url=samples.HOT["url"] + "/?utm=1")
    assert (post.external_id, post.question_id, post.answer) == ("1900000000000000001", "1900000000000000001", "")
    assert post.url == samples.HOT["url"]
    assert recognise([{**samples.HOT, "url": "https://news.example/1"}]) == "generic"


# --- encyclopedias -------------------------------------------------------------------------------------------------------
def test_a_news_item_is_the_reply_to_its_title_without_its_summary_and_a_date_without_a_year_is_none():
    post = read("baike", samples.NEWS)
    assert (post.external_id, post.title, post.body, post.answer) == ("9", "新桥通车", "", "昨日，新桥通车。\n\n河边站满了人。")
    assert post.posted_at is None
    assert read("baike", samples.NEWS, desc="桥长一公里。").body == "桥长一公里。"


@pytest.mark.parametrize(("ends", "read_as"), [("\r\r", "\n\n"), ("\r\n", "\n"), ("\r", "\n"), ("\r\n\r\n\r\n", "\n\n")])
def test_every_kind_of_line_end_is_one(ends, read_as):
    assert read("baike", samples.QA, answer=f"一{ends}二").answer == f"一{read_as}二"


def test_input_and_output_are_a_question_and_its_answer_only_when_there_is_nothing_else():
    assert (read("baike", samples.ASKED).title, read("baike", samples.ASKED).answer) == ("水开了为什么会响？", "气泡在上升时破裂。")
    assert recognise([samples.ASKED]) == "baike"
    assert recognise([{**samples.ASKED, "note": "x"}]) == "generic"


# --- MNBVC ---------------------------------------------------------------------------------------------------------------
def test_json_within_strings_is_read():
    post = read("mnbvc", samples.MNBVC_QA)
    assert (post.title, post.answer, post.votes) == ("如何叠纸船", "1. 拿一张纸\n1-1. 对折。", 12)
    assert post.posted_at == datetime(2023, 5, 17, 2, 41, 58, tzinfo=UTC)
    assert read("mnbvc", samples.MNBVC_QA, 答="").answer == "1. 拿一张纸\n1-1. 对折。"
    broken = {**samples.MNBVC_QA["元数据"], "回答明细": '{"回答": "没有结', "扩展字段": "[1"}
    assert read("mnbvc", samples.MNBVC_QA, 答="", 元数据=broken).answer == ""


def test_no_name_is_left_in_json_within_strings():
    for row in (samples.MNBVC_QA, samples.MNBVC_FORUM):
        left = IMPORTERS["mnbvc"]().anonymous(row)
        assert "某某" not in json.dumps(left, ensure_ascii=False)
        assert "点赞数" in str(left)


def test_a_forum_thread_is_its_topic_with_the_floors_as_context():
    post = read("mnbvc", samples.MNBVC_FORUM)
    assert (post.title, post.answer, post.votes) == ("出一张今晚的票", "", 1)
    assert post.context == ({"floor": 1, "text": "还在吗"}, {"floor": 3, "text": "已出"})
    without = read("mnbvc", samples.MNBVC_FORUM, 主题="")
    assert (without.title, without.context) == ("还在吗", ({"floor": 3, "text": "已出"},))
    with pytest.raises(Rejected, match="no_text"):
        read("mnbvc", samples.MNBVC_FORUM, 主题="", 回复=[])


# --- SegmentFault, exams -------------------------------------------------------------------------------------------------
def test_of_html_the_markup_goes_and_of_markdown_nothing():
    post = read("segmentfault", samples.CODE)
    assert (post.body, post.answer, post.votes) == ("```html\n<div>0.3</div>\n```", "二进制 < 十进制", 5)


PASSAGE, QUESTIONS = "阅读短文，完成 1～2 题．\n河边有桥．", "1．（4 分）桥在哪？\n2．（4 分）河呢？"


@pytest.mark.parametrize(
    ("question", "title", "body"),
    [
        (f"{PASSAGE}\n{QUESTIONS}\n", PASSAGE, QUESTIONS),
        ("3．（6分）1+1=（ ）\nA．1\nB．2", "3．（6分）1+1=（ ）\nA．1\nB．2", ""),
        ("1+1=？\n1. 甲说 1\n2. 乙说 2", "1+1=？\n1. 甲说 1\n2. 乙说 2", ""),
    ],
)
def test_a_passage_is_told_from_the_questions_about_it(question, title, body):
    post = read("exam", samples.EXAM, question=question)
    assert (post.title, post.body) == (title, body)


@pytest.mark.parametrize(
    ("answer", "reply"), [(["B", "C"], "答案：B、C\n\n数一数。"), ("B", "答案：B\n\n数一数。"), ([], "数一数。"), (None, "数一数。")]
)
def test_an_exams_answer_is_a_list_or_a_text(answer, reply):
    assert read("exam", samples.EXAM, answer=answer).answer == reply


def test_an_exam_with_a_passage_of_its_own():
    post = read("exam", samples.EXAM, passage="河边有桥。")
    assert (post.title, post.body) == ("河边有桥。", samples.EXAM["question"])


# --- data sets of instructions -------------------------------------------------------------------------------------------
def test_instruction_input_and_output():
    for name, row in (("cqia", samples.CQIA), ("alpaca", {**samples.ALPACA, "input": "关于雨"})):
        post = read(name, row)
        assert (post.title, post.body, post.answer) == ("写一句话", "关于雨", "下雨了。")
    assert [item["text"] for item in read("alpaca", samples.ALPACA).context] == ["先前问", "先前答"]
    assert read("alpaca", samples.PREFERENCE).answer == "下雨了。"
    assert (read("belle", samples.BELLE).title, read("belle", samples.BELLE).answer) == ("一天有多少小时？", "24 小时。")


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("given", ["关于雨", ""])
def test_what_this_product_writes_it_reads_back(schema, given):
    judged = {"chosen": "下雨了。", "rejected": "天晴了。", "label": True}
    row = SCHEMAS[schema].row({**samples.CQIA, **judged, "input": given})
    post = read(recognise([row]), row)
    assert "\n".join(filter(None, [post.title, post.body])) == "\n".join(filter(None, ["写一句话", given]))
    assert post.answer == "下雨了。"


def test_of_a_conversation_the_first_question_and_answer_are_the_post_and_the_rest_its_context():
    post = read("conversations", samples.SHAREGPT)
    assert (post.title, post.answer) == ("雨是什么？", "水滴。")
    assert post.context == ({"floor": 3, "text": "那雪呢？"}, {"floor": 4, "text": "冰晶。"})
    for row in (samples.PAIRED, samples.MESSAGES):
        assert (read("conversations", row).title, read("conversations", row).answer) == ("雨是什么？", "水滴。")


@pytest.mark.parametrize(
    ("turns", "answer"),
    [
        ([{"from": "human", "value": "雨？"}], ""),
        ([{"from": "gpt", "value": "你好"}, {"from": "human", "value": "雨？"}, {"from": "gpt", "value": "水。"}], "水。"),
        ([{"from": "human", "value": "雨？"}, {"from": "human", "value": "快说"}], ""),
        ([{"from": "tool", "value": "x"}, None, 5, {"from": ["x"]}, {"human": "雨？", "assistant": "水。"}], "水。"),
    ],
)
def test_odd_conversations(turns, answer):
    post = read("conversations", samples.SHAREGPT, conversations=turns)
    assert (post.title, post.answer) == ("雨？", answer)


def test_a_conversation_without_a_question_is_rejected_and_a_chosen_answer_is_the_answer():
    with pytest.raises(Rejected, match="no_question"):
        read("conversations", samples.SHAREGPT, conversations=[{"from": "gpt", "value": "你好"}])
    asked = {
        "conversations": [{"from": "human", "value": "雨？"}],
        "chosen": {"from": "gpt", "value": "水。"},
        "rejected": {"from": "gpt", "value": "火。"},
    }
    assert read("conversations", asked).answer == "水。"
    assert recognise([{"messages": "three new messages", "title": "题"}]) == "generic"


# --- others --------------------------------------------------------------------------------------------------------------
def test_douban_stars_are_no_votes():
    assert read("douban", samples.COMMENT, star="5", votes="").votes is None
    assert (read("douban", samples.LONG_REVIEW).votes, read("douban", samples.SUBJECT).title) == (12_000, "渡口")


def test_tieba_notes_with_old_and_with_new_fields_of_their_user():
    old, new = read("tieba", samples.TIEBA_NOTE), read("tieba", samples.NEW_TIEBA_NOTE)
    assert (old.author, new.author, old.votes) == (samples.TIEBA_NOTE["user_link"], "某某", 12)
    assert old.posted_at == datetime(2025, 10, 16, 3, 44, 24, tzinfo=UTC)


def test_a_conversation_in_the_cell_of_a_table_is_read_and_what_no_database_takes_stays_a_text():
    cell = '[{"role": "user", "content": "雨？", "user_name": "某某"}, {"role": "assistant", "content": "水。"}]'
    post, raw = read("conversations", {"messages": cell}), IMPORTERS["conversations"]().anonymous({"messages": cell})
    assert (post.title, post.answer) == ("雨？", "水。")
    assert raw == {"messages": [{"role": "user", "content": "雨？"}, {"role": "assistant", "content": "水。"}]}
    hostile = {"messages": cell.replace("雨", "\\u0000")}
    assert IMPORTERS["conversations"]().anonymous(hostile) == hostile
    with pytest.raises(Rejected, match="no_question"):
        read("conversations", hostile)
