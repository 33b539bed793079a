"""How models talk about themselves: nothing that a person would write in reply."""

import re
from collections.abc import Iterator

from .base import Check, Finding, Texts

_MODEL = r"(?:AI|人工智能|人工智慧|大型?语言|大型?語言|语言|語言|聊天)"
PHRASES = re.compile(
    rf"(?:作为|作為|身为|身為|我(?:只|仅|僅)?是|我(?:只|仅|僅)是)\s*(?:一个|一個|一种|一種|一名|一款)?\s*(?:由[^，。,.]{{1,20}}(?:开发|訓練|训练|開發)的)?\s*"
    rf"{_MODEL}\s*(?:助手|助理|模型|机器人|機器人|语言模型|語言模型|大模型)"
    r"|\bas an? (?:AI|artificial intelligence|large language model|language model)\b"
    r"|(?:我的)?(?:知识|知識|训练数据|訓練資料)截止(?:于|於|日期|到)"
    r"|\b(?:ChatGPT|GPT-[345]\w*|OpenAI)\s*(?:开发|训练|開發|訓練)",
    re.IGNORECASE,
)


class ModelPhrasing(Check):
    """作为一个人工智能语言模型… in the reply. A warning: a pair may be about just that."""

    name = "model_phrasing"

    def find(self, texts: Texts) -> Iterator[Finding]:
        if spans := [match.span() for match in PHRASES.finditer(texts.output)]:
            yield self.found("model_phrasing", "output", spans)
