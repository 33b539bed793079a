"""Is the reply written in Chinese?"""

import re
from collections.abc import Iterator

from .base import Check, Finding, Texts

CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
KANA_HANGUL = re.compile("[\u3041-\u30ff\uac00-\ud7af]")
WORD = re.compile("[A-Za-z\u00c0-\u024f\u0400-\u04ff]+(?:['’-][A-Za-z]+)*")
MIN_HAN = 0.5  # of what is read: characters of Chinese, words of other scripts
MIN_LENGTH = 8  # less than this tells nothing: 42, OK, B


class Script(Check):
    """The share of Han in what is read, code and addresses left out. A foreign word weighs as much as a character."""

    name = "script"

    def find(self, texts: Texts) -> Iterator[Finding]:
        text = CODE.sub(" ", texts.output)
        han, other = len(HAN.findall(text)), len(WORD.findall(text))
        if (foreign := len(KANA_HANGUL.findall(text))) and foreign >= MIN_LENGTH and foreign > han:
            yield self.found("other_script", "output")
        elif han + other >= MIN_LENGTH and han < MIN_HAN * (han + other):
            yield self.found("not_chinese", "output")
