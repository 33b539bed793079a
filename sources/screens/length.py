from typing import ClassVar

from .base import Candidate, Dropped, Screen, Setting, one_field


class Length(Screen):
    """Characters of one field, from `min` to `max` (none: no limit)."""

    settings: ClassVar = {"field": Setting("field", "title"), "min": Setting("int", 0), "max": Setting("int")}

    def __init__(self, field: str = "title", min: int = 0, max: int | None = None) -> None:  # noqa: A002 - the words of the setting
        self.field, self.min, self.max = one_field(field), int(min), None if max is None else int(max)

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        length = len(getattr(post, self.field))
        if length < self.min:
            return Dropped("too_short", str(length))
        return Dropped("too_long", str(length)) if self.max is not None and length > self.max else None
