import functools
import re
from typing import ClassVar

from opencc import OpenCC

from sources.similarity import only_simplified, traditional

from .base import FIELDS, Candidate, Dropped, Screen, Setting, one_field, share, text_of

CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|\$[^$\n]{1,500}\$", re.DOTALL)
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
WORD = re.compile("[A-Za-z\u00c0-\u024f\u0400-\u04ff]+(?:['’-][A-Za-z]+)*|[\u3041-\u30ff\uac00-\ud7af]")
SHORTEST = 8  # less than this tells nothing: 42, OK, B
MIXED = 0.15  # of the characters that tell the scripts apart, the rarer script; a name or a quotation has less


class Language(Screen):
    """Chinese, and in one script. A foreign word weighs as much as a character; code, formulas and addresses do not count.

    `convert` turns traditional writing into simplified (OpenCC); the raw row keeps it. Nothing is mixed after that.
    """

    settings: ClassVar = {
        "field": Setting("fields", "all"),
        "min_han": Setting("share", 0.5),
        "no_mix": Setting("flag", True),
        "convert": Setting("flag", False),
    }

    def __init__(self, field: str = "all", min_han: float = 0.5, no_mix: bool = True, convert: bool = False) -> None:
        self.field, self.min_han = one_field(field, or_all=True), share(min_han)
        self.no_mix, self.convert = bool(no_mix), bool(convert)

    def edits(self, post: Candidate) -> dict[str, str]:
        if not self.convert:
            return {}
        texts = {field: text for field in FIELDS if not traditional().isdisjoint(text := getattr(post, field))}
        return {field: _to_simplified().convert(text) for field, text in texts.items()}

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        text = CODE.sub(" ", text_of(post, self.field))
        han = HAN.findall(text)
        foreign = len(WORD.findall(text))
        if len(han) + foreign >= SHORTEST and len(han) < self.min_han * (len(han) + foreign):
            return Dropped("not_chinese", f"{len(han) / (len(han) + foreign):.0%}")
        return self._mix(han) if self.no_mix else None

    def _mix(self, han: list[str]) -> Dropped | None:
        old, new = sum(map(traditional().__contains__, han)), sum(map(only_simplified().__contains__, han))
        is_mixed = min(old, new) >= 2 and min(old, new) >= MIXED * (old + new)
        return Dropped("mixed_scripts", f"{old}/{old + new}") if is_mixed else None


@functools.cache
def _to_simplified() -> OpenCC:
    return OpenCC("t2s")
