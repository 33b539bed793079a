"""Personal data in a text: found, and masked. Pure, and the only place that knows what it looks like.

A number counts only where its own arithmetic holds (the check character of an ID number, Luhn of a bank card) or a word
beside it says what it is (QQ, 微信): a wrong mask spoils a text.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import re2
from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # one character for one: the spans stay right

# Not inside a longer number, nor after a decimal point. +86 and the usual 3-4-4 grouping are seen through.
MOBILE = re.compile(r"(?<![\d.])(?:(?:\+|00)?86[-\s]?)?1[3-9]\d(?:\d{8}|([-\s])\d{4}\1\d{4})(?![\d])", re.ASCII)
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z\u4e00-\u9fff]{2,24}(?![A-Za-z0-9_])")
EXAMPLES = re.compile(r"@(?:[\w-]+\.)*example\.(?:com|net|org|cn)$", re.IGNORECASE)  # kept for examples (RFC 2606): nobody's
ID_NUMBER = re.compile(r"(?<![\dA-Za-z])\d{17}[\dXx](?![\dA-Za-z])", re.ASCII)
BANK_CARD = re.compile(r"(?<![\d.])(?:[3-6]\d{15,18}|[3-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?)(?![\d])", re.ASCII)
QQ = re.compile(
    r"(?:(?<![A-Za-z])QQ|扣扣|企鹅号|企鵝號)(?:号码|號碼|号|號|群)?\s{0,3}(?:是|为|為|[:=])?\s{0,3}([1-9]\d{4,10})(?!\d)",
    re.IGNORECASE | re.ASCII,
)
WECHAT = re.compile(
    r"(?:微信|(?<![A-Za-z])(?:wechat|weixin|vx|wx)|威信|薇信)(?:号码|號碼|号|號|id)?\s{0,3}(?:是|为|為|[:=])\s{0,3}([A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•\- ]?"
    r"(?=[A-HJ-NP-Z0-9]{0,5}[0-9])[A-HJ-NP-Z0-9]{5,6}(?![A-Za-z0-9])"
)


class Found(NamedTuple):
    kind: str
    start: int
    end: int


def _is_id_number(text: str) -> bool:
    try:
        ric.validate(text)
    except ValidationError:
        return False
    return True


def _is_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return len(set(digits)) > 2 and luhn.is_valid(digits)


# kind -> how it looks, and what else must hold. Earlier kinds win where two overlap.
KINDS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "id_number": (ID_NUMBER, _is_id_number),
    "bank_card": (BANK_CARD, _is_card),
    "email": (EMAIL, lambda text: not EXAMPLES.search(text)),
    "qq": (QQ, bool),
    "wechat": (WECHAT, bool),
    "mobile": (MOBILE, bool),
    "plate": (PLATE, bool),
}
MASKS = {
    "id_number": "[身份证号]", "bank_card": "[银行卡号]", "email": "[邮箱]", "qq": "[QQ号]", "wechat": "[微信号]",
    "mobile": "[手机号]", "plate": "[车牌号]",
}  # fmt: skip
# What all of the above hold, asked of the whole text at once, in either width: most texts hold none of it.
_OPTIONS = re2.Options()
_OPTIONS.case_sensitive = False
_D, _L = "[0-9０-９]", "[A-ZＡ-Ｚ]"
HINT = (
    rf"{_D}{{5}}|{_D}{{3}}[-－\s]{_D}{{4}}|[@＠]|微信|威信|薇信|[wｗ][eｅ](?:[cｃ][hｈ]|[iｉ][xｘ])|[vｖwｗ][xｘ]"
    rf"|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]{_L}[·•\- －]?(?:{_D}|{_L})"
)
_HINT = re2.compile(HINT, options=_OPTIONS)


def spans(text: str, kind: str) -> list[tuple[int, int]]:
    """Where personal data of one kind stands, in characters of `text`; full-width writing is read like any other."""
    pattern, holds = KINDS[kind]
    plain = text.translate(FULL_WIDTH)
    if kind == "email" and "@" not in plain:
        return []
    group = 1 if kind in ("qq", "wechat") else 0
    return [match.span(group) for match in pattern.finditer(plain) if holds(match[group])]


def may_hold(text: str) -> bool:
    """False where there is surely none of it."""
    return bool(_HINT.search(text.encode("utf-8", "replace")))


def find(text: str) -> Iterator[Found]:
    """All of it, without overlaps, in the order of the text."""
    if not may_hold(text):
        return
    plain = text.translate(FULL_WIDTH)
    taken: list[Found] = []
    for kind in KINDS:
        for start, end in spans(plain, kind):
            if all(end <= other.start or start >= other.end for other in taken):
                taken.append(Found(kind, start, end))
    yield from sorted(taken, key=lambda found: found.start)


def mask(text: str) -> str:
    """The text with `[手机号]` and the like in their places. Masking twice is masking once."""
    parts, at = [], 0
    for found in find(text):
        parts += [text[at : found.start], MASKS[found.kind]]
        at = found.end
    return "".join([*parts, text[at:]]) if parts else text
