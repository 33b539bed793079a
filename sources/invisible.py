"""Characters that hide or turn text. Pure. People must see that they are there: whoever shows a stranger's text marks them."""

import re

# Bidi controls, zero-width and filler characters, tags, controls. A joiner between two emoji is a part of the second and stays.
_JOINED = r"(?<=[\u2600-\u27BF\uFE0F\U0001F300-\U0001FAFF])\u200D(?=[\u2600-\u27BF\U0001F300-\U0001FAFF])"
INVISIBLE = re.compile(
    "(" + _JOINED + ")|["
    r"\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u00AD\u034F\u061C\u115F\u1160\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF9-\uFFFB"
    "\U000e0000-\U000e007f]"
)


def split(text: str) -> list[str]:
    """Text, invisible character, text, …"""
    parts, end = [], 0
    for found in INVISIBLE.finditer(text):
        if found.group(1) is None:
            parts += [text[end : found.start()], found.group()]
            end = found.end()
    return [*parts, text[end:]]


def name_of(char: str) -> str:
    return f"U+{ord(char):04X}"
