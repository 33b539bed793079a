"""Posts that are converted together come out as each would by itself."""

import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.batches import Recipe
from sources.converting import Converter
from sources.screens import make
from sources.screens.base import IGNORING_CASE

SCREENS = [{"screen": "language", "convert": True}, {"screen": "personal_data"}, {"screen": "advert"}, {"screen": "near_duplicate"}]
PLAIN = "今天天气很好，我们去公园散步，看见了许多花。"
PIECES = [
    PLAIN, "", "？", "\x01", "\x1f", "\t", "\\", "\n", "3.", "14", "😀", "[笑哭]", "加微信", "優惠券：", "手机13812345678", "蘇A12345",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)


def converted(rows, *, each_alone=False, screens=SCREENS):
    made = Converter(Recipe("cqia", {}, "auto", "", screens, {}), list)
    batches = []
    for number, row in enumerate(rows, 1):
        made.add(number, row)
        if each_alone:
            batches.append(made.take(number, number))
    batches.append(made.take(len(rows), len(rows)))
    return [[item for batch in batches for item in getattr(batch, name)] for name in ("posts", "lines", "rejected")]


@settings(deadline=None)  # the first makes tables
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=40))
def test_together_is_like_alone(texts):
    rows = [dict(zip(("instruction", "input", "output"), three, strict=True)) for three in texts]
    assert converted(rows) == converted(rows, each_alone=True)


def test_one_that_holds_what_a_screen_looks_for_is_found_among_many_that_do_not():
    rows = [{"instruction": f"{PLAIN}{n}", "input": "", "output": PLAIN} for n in range(100)]
    rows[40]["output"] = "快来加微信领资料"
    rows[70]["input"] = "我的手机是 13812345678。"
    posts, lines, _rejected = converted(rows)
    assert [head.row for head in posts if head.reason == "advert"] == [41]
    assert [line.split(b"\t", 1)[0] for line in lines if "[手机号]".encode() in line] == [b"71"]


def test_what_becomes_an_advert_by_an_edit_is_one():
    posts, _lines, _rejected = converted([{"instruction": PLAIN, "input": "", "output": "專屬優惠券：八折"}])
    assert [head.reason for head in posts] == ["advert"]


def test_the_rejected_of_a_batch_stay_in_their_order():
    rows = [{"qid": qid, "title": title, "content": ""} for qid, title in (("1", "一"), ("2", ""), ("\0", "三"), ("4", ""))]
    made = Converter(Recipe("zhihu", {}, "auto", "", [], {}), list)
    for number, row in enumerate(rows, 1):
        made.add(number, row)
    assert [(row, reason) for row, reason, *_ in made.take(4, 4).rejected] == [(2, "no_text"), (3, "nul_character"), (4, "no_text")]


def test_hints_are_expressions_that_can_be_asked_for_at_once():
    hints = [screen.hint for screen in make(SCREENS) if screen.hint]
    assert len(hints) == 2
    assert re2.compile("|".join(hints), options=IGNORING_CASE).search("加微信")
    assert not make([{"screen": "advert", "leftovers": True}])[0].hint  # 以上 at the end is what it looks for, too
