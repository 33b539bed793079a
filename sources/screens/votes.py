from typing import ClassVar

from .base import Candidate, Dropped, Screen, Setting


class Votes(Screen):
    """A floor of approval. A post whose votes nobody knows passes, unless votes are `required`."""

    settings: ClassVar = {"min": Setting("int", 50), "required": Setting("flag", False)}

    def __init__(self, min: int, required: bool = False) -> None:  # noqa: A002 - the word of the setting
        self.min, self.required = int(min), bool(required)

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        if post.votes is None:
            return Dropped("too_few_votes", "") if self.required else None
        return Dropped("too_few_votes", str(post.votes)) if post.votes < self.min else None
