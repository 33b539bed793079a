import time
from types import SimpleNamespace

import pytest

from sources import wording
from sources.presets import PRESETS
from sources.screens import SCREENS, BadScreen, make
from sources.templatetags.wording import screen_words

EVERY = [
    {"screen": "duplicate"}, {"screen": "length", "min": 1}, {"screen": "votes", "min": 1}, {"screen": "matches", "pattern": "."},
    {"screen": "excludes", "pattern": "甲"}, {"screen": "words", "words": ["甲"]}, {"screen": "language"}, {"screen": "advert"},
    {"screen": "residue"}, {"screen": "statement"}, {"screen": "personal_data"},
    {"screen": "contamination", "texts": ["甲乙丙丁戊己庚辛壬"]},
    {"screen": "best", "count": 1}, {"screen": "per_question", "most": 1}, {"screen": "near_duplicate"}, {"screen": "score", "min": 8},
]  # fmt: skip


def a_post(**fields):
    return SimpleNamespace(
        **{
            "pk": 1,
            "title": "",
            "body": "",
            "answer": "",
            "votes": None,
            "content_hash": "h",
            "question_id": "",
            "is_fixed": False,
            "is_chosen": False,
            **fields,
        }
    )


def drops(setting, twin=None, **post):
    return make([setting])[0].drops(a_post(**post), twin)


def edits(setting, **post):
    return make([setting])[0].edits(a_post(**post))


def falls(setting, *posts):
    """Who falls, by pk, whatever the order in which the posts are read."""
    one, other = (dict(make([setting])[0].among([a_post(**p) for p in order])) for order in (posts, posts[::-1]))
    assert one == other
    return {pk: tuple(dropped) for pk, dropped in one.items()}


