"""Text of platforms made plain. Pure. Spacing and punctuation of a text are its author's and stay as they are."""

import functools
import hashlib
import html
import re
from collections.abc import Sequence

from .folding import Folding

_CONTROL = {n: None for n in [*range(32), 127, 0xFEFF, 0x200B, 0x2060] if n not in (9, 10)}
_ODD = re.compile("[" + re.escape("".join(map(chr, _CONTROL))) + "]")
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|br|hr|em|strong|span|div|img|figure|figcaption|ul|ol|li|h[1-6]|blockquote|noscript|code|pre|sup|sub|table|tr|td|th|tbody)"
    r"(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s{0,5}/?>|</(?:p|div|li|h[1-6]|blockquote|tr)>", re.IGNORECASE)
_TOPIC, _STICKER = re.compile(r"#[^#\n\[\]]{1,60}\[话题\]#"), re.compile(r"\[[^\[\]\s]{1,12}R\]")
_MANY_BREAKS, _LINE_ENDS = re.compile(r"\n{3,}"), re.compile(r"\r\n|\r")

# Folding: what reads the same is equal. Full-width forms become half-width; of punctuation only that goes which no formula needs.
_SILENT = "，。！？；：、…—–“”‘’「」『』（）《》〈〉【】〔〕·～!?;'\"_()\ufe0f\ufeff"
BETWEEN = ".,:~-"


def plain(text: str) -> str:
    """Line ends as \\n, no control or zero-width characters, no more than one blank line in a row, no space around."""
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    if not text.replace("\n", "").isprintable() and _ODD.search(text):  # the former alone is four times as fast
        text = text.translate(_CONTROL)
    return (_MANY_BREAKS.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def without_markup(text: str) -> str:
    """HTML tags and entities as the text that they stand for. `a < b` and `List<T>` are no tags."""
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    return plain(html.unescape(text) if "&" in text else text)


def without_topics(text: str) -> str:
    """A Xiaohongshu note without its `#…[话题]#` and `[偷笑R]` codes."""
    return plain(_STICKER.sub("", _TOPIC.sub("", text)).replace("\n\t\n", "\n\n"))


@functools.cache
def reads_as() -> dict[int, str]:
    """Characters that are read as another one, or as none."""
    cases = {code: folded for code in range(0x20000) if len(folded := chr(code).casefold()) == 1 and folded != chr(code)}
    wide = {code: chr(code - 0xFEE0).casefold() for code in range(0xFF01, 0xFF5F)}
    silent = {code for code in range(0x3001) if chr(code).isspace()} | set(map(ord, _SILENT))
    silent |= {*range(0x200B, 0x2010), *range(0x2060, 0x2065)}
    silent |= {code for code, char in wide.items() if ord(char) in silent}
    return cases | wide | dict.fromkeys(silent, "")


@functools.cache
def _folding() -> Folding:
    return Folding(reads_as(), BETWEEN)


def fold(text: str) -> str:
    """For comparing only: width, case, space and punctuation folded away."""
    return _folding()(text)


def content_hash(*texts: str) -> str:
    """Equal for texts that read the same. Texts that fold to nothing (？？？) are compared as they are."""
    return content_hashes([texts])[0]


def content_hashes(posts: Sequence[Sequence[str]]) -> list[str]:
    """That of the texts of each post, of many at once."""
    folded = iter(_folding().texts([text for post in posts for text in post]))
    joined = ("\x1f".join([next(folded) or text for text in post]) for post in posts)
    return [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for text in joined]
