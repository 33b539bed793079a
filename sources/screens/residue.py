import re
from typing import ClassVar

from sources.cleaning import without_markup, without_topics

from .base import FIELDS, Candidate, Dropped, Screen, Setting, one_field, text_of, whole

RESIDUE = re.compile(
    r"</?(?:a|b|i|u|p|br|hr|em|strong|span|div|img|figure|ul|ol|li|h[1-6]|blockquote|table|tr|td|th|font|center|script|style)(?:\s[^<>]{0,500})?/?>"
    r"|&(?:nbsp|amp|lt|gt|quot|apos|#\d{2,6}|#x[0-9a-f]{2,5});|#[^#\n\[\]]{1,60}\[话题\]#|\[[^\[\]\s]{1,12}R\]|\[(?:图片|视频|表情|动画表情|外链|链接卡片)\]"
    r"|\[(?:微笑|偷笑|大笑|笑哭|哭|捂脸|狗头|doge|赞|爱心|色|酷|汗|惊讶|吐舌|呲牙|滑稽|允悲|吃瓜|ok)\]|#\((?:[^()\s]{1,8})\)|\\u[0-9a-f]{4}",
    re.IGNORECASE,
)


class Residue(Screen):
    """More than `most` remains of HTML or codes of emoji. With `clean`, they are taken out first, as far as they can be."""

    settings: ClassVar = {"field": Setting("fields", "all"), "most": Setting("int", 0), "clean": Setting("flag", False)}

    def __init__(self, field: str = "all", most: int = 0, clean: bool = False) -> None:
        self.field, self.most, self.clean = one_field(field, or_all=True), whole(most), bool(clean)

    def edits(self, post: Candidate) -> dict[str, str]:
        if not self.clean:
            return {}
        texts = {field: text for field in FIELDS if RESIDUE.search(text := getattr(post, field))}
        cleaned = {field: RESIDUE.sub("", without_topics(without_markup(text))).strip() for field, text in texts.items()}
        return {field: text for field, text in cleaned.items() if text != texts[field]}

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        count = sum(1 for _found in RESIDUE.finditer(text_of(post, self.field)))
        return Dropped("residue", str(count)) if count > self.most else None