@pytest.mark.parametrize(
    ("setting", "post", "verdict"),
    [
        ({"screen": "length", "min": 3}, {"title": "两字"}, ("too_short", "2")),
        ({"screen": "length", "min": 3}, {"title": "三个字"}, None),
        ({"screen": "length", "max": 2}, {"title": "两字"}, None),
        ({"screen": "length", "max": 2}, {"title": "三个字"}, ("too_long", "3")),
        ({"screen": "length", "field": "answer", "min": 1}, {"title": "三个字"}, ("too_short", "0")),
        ({"screen": "votes", "min": 5}, {"votes": 4}, ("too_few_votes", "4")),
        ({"screen": "votes", "min": 5}, {"votes": 5}, None),
        ({"screen": "votes", "min": 5}, {"votes": None}, None),
        ({"screen": "votes", "min": 5, "required": True}, {"votes": None}, ("too_few_votes", "")),
        ({"screen": "votes", "min": 0}, {"votes": -1}, ("too_few_votes", "-1")),
        ({"screen": "matches", "pattern": "[?？]$"}, {"title": "为什么？"}, None),
        ({"screen": "matches", "pattern": "[?？]$"}, {"title": "为什么"}, ("no_match", "")),
        ({"screen": "excludes", "pattern": "签到|打卡", "field": "all"}, {"title": "好", "answer": "每日打卡"}, ("excluded", "打卡")),
        ({"screen": "excludes", "pattern": "签到|打卡"}, {"title": "好", "answer": "每日打卡"}, None),
        ({"screen": "words", "words": ["赌 场", "彩票"]}, {"body": "线上賭，場开业"}, ("listed_word", "赌 场")),
        ({"screen": "words", "words": ["赌场"]}, {"body": "赌气去操场"}, None),
        ({"screen": "language"}, {"title": "Why is the sky blue at all, and not just green?"}, ("not_chinese", "0%")),
        ({"screen": "language"}, {"title": "用 Python 怎么读取 CSV 文件里的中文列名？"}, None),
        ({"screen": "language"}, {"title": "OK"}, None),
        ({"screen": "language"}, {"title": "臺灣的軟體跟这边的软件说法不一樣"}, ("mixed_scripts", "5/9")),
        ({"screen": "language"}, {"title": "為什麼溫水煮不了青蛙，反而把鍋煮熟了"}, None),
        ({"screen": "language"}, {"title": "皇后在公里以外的后面干杯"}, None),
        ({"screen": "advert"}, {"answer": "想要同款的加我微信，包邮到家"}, ("advert", "加我微信")),
        ({"screen": "advert"}, {"answer": "微信支付和刷卡有什么区别，我加了他好友"}, None),
        ({"screen": "advert"}, {"answer": "谢邀。先说结论。"}, None),
        ({"screen": "advert", "leftovers": True}, {"answer": "谢邀。先说结论。"}, ("leftover", "谢邀")),
        ({"screen": "advert", "leftovers": True}, {"answer": "结论如上。\n以上。"}, ("leftover", "以上。")),
        ({"screen": "advert", "leftovers": True}, {"answer": "以上海为例，房价如何。"}, None),
        ({"screen": "residue"}, {"body": "好吃<br/>又便宜[偷笑R]"}, ("residue", "2")),
        ({"screen": "residue"}, {"body": "若 a < b 且 b > c，数组写成 [1, 2]"}, None),
        ({"screen": "residue", "most": 2}, {"body": "好吃<br/>又便宜[偷笑R]"}, None),
        ({"screen": "statement"}, {"title": "今天我把冰箱关进了大象里。"}, ("statement", "")),
        ({"screen": "statement"}, {"title": "大象进冰箱要不要付门票"}, None),
        ({"screen": "statement"}, {"title": "晒太阳会不会把太阳晒黑"}, None),
        ({"screen": "statement"}, {"title": "一个陈述句", "answer": "有答案"}, None),
        ({"screen": "personal_data", "drop": True}, {"answer": "打 138 1234 5678"}, ("personal_data", "mobile")),
        ({"screen": "personal_data"}, {"answer": "打 13812345678"}, None),
        ({"screen": "contamination", "texts": ["保温杯里装冰水的时候它到底保的是谁的温"]},
         {"title": "題：保溫杯里，装冰水的时候，它到底保的是谁的温😂"},
         ("in_benchmark", "100% · 1 · 保温杯里装冰水的时候它到底保的是谁的温")),
        ({"screen": "contamination", "texts": ["保温杯里装冰水的时候它到底保的是谁的温"]}, {"title": "保温杯里装冰水好喝吗"}, None),
    ],
)  # fmt: skip
def test_a_screen_says_why_and_what_it_measured(setting, post, verdict):
    assert drops(setting, **post) == verdict


def test_a_duplicate_names_the_post_that_it_repeats():
    assert drops({"screen": "duplicate"}, twin=7) == ("duplicate", "7")
    assert drops({"screen": "duplicate"}) is None


@pytest.mark.parametrize(
    ("setting", "post", "changed"),
    [
        ({"screen": "personal_data"}, {"title": "找我", "answer": "电话１３８１２３４５６７８。"}, {"answer": "电话[手机号]。"}),
        ({"screen": "personal_data", "drop": True}, {"answer": "13812345678"}, {}),
        ({"screen": "language", "convert": True}, {"title": "臺灣的軟體", "body": "简体"}, {"title": "台湾的软体"}),
        ({"screen": "language"}, {"title": "臺灣的軟體"}, {}),
        ({"screen": "residue", "clean": True}, {"body": "好吃<br/>又便宜[偷笑R]&amp;快"}, {"body": "好吃\n又便宜&快"}),
    ],
)
def test_a_screen_changes_texts_only_where_there_is_something_to_change_and_once(setting, post, changed):
    assert edits(setting, **post) == changed
    assert edits(setting, **{**post, **changed}) == {}


def test_the_best_by_votes_and_of_equal_ones_the_earlier():
    posts = [{"pk": pk, "votes": votes} for pk, votes in enumerate([5, None, 9, 5, 7], 1)]
    assert falls({"screen": "best", "count": 3}, *posts) == {2: ("not_among_best", ""), 4: ("not_among_best", "5")}


