"""Is the reply written in Chinese, and in one script?"""

import re
from collections import Counter
from collections.abc import Iterator

from sources.similarity import only_simplified, traditional

from .base import Check, Finding, Texts

HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
KANA_HANGUL = re.compile("[\u3041-\u30ff\uac00-\ud7af]")
WORD = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff\u0400-\u04ff\u0590-\u06ff\u0900-\u097f\u0e00-\u0e7f]+(?:['’-][A-Za-z]+)*")
MIN_HAN = 0.5  # of what is read: characters of Chinese, words of other scripts
MIN_LENGTH = 8  # less than this tells nothing: 42, OK, B
QUOTED = re.compile("[“「『《‘][^”」』》’\n]{0,40}[”」』》’]")
ABOUT_SCRIPTS = re.compile("[繁简簡][体體化]|异体|異體|正體|字形")
FEW, MANY = 2, 4  # different characters of the rarer script: of a text, and of one about scripts


class Script(Check):
    """The share of Han in what is read, code, formulas and addresses left out. A foreign word weighs as much as a character."""

    name = "script"

    def find(self, texts: Texts) -> Iterator[Finding]:
        text = texts.prose
        han, other = len(HAN.findall(text)), len(WORD.findall(text))
        if (foreign := len(KANA_HANGUL.findall(text))) and foreign >= MIN_LENGTH and foreign > han:
            yield self.found("other_script", "output")
        elif han + other >= MIN_LENGTH and han < MIN_HAN * (han + other):
            yield self.found("not_chinese", "output")


class ScriptMix(Check):
    """Simplified and traditional characters in one reply. Quotations may be in another script, and so may a name."""

    name = "script_mix"

    def find(self, texts: Texts) -> Iterator[Finding]:
        text = QUOTED.sub(lambda match: "”" * len(match.group()), texts.prose)
        different = set(text)
        old, new = different & traditional(), different & only_simplified()
        if min(len(old), len(new)) < (MANY if ABOUT_SCRIPTS.search(texts.output) else FEW):
            return
        counts = Counter(text)
        rarer = min(old, new, key=lambda script: sum(counts[char] for char in script))
        yield self.found("script_mix", "output", [match.span() for match in re.finditer(f"[{''.join(sorted(rarer))}]+", text)])
