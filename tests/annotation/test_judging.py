"""A judge's reply is a score, or it is nothing."""

from decimal import Decimal

import pytest

from annotation.judging import family, is_kin, read_score
from tests.annotation.provider import reply

GOOD = '{"score": 7.5, "reason": "切题，但有两处含糊。"}'
BAD = [
    '', ' ', '8', '8.0 分', '评分：8', '{"score": 8}', '{"reason": "好"}', '{"score": "8", "reason": "好"}',
    '{"score": 8.25, "reason": "好"}', '{"score": 0.5, "reason": "差"}', '{"score": 10.5, "reason": "好"}',
    '{"score": 11, "reason": "好"}', '{"score": -8, "reason": "好"}', '{"score": null, "reason": "好"}',
    '{"score": true, "reason": "好"}', '{"score": [8], "reason": "好"}',
    '{"score": {"value": 8}, "reason": "好"}', '{"score": NaN, "reason": "好"}',
    '{"score": Infinity, "reason": "好"}', '{"score": 1e400, "reason": "好"}', '{"score": 8, "reason": ""}',
    '{"score": 8, "reason": 8}', '{"score": 8, "reason": "好", "accept": true}',
    '{"score": 3, "score": 10, "reason": "好"}', '[{"score": 8, "reason": "好"}]',
    '{"score": 8, "reason": "好"} {"score": 9, "reason": "好"}', '```json\n{"score": 8, "reason": "好"}\n```',
    '我认为：{"score": 8, "reason": "好"}', '{"score": 8, "reason": "好"', "{'score': 8, 'reason': '好'}",
    '{"Score": 8, "reason": "好"}', '{"score": 8, "reason": "' + "好" * 501 + '"}', "[" * 100_000,
    '{"score": 8.0000000000000001, "reason": "好"}', '{"score": 1' + "0" * 5_000 + ', "reason": "好"}',
]  # fmt: skip


def test_a_score_is_read():
    assert read_score(reply(GOOD)) == ("ok", Decimal("7.5"))
    assert read_score(reply(' {"reason": "好", "score": 10} \n')) == ("ok", Decimal(10))
    assert read_score(reply('{"score": 1.0, "reason": "差"}')) == ("ok", Decimal(1))


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_whatever_is_not_exactly_a_score_is_none(text):
    assert len(BAD) >= 30
    outcome, score = read_score(reply(text))
    assert outcome != "ok"
    assert score is None


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (reply(GOOD, finish="length"), "truncated"),
        (reply(GOOD, finish=None), "unparseable"),
        (reply(GOOD, finish="content_filter"), "filtered"),
        (reply(GOOD, refusal="不行"), "refused"),
        (reply(None), "empty"),
        ({"choices": []}, "unparseable"),
        ({"text": GOOD}, "unparseable"),
        (None, "unparseable"),
    ],
)
def test_a_reply_that_did_not_end_as_it_should_is_none_whatever_it_says(raw, outcome):
    assert read_score(raw) == (outcome, None)


def test_a_judge_of_the_drafters_family_is_known_by_its_name():
    assert is_kin("gpt-5-mini-2025-08-07", "openai/o3")
    assert is_kin("Qwen/Qwen3-8B", "qwen-max-latest")
    assert is_kin("deepseek-chat", "DeepSeek-R1-Distill-Qwen-7B")
    assert is_kin("some-model", "some-model")
    assert not is_kin("gpt-4.1", "deepseek-chat")
    assert not is_kin("", "")
    assert family("yi-large") == "yi"
