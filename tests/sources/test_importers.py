import itertools
from datetime import UTC, datetime

import pytest

from sources.importers import IMPORTERS, Rejected, lacking, recognise
from tests.sources.samples import ANNUAL, COMMENT, ENTRY, EXAM, MAPPED, NOTE, QA, REVIEW, SHAPES, TITLE, ZHIHU, ZHIHU_CRAWLED

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
    named = read("generic", {"instruction": "写一句话", "input": "关于雨", "output": "下雨了。"})
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
    assert bool(read("generic", MAPPED, url=url).url) is kept


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
    assert read("generic", MAPPED, votes=votes).votes == number


@pytest.mark.parametrize("votes", [2**31, 2**63, "99999999999999999999", "1e15"])
def test_a_count_that_fits_no_column_is_rejected(votes):
    with pytest.raises(Rejected, match="number_out_of_range"):
        read("generic", MAPPED, votes=votes)


@pytest.mark.parametrize("time", ["yesterday", "0000-00-00", 1e300, -1, "9999-12-31", True, "2024-13-01"])
def test_a_date_that_nobody_can_read_is_no_date(time):
    assert read("generic", MAPPED, time=time).posted_at is None


@pytest.mark.parametrize(
    "time", ["2024-03-01 08:00", "2024/03/01 08:00:00", "20240301 08:00:00", "2024-03-01T00:00:00Z", 1709251200, "1709251200000"]
)
def test_dates_as_platforms_write_them(time):
    assert read("generic", MAPPED, time=time).posted_at == datetime(2024, 3, 1, tzinfo=UTC)


def test_what_a_file_lacks_is_told_for_the_nearest_shape():
    without = {key: value for key, value in ANNUAL.items() if key != "content"}
    assert lacking(IMPORTERS["tieba"](), [without]) == {"content"}
    assert lacking(IMPORTERS["generic"]({"title": "subj", "answer": "re"}), [{"subj": "x"}]) == {"re"}
    assert lacking(IMPORTERS["generic"](), [{"foo": "x"}]) == {"title"}


def test_every_importer_has_a_sample_and_recognises_its_own_alone():
    assert SHAPES.keys() == IMPORTERS.keys()
    for name, row in ALL:
        widths = {
            other: max((len(shape) for shape in kind().needed() if shape <= row.keys() and kind().knows(row)), default=0)
            for other, kind in IMPORTERS.items()
        }
        assert all(widths[name] > width for other, width in widths.items() if other != name), (name, row, widths)


@pytest.mark.parametrize("shuffle", range(3))
def test_a_row_of_another_kind_among_the_first_changes_nothing(shuffle):
    for (one, row), (_other, stray) in itertools.permutations(ALL, 2):
        rows = [row, row, row]
        rows.insert(shuffle, stray)
        assert recognise(rows) == one
