"""What each check finds, and what it leaves alone."""

import time

import pytest

from annotation.checks import CHECKS, ERROR, WARNING, Texts, check_texts
from annotation.wording import FINDINGS

PLAIN = "保温杯里装冰水，它保的是冰水的温。"


def found(output="", instruction=PLAIN, name=None, more=""):
    findings = check_texts(instruction, more, output or PLAIN)
    return [finding for finding in findings if name in (None, finding.check)]


def test_a_plain_pair_has_no_findings():
    assert found(PLAIN) == []


def test_errors_come_first_and_every_code_has_a_sentence():
    findings = found("作为一个人工智能语言模型，我的电话是13812345678，见《三体。")
    assert [finding.level for finding in findings] == [ERROR, WARNING, WARNING]
    assert {finding.code for finding in findings} <= set(FINDINGS)


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
    ],
)
def test_hostile_texts_do_not_take_long(text):
    started = time.perf_counter()
    check_texts(text, text, text)
    assert time.perf_counter() - started < 3
