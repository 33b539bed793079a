from typing import ClassVar

from sources.personal import HINT, find, mask, may_hold

from .base import FIELDS, Candidate, Dropped, Screen, Setting


class PersonalData(Screen):
    """Mobile, ID and bank card numbers, e-mail, QQ and WeChat, licence plates: masked, so that no model ever sees them,
    or with `drop` a reason to leave the post out. The value is the kind, never the number."""

    settings: ClassVar = {"drop": Setting("flag", False)}
    hint = HINT

    def __init__(self, drop: bool = False) -> None:
        self.drop = bool(drop)

    def edits(self, post: Candidate) -> dict[str, str]:
        if self.drop or not may_hold("\n".join((post.title, post.body, post.answer))):
            return {}
        texts = {field: getattr(post, field) for field in FIELDS}
        return {field: masked for field, text in texts.items() if (masked := mask(text)) != text}

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        found = next((found for field in FIELDS for found in find(getattr(post, field))), None) if self.drop else None
        return Dropped("personal_data", found.kind) if found else None
