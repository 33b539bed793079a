from collections import Counter
from typing import ClassVar

from sources.similarity import fold, shingles

from .base import Candidate, Dropped, Screen, Setting, lines, one_field, share, text_of

SIZE = 8  # characters of a piece: in Chinese what 13 letters are in English
SHORTEST = 6  # folded; a shorter benchmark text would be found everywhere
SHOWN = 60  # characters of the span that matched


class Contamination(Screen):
    """Holds a text of a benchmark: at least `overlap` of its pieces of 8 characters. The value is the share, the line of the list, and
    the longest span of the post that is in it, folded as it was compared. Texts can also come from an uploaded list."""

    settings: ClassVar = {
        "texts": Setting("lines"),
        "list": Setting("benchmark"),
        "overlap": Setting("share", 0.7),
        "field": Setting("fields", "all"),
    }

    def __init__(self, texts: list[str], overlap: float = 0.7, field: str = "all") -> None:
        self.overlap, self.field = share(overlap), one_field(field, or_all=True)
        self.sizes: dict[int, int] = {}
        self.first: dict[int, int] = {}  # hash of a piece -> the first line that has it: most are in one alone
        self.others: dict[int, list[int]] = {}
        short = set()
        for number, text in enumerate(lines(texts), 1):
            pieces = shingles(folded, SIZE) if len(folded := fold(text)) >= SHORTEST else frozenset()
            self.sizes[number] = len(pieces)
            short |= {len(piece) for piece in pieces} - {SIZE}
            for key in map(hash, pieces):
                if self.first.setdefault(key, number) != number:
                    self.others.setdefault(key, []).append(number)
        self.shorter = sorted(short)

    def _lines(self, piece: str) -> list[int]:
        key = hash(piece)
        return [self.first[key], *self.others.get(key, ())] if key in self.first else []

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        folded = fold(text_of(post, self.field))
        pieces = {piece for size in (SIZE, *self.shorter) for piece in shingles(folded, size)}
        shared = Counter(number for piece in pieces for number in self._lines(piece))
        found = [(count / self.sizes[number], -number) for number, count in shared.items() if count >= self.overlap * self.sizes[number]]
        if not found:
            return None
        overlap, number = max(found)[0], -max(found)[1]
        return Dropped("in_benchmark", f"{overlap:.0%} · {number} · {self._span(folded, number)}")

    def _span(self, folded: str, number: int) -> str:
        """The longest run of the text whose pieces are all in this line."""
        best = (0, 0)
        for size in (SIZE, *self.shorter):
            start = None
            for at in range(len(folded) - size + 2):
                if number in self._lines(folded[at : at + size]) and at + size <= len(folded):
                    start = at if start is None else start
                elif start is not None:
                    best, start = max(best, (at - 1 + size - start, start)), None
        length, start = best
        return folded[start : start + min(length, SHOWN)] + ("…" if length > SHOWN else "")