def test_a_post_that_stays_anyway_is_one_of_the_best():
    posts = [{"pk": 1, "votes": 9}, {"pk": 2, "votes": 1, "is_fixed": True}]
    assert list(falls({"screen": "best", "count": 1}, *posts)) == [1]


def test_so_many_answers_to_a_question():
    posts = [{"pk": pk, "votes": pk, "question_id": "q"} for pk in range(1, 6)]
    posts += [{"pk": 6, "title": "为什么？"}, {"pk": 7, "title": "为什么?"}, {"pk": 8}, {"pk": 9}]
    found = falls({"screen": "per_question", "most": 1}, *posts)
    assert set(found) == {1, 2, 3, 4, 7}
    assert found[1] == ("enough_answers", "5")


def test_of_near_duplicates_the_one_with_most_votes_stays():
    posts = [
        {"pk": 1, "title": "保温杯里装冰水，它该保谁的温？", "votes": 3},
        {"pk": 2, "title": "保溫杯裏裝冰水，它該保誰的溫😂", "votes": 8},
        {"pk": 3, "title": "保温杯里装了冰水，它该保谁的温", "votes": 8},
        {"pk": 4, "title": "电梯里装镜子，是怕谁看不见谁？", "votes": 1},
    ]
    assert falls({"screen": "near_duplicate"}, *posts) == {1: ("near_duplicate", "2"), 3: ("near_duplicate", "2")}


@pytest.mark.parametrize(
    "setting",
    [
        {}, {"screen": "lenght"}, {"screen": "length", "most": 3}, {"screen": "length", "field": "author"}, {"screen": "votes"},
        {"screen": "votes", "min": "many"}, {"screen": "duplicate", "min": 1}, {"screen": "matches", "pattern": ""},
        {"screen": "matches", "pattern": "("}, {"screen": "matches", "pattern": r"(a)\1"}, {"screen": "matches", "pattern": "x" * 501},
        {"screen": "words", "words": []}, {"screen": "words", "words": ["。。"]}, {"screen": "words", "words": "词"},
        {"screen": "best", "count": 0}, {"screen": "best", "count": True}, {"screen": "best", "count": 1e400},
        {"screen": "near_duplicate", "like": 0},
        {"screen": "near_duplicate", "like": 1.5}, {"screen": "near_duplicate", "field": "author"}, {"screen": ["best"]},
    ],
)  # fmt: skip
def test_a_setting_that_no_screen_knows_is_named(setting):
    with pytest.raises(BadScreen):
        make([setting])


def test_a_screen_that_is_off_is_checked_but_does_nothing():
    assert make([{"screen": "votes", "min": 5, "off": True}]) == []
    with pytest.raises(BadScreen):
        make([{"screen": "votes", "off": True}])


@pytest.mark.parametrize("setting", EVERY, ids=[setting["screen"] for setting in EVERY])
@pytest.mark.parametrize(
    "text", ["a" * 200_000, "\n " * 100_000, "1" * 200_000, "<a " * 60_000, "加" * 200_000, "[" * 200_000, "$" * 200_000]
)
def test_no_text_takes_a_screen_long(setting, text):
    start = time.perf_counter()
    screen = make([{**setting, **({"leftovers": True} if setting["screen"] == "advert" else {})}])[0]
    screen.drops(a_post(title=text, answer=text), None)
    screen.edits(a_post(title=text, answer=text))
    assert time.perf_counter() - start < 3


def test_a_hostile_pattern_takes_no_longer_than_a_kind_one():
    start = time.perf_counter()
    assert drops({"screen": "matches", "pattern": "(a+)+$"}, title="a" * 50_000 + "b") == ("no_match", "")
    assert time.perf_counter() - start < 1


def test_every_screen_and_setting_has_its_words():
    assert {setting["screen"] for setting in EVERY} == set(SCREENS) == set(wording.SCREENS)
    assert {name for screen in SCREENS.values() for name in screen.settings} <= set(wording.SETTINGS)
    assert all(screen_words({**setting, "off": True}) for setting in EVERY)


def test_every_preset_has_known_screens():
    assert all(make(preset["screens"]) for preset in PRESETS.values())
