from typing import ClassVar

from ahocorasick_rs import AhoCorasick

from sources.similarity import fold

from .base import Candidate, Dropped, Screen, Setting, lines, one_field, text_of


class Words(Screen):
    """Holds a word of a list, in whatever width, case or script, with whatever punctuation in between. The value is the word. Words
    can also come from an uploaded list."""

    settings: ClassVar = {"words": Setting("lines"), "list": Setting("wordlist"), "field": Setting("fields", "all")}

    def __init__(self, words: list[str], field: str = "all") -> None:
        self.words = {fold(word): word for word in lines(words) if fold(word)}
        if not self.words:
            raise ValueError("words has no word but punctuation")
        self.finder = AhoCorasick(list(self.words))
        self.field = one_field(field, or_all=True)

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        found = self.finder.find_matches_as_strings(fold(text_of(post, self.field)))
        return Dropped("listed_word", self.words[found[0]][:80]) if found else None
