"""What each check finds, and what it leaves alone."""

import time

import pytest

from annotation import check_panel
from annotation.checks import CHECKS, ERROR, WARNING, Around, Near, Texts, check_texts
from annotation.checks.tidying import tidied, without_personal_data
from annotation.wording import FINDINGS

ASKED = "给保温杯装冰水，它会不会生气"
PLAIN = "保温杯里装冰水，它保的是冰水的温。"


def found(output="", instruction=ASKED, name=None, more=""):
    findings = check_texts(instruction, more, output or PLAIN)
    return [finding for finding in findings if name in (None, finding.check)]


def test_a_plain_pair_has_no_findings():
    assert found(PLAIN) == []


def test_errors_come_first_and_every_code_has_a_sentence():
    findings = found("作为一个人工智能语言模型，我的电话是13812345678，见《三体。")
    assert [finding.level for finding in findings] == [ERROR, WARNING, WARNING]
    assert {finding.code for finding in findings} <= set(FINDINGS)


def test_what_is_near_joins_what_was_found_before_in_the_order_of_checks():
    """A text is looked through once; what is accepted near it is another each time."""
    output = "作为一个人工智能语言模型，我的电话是13812345678，见《三体。" + ASKED
    for around in (Around(), Around(near=(Near(7, ASKED),)), Around(near=(Near(8, ASKED),)), Around(others=(" ", output)), Around()):
        texts = Texts(ASKED, "", output, around)
        one_by_one = sorted((each for check in CHECKS.values() for each in check.find(texts)), key=lambda each: each.level != ERROR)
        assert check_texts(ASKED, "", output, around) == one_by_one
        assert [each.pair for each in one_by_one if each.check == "near_duplicate"] == [near.number for near in around.near]


def test_a_check_is_known_by_its_own_name():
    assert {name: check.name for name, check in CHECKS.items()} == {name: name for name in CHECKS}


# --- personal data ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    ["13812345678", "+8613812345678", "+86 138-1234-5678", "86 19912345678", "138 1234 5678", "1３８1234５678", "0086-13812345678"],
)
def test_mobile_numbers_are_errors_where_they_stand(number):
    (finding,) = found(f"打给{number}吧", name="personal_data")
    assert (finding.level, finding.code, finding.field, finding.spans) == (ERROR, "mobile_number", "output", ((2, 2 + len(number)),))


@pytest.mark.parametrize(
    "text",
    [
        "圆周率3.13812345678901",
        "订单号2013812345678",
        "138123456789",
        "12812345678",
        "1381234567",
        "138-12345678",
        "π≈3.14159265358",
        "公元1381年2345月",
    ],
)
def test_other_numbers_are_not_mobile_numbers(text):
    assert found(text, name="personal_data") == []


@pytest.mark.parametrize("address", ["zhang.san@qq.com", "a+b@mail.example-corp.com.cn", "张三@公司.中国", "ｘ＠ｑｑ．com", "me@163.com"])
def test_mail_addresses_are_errors(address):
    assert [finding.code for finding in found(f"写信到 {address} 。", name="personal_data")] == ["email_address"]


@pytest.mark.parametrize("text", ["@某人 你好", "a@b", "user@example.com", "见 x@www.example.org 为例", "价格@100.50元", "@@@@.com"])
def test_what_only_looks_like_an_address_is_none(text):
    assert found(text, name="personal_data") == []


def test_all_fields_are_searched():
    findings = check_texts("我是13812345678", "邮箱 a@qq.com", PLAIN)
    assert [(finding.field, finding.code) for finding in findings] == [("instruction", "mobile_number"), ("input", "email_address")]


# --- how models talk ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "作为一个人工智能语言模型，我没有感情。",
        "作为AI助手，我不能。",
        "我是一个AI语言模型。",
        "身为人工智能助理，",
        "作為一個人工智慧語言模型，",
        "As an AI language model, I cannot.",
        "我的知识截止于2021年9月。",
        "作为一款由某公司开发的大语言模型，",
        "我只是一个语言模型",
    ],
)
def test_a_model_talking_about_itself_is_a_warning(text):
    (finding,) = found(text, name="model_phrasing")
    (start, end), *_ = finding.spans
    assert (finding.level, finding.field) == (WARNING, "output")
    assert text[start:end]


