from typing import ClassVar

import re2

from .base import Candidate, Dropped, Screen, Setting, one_field, text_of

LONGEST = 500
OPTIONS = re2.Options()
OPTIONS.log_errors, OPTIONS.case_sensitive, OPTIONS.max_mem = False, False, 8 << 20


class Matches(Screen):
    """Must match a regular expression. RE2's: its time grows with the text alone, whatever the expression."""

    settings: ClassVar = {"pattern": Setting("text", ""), "field": Setting("fields", "title")}

    def __init__(self, pattern: str, field: str = "title") -> None:
        if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST:
            raise ValueError(f"pattern has 1 to {LONGEST} characters")
        try:
            self.pattern = re2.compile(pattern, options=OPTIONS)
        except re2.error as error:
            raise ValueError(f"pattern: {error}") from error
        self.field = one_field(field, or_all=True)

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        return None if self.pattern.search(text_of(post, self.field)) else Dropped("no_match", "")


class Excludes(Matches):
    """Must not match a regular expression. The value is what did."""

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        found = self.pattern.search(text_of(post, self.field))
        return Dropped("excluded", found[0][:80]) if found else None
