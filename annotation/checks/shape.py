"""The shape of the texts: lengths, and brackets that come in twos."""

import re
from collections.abc import Iterator

from .base import MAX_SPANS, Check, Finding, Texts

SHORT_INSTRUCTION, SHORT_OUTPUT = 2, 2
LONG_INSTRUCTION, LONG_OUTPUT = 4_000, 20_000  # more than this is cut by most trainings, and nobody reads it through
PAIRS = {"《": "》", "“": "”", "「": "」", "『": "』", "【": "】", "（": "）"}
CLOSING = {closing: opening for opening, closing in PAIRS.items()}
BRACKET = re.compile("[" + "".join(PAIRS) + "".join(CLOSING) + "]")
QUOTES = "“「『"
PARAGRAPH = re.compile(r"\n[ \u3000]*")
LIST_ITEM = re.compile(r"(?:^|(?<=[\s，。；、]))[0-9一二三四五六七八九十甲乙丙丁a-zA-Z]{1,3}）", re.MULTILINE)  # 1） 二） a）
SMILE = re.compile(r"(?<!\S)[:;]-?[）（]")
BOUNDS: dict[str, tuple[int, int | None]] = {
    "instruction": (SHORT_INSTRUCTION, LONG_INSTRUCTION), "input": (0, LONG_OUTPUT), "output": (SHORT_OUTPUT, LONG_OUTPUT),
}  # fmt: skip
LETTER = re.compile(r"\s*[A-Z0-9]\W*\Z")  # of a choice, or a digit: short, and all that was asked for


class Length(Check):
    """Shorter or longer than the source asks for, or than is any use."""

    name = "length"

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field, text in texts.fields():
            (short, long), (least, most) = BOUNDS[field], texts.around.bounds.get(field, (0, None))
            if field == "output" and LETTER.match(text):
                short = 1
            if len(text.strip()) < max(short, least):
                yield self.found("too_short", field)
            elif len(text) > min(long or LONG_OUTPUT, LONG_OUTPUT if most is None else most):
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
    brackets = list(BRACKET.finditer(text))
    if not brackets:
        return []
    lonely: list[int] = []
    open_at: dict[str, list[int]] = {opening: [] for opening in PAIRS}
    starts = {match.end() for match in PARAGRAPH.finditer(text)}
    passed = {match.end() - 1 for pattern in (LIST_ITEM, SMILE) for match in pattern.finditer(text)}
    for match in brackets:
        at, char = match.start(), match.group()
        if at in passed:
            continue
        if char in PAIRS:
            if char in QUOTES and at in starts and open_at[char]:
                open_at[char].pop()
            open_at[char].append(at)
        elif open_at[CLOSING[char]]:
            open_at[CLOSING[char]].pop()
        else:
            lonely.append(at)
    return sorted(lonely + [at for stack in open_at.values() for at in stack])
