import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import personal, similarity
from sources.minhash import sign
from sources.personal import find, mask
from sources.similarity import alike, clusters, fold, jaccard, shingles

JOKE = "保温杯里装冰水，它该保谁的温？"


@pytest.mark.parametrize(
    "other",
    [
        "保溫杯裏裝冰水，它該保誰的溫？",
        "保温杯里装冰水,它该保谁的温?",
        "保温杯里装冰水它该保谁的温😂😂",
        "保温杯 里装冰水…它该保谁的温[笑哭]",
        "它该保谁的温，保温杯里装冰水？",
    ],
)
def test_what_reads_alike(other):
    assert alike(JOKE, other)


@pytest.mark.parametrize("other", ["保温杯里装热水，烫到手算工伤吗？", "电梯里装镜子，是怕谁看不见谁？", "？", ""])
def test_what_does_not(other):
    assert not alike(JOKE, other)


def test_folding_twice_is_folding_once():
    text = "ＡＢＣ臺灣“軟體”😂[偷笑R] 3.14"
    assert fold(text) == fold(fold(text)) == "abc台湾软体3.14"


def test_long_texts_with_a_changed_sentence_are_alike_and_others_are_not():
    rng = random.Random(3)
    words = ["".join(rng.choices("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏", k=2)) for _ in range(400)]
    one, other = ("".join(rng.choices(words, k=150)) for _ in range(2))
    assert alike(one, one[:120] + "换了一句话" + one[128:])
    assert not alike(one, other)


@pytest.mark.parametrize("length", [38, 39, 40, 41, 58, 59, 60, 61])
def test_no_pair_falls_between_short_and_long(length):
    text = "".join(chr(0x4E00 + 7 * n) for n in range(length))
    assert alike(text, text + "呢")


def test_likeness_is_passed_on_and_the_order_does_not_matter():
    texts = [(n, JOKE + tail) for n, tail in ((5, ""), (3, "你说呢朋友"), (9, "你说呢朋友们大家伙"))] + [(1, "毫不相干的另一句话")]
    assert clusters(texts) == clusters(texts[::-1]) == {5: 3, 3: 3, 9: 3}


@given(st.lists(st.text(alphabet="甲乙丙丁", min_size=1, max_size=12), max_size=12))
def test_no_pair_over_the_threshold_is_missed(texts):
    found = clusters(enumerate(texts))
    for one, a in enumerate(texts):
        for other, b in enumerate(texts[:one]):
            if jaccard(shingles(fold(a)), shingles(fold(b))) >= 0.5:
                assert found[one] == found[other]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身份证 11010519491231002X", "身份证 [身份证号]"),
        ("身份证 110105194912310021", "身份证 110105194912310021"),
        ("卡号 6222 0212 3456 7890 128", "卡号 [银行卡号]"),
        ("订单 6222021234567890127", "订单 6222021234567890127"),
        ("ＱＱ：１２３４５６７８９", "ＱＱ：[QQ号]"),
        ("加微信：abc_12345 细聊", "加微信：[微信号] 细聊"),
        ("vx:13812345678", "vx:[手机号]"),
        ("写信给 zhang.san@corp.cn。", "写信给 [邮箱]。"),
        ("见 a@example.com", "见 a@example.com"),
        ("粤B·12345 和京A1234D", "[车牌号] 和[车牌号]"),
        ("新ABCDEFG", "新ABCDEFG"),
        ("圆周率 3.1415926535897932", "圆周率 3.1415926535897932"),
        ("2023年第13次，共12345678人", "2023年第13次，共12345678人"),
    ],
)
def test_personal_data_is_masked_where_its_arithmetic_or_a_word_says_that_it_is_one(text, masked):
    assert mask(text) == masked == mask(masked)


@given(st.text(alphabet="0123456789 -@.qQ微信:：abc13８－粤BｗＸvx威·Xx\n", max_size=60))
def test_a_look_at_the_whole_text_misses_nothing(text):
    plain = text.translate(personal.FULL_WIDTH)
    assert bool(list(find(text))) == any(personal.spans(plain, kind) for kind in personal.KINDS)


@given(st.text(alphabet="0123456789 -@.qQ微信:：abc13８粤B·Xx", max_size=60))
def test_masked_texts_hold_nothing_more_to_mask(text):
    assert mask(mask(text)) == mask(text)
    assert all(0 <= found.start < found.end <= len(text) for found in find(text))


def test_thousands_of_texts_in_one_frame_do_not_meet_each_other_one_by_one(monkeypatch):
    compared = 0

    def counting(one, other, real=similarity.jaccard):
        nonlocal compared
        compared += 1
        return real(one, other)

    monkeypatch.setattr(similarity, "jaccard", counting)
    words = [chr(0x4E00 + 97 * n) + chr(0x4E00 + 89 * n + 1) for n in range(20)]
    texts = [(n, f"{words[n % 20]}和{words[n // 20 % 20]}排队，算不算迟到的{words[n // 400 % 20]}？") for n in range(4_000)]
    similarity.clusters(iter(texts))
    assert compared < 200 * len(texts), "the work grows with the square of the posts"


def test_many_texts_at_once_are_folded_and_signed_like_each():
    dice = random.Random(3)
    texts = ["".join(dice.choices("天地玄黄宇宙洪荒日月盈昃，。3.１[😀\x01", k=dice.choice([40, 90, 900, 40_000]))) for _ in range(60)]
    folded = similarity.codes_of(texts)
    assert [found.tolist() for found in folded] == [similarity.codes(text).tolist() for text in texts]
    assert sign(folded).tolist() == [sign([found])[0].tolist() for found in folded]
    assert (similarity.codes_of([]), sign([]).shape) == ([], (0, 48))