@pytest.mark.parametrize(
    "text", ["人工智能语言模型是什么？", "作为一个人，我有感情。", "语言模型的训练", "作为语言学家，我认为", "他是语言模型方面的专家"]
)
def test_talking_about_models_is_fine(text):
    assert found(text, name="model_phrasing") == []


def test_the_instruction_may_say_it():
    assert found(PLAIN, instruction="作为一个AI语言模型，你怎么看？", name="model_phrasing") == []


# --- script -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The thermos keeps the temperature of the iced water, whatever it is.", "not_chinese"),
        ("Термос хранит температуру воды, какой бы она ни была, вот.", "not_chinese"),
        ("魔法瓶は中のものの温度を保ちます。それだけです。", "other_script"),
        ("보온병은 안에 든 것의 온도를 지킵니다.", "other_script"),
        ("答：The thermos keeps the temperature of the iced water, whatever it is.", "not_chinese"),
    ],
)
def test_replies_in_another_language_are_warned_of(text, code):
    assert [(finding.code, finding.level) for finding in found(text, name="script")] == [(code, WARNING)]


@pytest.mark.parametrize(
    "text",
    [
        "42",
        "OK",
        "B",
        "选 B。",
        "用 Python 写：\n```python\nprint('hello wide world of many words')\nfor a in range(9): print(a)\n```",
        "保溫杯裡裝冰水，它保的是冰水的溫度。",
        "参见 https://a.b/very/long/path/of/words/in/english/and/more",
        "𠮷野家的牛肉饭很好吃，值得一试。",
        "12345 + 67890 = 80235",
        "……",
        "GPU 比 CPU 快，因为 CUDA 核心多，适合 SIMD 运算。",
    ],
)
def test_chinese_code_and_short_answers_are_fine(text):
    assert found(text, name="script") == []


# --- shape --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "field", "code"),
    [
        (Texts("", "", PLAIN), "instruction", "too_short"),
        (Texts(PLAIN, "", "答"), "output", "too_short"),
        (Texts("问" * 4_001, "", PLAIN), "instruction", "too_long"),
        (Texts(PLAIN, "料" * 20_001, PLAIN), "input", "too_long"),
        (Texts(PLAIN, "", "答" * 20_001), "output", "too_long"),
    ],
)
def test_lengths_out_of_bounds_are_warned_of(texts, field, code):
    assert [(finding.field, finding.code) for finding in CHECKS["length"].find(texts)] == [(field, code)]


def test_lengths_at_the_bounds_are_fine():
    assert list(CHECKS["length"].find(Texts("问" * 4_000, "", "答" * 20_000))) == []
    assert list(CHECKS["length"].find(Texts("问题", "", "答案"))) == []


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("我读《三体。", ((2, 3),)),
        ("他说”好。", ((2, 3),)),
        ("「甲」乙」", ((4, 5),)),
        ("《《甲》", ((0, 1),)),
        ("【注（一）", ((0, 1),)),
    ],
)
def test_a_bracket_without_its_other_half_is_shown(text, spans):
    (finding,) = found(text, name="brackets")
    assert (finding.level, finding.spans) == (WARNING, spans)


@pytest.mark.parametrize(
    "text",
    [
        "《三体》“好”「乙」『丙』【丁】（戊）",
        "《读〈某〉有感》",
        "1）甲\n2）乙\n　三）丙",
        "“第一段。\n“第二段。\n　　“第三段。”",
        "他说：“她说‘好’。”",
    ],
)
def test_balanced_brackets_lists_and_long_quotations_are_fine(text):
    assert found(text, name="brackets") == []


def test_many_lonely_brackets_are_shown_in_part():
    (finding,) = found("《" * 1_000 + PLAIN, name="brackets")
    assert len(finding.spans) == 20


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "1" * 200_000,
        "a@" * 100_000,
        "a.a." * 50_000 + "@",
        "a@" + "b." * 99_000,
        "《" * 200_000,
        "`" * 200_000,
        "作为一个" * 50_000,
        "\n" * 200_000,
        " \n" * 100_000 + "1",
        "138 " * 50_000,
        "\n" + "\u3000" * 199_999,
        "汉 " * 100_000,
        "汉," * 100_000,
        "“" * 200_000,
        "$" * 200_000,
        "**" * 100_000,
        "\\frac{" * 30_000,
        "[a](" * 50_000,
        "| --- " * 40_000,
        "```\n" * 50_000,
        "`a " * 60_000,
        "问：\n" * 60_000,
        "这个问题。" * 40_000,
    ],
)
def test_hostile_texts_do_not_take_long(text):
    check_texts(ASKED, "", PLAIN)  # tables that are made once
    started = time.process_time()
    check_texts(text, text, text)
    assert time.process_time() - started < 6  # what is not linear would take minutes


