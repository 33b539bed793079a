"""The shape of the texts: lengths, and brackets that come in twos."""

import re
from collections.abc import Iterator

from .base import Check, Finding, Texts

SHORT_INSTRUCTION, SHORT_OUTPUT = 2, 2
LONG_INSTRUCTION, LONG_OUTPUT = 4_000, 20_000  # more than this is cut by most trainings, and nobody reads it through
PAIRS = {"《": "》", "“": "”", "「": "」", "『": "』", "【": "】", "（": "）"}
CLOSING = {closing: opening for opening, closing in PAIRS.items()}
QUOTES = "“「『"
PARAGRAPH = re.compile(r"\n[ \u3000]*")
LIST_ITEM = re.compile(r"^[ \u3000]*[0-9一二三四五六七八九十a-zA-Z]{1,3}）", re.MULTILINE)  # 1） 二） a）
MAX_SPANS = 20


class Length(Check):
    name = "length"

    def find(self, texts: Texts) -> Iterator[Finding]:
        bounds = {"instruction": (SHORT_INSTRUCTION, LONG_INSTRUCTION), "output": (SHORT_OUTPUT, LONG_OUTPUT)}
        for field, text in texts.fields():
            short, long = bounds.get(field, (0, LONG_OUTPUT))
            if len(text.strip()) < short:
                yield self.found("too_short", field)
            elif len(text) > long:
                yield self.found("too_long", field)


class Brackets(Check):
    """《》“”「」 without their other half. A quotation over several paragraphs opens anew in each and closes once."""

    name = "brackets"

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field, text in texts.fields():
            if lonely := unbalanced(text):
                yield self.found("unbalanced_brackets", field, [(at, at + 1) for at in lonely[:MAX_SPANS]])


def unbalanced(text: str) -> list[int]:
    """Where the brackets without another half are. Kinds are counted apart: “《…”》 is wrong but not lonely."""
    lonely: list[int] = []
    open_at: dict[str, list[int]] = {opening: [] for opening in PAIRS}
    starts = {match.end() for match in PARAGRAPH.finditer(text)}
    items = {match.end() - 1 for match in LIST_ITEM.finditer(text)}
    for at, char in enumerate(text):
        if char in PAIRS:
            if char in QUOTES and at in starts and open_at[char]:
                open_at[char].pop()
            open_at[char].append(at)
        elif char in CLOSING and at not in items:
            if open_at[CLOSING[char]]:
                open_at[CLOSING[char]].pop()
            else:
                lonely.append(at)
    return sorted(lonely + [at for stack in open_at.values() for at in stack])
