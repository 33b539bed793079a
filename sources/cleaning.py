"""Text of platforms made plain. Pure. Spacing and punctuation of a text are its author's and stay as they are."""

import hashlib
import html
import re

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
_WIDE, _WIDTH = re.compile("[\uff01-\uff5e]"), {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SILENT = re.compile(r"[\s\u200b-\u200f\u2060-\u2064\ufe0f\ufeff，。！？；：、…—–“”‘’「」『』（）《》〈〉【】〔〕·～!?;'\"_()]+")
_MARK, _SILENT_MARK = re.compile("[.,:~-]"), re.compile(r"(?<!\d)[.,:~-]+|[.,:~-]+(?!\d)")


def plain(text: str) -> str:
    """Line ends as \\n, no control or zero-width characters, no more than one blank line in a row, no space around."""
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    if _ODD.search(text):
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


def fold(text: str) -> str:
    """For comparing only: width, case, space and punctuation folded away."""
    text = _SILENT.sub("", text)
    if _WIDE.search(text):
        text = _SILENT.sub("", text.translate(_WIDTH))
    if _MARK.search(text):
        text = _SILENT_MARK.sub("", text)
    return text.casefold()


def content_hash(*texts: str) -> str:
    """Equal for texts that read the same. Texts that fold to nothing (？？？) are compared as they are."""
    folded = [fold(text) or text for text in texts]
    return hashlib.sha256("\x1f".join(folded).encode()).hexdigest()