# --- how it is shown -----------------------------------------------------------------------------------------------------


def shown(text, name):
    findings = [each for each in check_texts(PLAIN, "", text) if each.check == name]
    texts = {"instruction": PLAIN, "input": "", "output": text}
    return next(line for line in check_panel.lines(findings, texts, set()) if line.spots)


def test_a_place_is_told_in_the_units_of_a_browser():
    text = "🙂🙂这个词是猫,是猫,也是猫。"
    (first, second) = shown(text, "half_width").spots
    assert (first.start, first.end) == (9, 10)  # two emoji of two units each in front of it
    assert (second.start, second.end) == (12, 13)


def test_the_second_of_two_places_that_read_alike_is_told_as_the_second():
    spots = shown("好吃的饭,好吃的饭,好吃的饭。", "half_width").spots
    assert spots[1].nth == 1 == "好吃的饭,好吃的饭,好吃的饭。"[: spots[1].start].count(spots[1].excerpt)


def test_what_surrounds_a_mark_comes_along_but_no_marks_of_markdown():
    (spot,) = shown("**结论,重要**是这样的吗，不是。", "half_width").spots
    assert spot.excerpt == "结论,重要"


# --- mending -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("他来了, 我走了,门没关.", "他来了，我走了，门没关。"),
        ('这叫"守株待兔",出自《韩非子》。', "这叫“守株待兔”，出自《韩非子》。"),
        ("番茄(又叫西红柿,很红)原产南美。", "番茄（又叫西红柿，很红）原产南美。"),
        ("构成物 质的成分，会 发光。", "构成物质的成分，会发光。"),
        ("他想了想...没说。", "他想了想……没说。"),
        ("见 `a,b` 与 f(x, y)，3:2，https://a.b/中,文 好,吧。", "见 `a,b` 与 f(x, y)，3:2，https://a.b/中,文 好，吧。"),
        ("床前明月光 疑是地上霜，背下来。", "床前明月光 疑是地上霜，背下来。"),
    ],
)
def test_one_key_mends_spaces_and_punctuation_and_leaves_code_and_verse_alone(text, tidy):
    assert tidied(text) == tidy
    assert tidied(tidy) == tidy
    assert not [each for each in check_texts(PLAIN, "", tidy) if each.check in ("han_spaces", "half_width")]


def test_personal_data_is_masked_as_an_import_would():
    masked = without_personal_data("打 13812345678 或写信到 a.b@qq.com。")
    assert masked == "打 [手机号] 或写信到 [邮箱]。"
    assert check_texts(ASKED, "", masked) == []


def test_what_is_on_trial_is_shown_and_asks_nobody_twice(monkeypatch):
    findings = check_texts(PLAIN, "", "影子没有质量,所以不会变重。")
    assert check_panel.asks_twice(findings) == ["half_width"]
    monkeypatch.setattr(type(CHECKS["half_width"]), "experimental", True)
    assert check_panel.asks_twice(findings) == []


def test_all_checks_together_take_little_of_a_decision():
    text = ("影子没有质量，所以不会变重。《三体》里说“光也有影子”，用 `code` 和 $x^2$ 也一样。\n\n" * 20)[:800]
    known = Around({"output": (10, 900)}, (text[:200],), (Near(1, "影子淋了雨会变重吗"),))
    check_texts(PLAIN, "", text, known)
    best = min(_seconds(lambda: check_texts(PLAIN, "", text, known)) for _n in range(20))
    assert best < 0.006, f"{best * 1000:.1f} ms"  # 2 ms on an idle machine; the page's budget for a decision is 40 ms


def _seconds(act):
    started = time.process_time()
    act()
    return time.process_time() - started
