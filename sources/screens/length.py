from .base import Candidate, Dropped, Screen

FIELDS = ("title", "body", "answer")


class Length(Screen):
    """Characters of one field, from `min` to `max` (none: no limit)."""

    def __init__(self, field: str = "title", min: int = 0, max: int | None = None) -> None:  # noqa: A002 - the words of the setting
        if field not in FIELDS:
            raise ValueError(f"field is one of {', '.join(FIELDS)}")
        self.field, self.min, self.max = field, int(min), None if max is None else int(max)

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        length = len(getattr(post, self.field))
        if length < self.min:
            return Dropped("too_short", str(length))
        return Dropped("too_long", str(length)) if self.max is not None and length > self.max else None
