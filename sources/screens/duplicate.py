from typing import ClassVar

from .base import Candidate, Dropped, Screen


class Duplicate(Screen):
    """Reads the same as an earlier kept post of the source, but for width, case, space and punctuation. The value is that post's id."""

    needs_twin: ClassVar = True

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        return Dropped("duplicate", str(twin)) if twin else None
