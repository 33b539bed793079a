from collections import Counter
from typing import ClassVar

from sources.similarity import fold, shingles

from .base import Candidate, Dropped, Screen, Setting, lines, one_field, share, text_of

SIZE = 8  # characters of a piece: in Chinese what 13 letters are in English
SHORTEST = 6  # folded; a shorter benchmark text would be found everywhere


class Contamination(Screen):
    """Holds a text of a benchmark: at least `overlap` of its pieces of 8 characters. The value is the share, and the line of the list."""

    settings: ClassVar = {"texts": Setting("lines"), "overlap": Setting("share", 0.7), "field": Setting("fields", "all")}

    def __init__(self, texts: list[str], overlap: float = 0.7, field: str = "all") -> None:
        self.overlap, self.field = share(overlap), one_field(field, or_all=True)
        self.sizes: dict[int, int] = {}
        self.lines: dict[str, list[int]] = {}
        for number, text in enumerate(lines(texts), 1):
            pieces = shingles(folded, SIZE) if len(folded := fold(text)) >= SHORTEST else frozenset()
            self.sizes[number] = len(pieces)
            for piece in pieces:
                self.lines.setdefault(piece, []).append(number)
        self.shorter = sorted({len(piece) for piece in self.lines} - {SIZE})

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        folded = fold(text_of(post, self.field))
        pieces = {piece for size in (SIZE, *self.shorter) for piece in shingles(folded, size)}
        shared = Counter(number for piece in pieces for number in self.lines.get(piece, ()))
        found = [(count / self.sizes[number], -number) for number, count in shared.items() if count >= self.overlap * self.sizes[number]]
        return Dropped("in_benchmark", f"{max(found)[0]:.0%} · {-max(found)[1]}") if found else None
