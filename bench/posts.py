"""Posts as Zhihu's are, made up: Chinese words by how often they are used, in phrases and sentences of natural length.

A question has a title of 8 to 40 characters and a body of 0 to 400; its answer has 50 to 800. Of a hundred rows, `exact` are
an earlier one again under another id, `near` are an earlier one with a word changed here and there, in other punctuation.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

WORDS, LINKS, ASKING = (line.split() for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines())
MARKS = "，，，，。。。；！？\n"


class Posts:
    """Rows of one seed: always the same, however many are taken."""

    def __init__(self, seed: int, *, exact: int = 3, near: int = 3) -> None:
        self.dice, self.exact, self.near = random.Random(seed), exact, near
        self.first = 10**8 * (seed + 1)  # other ids than those of other seeds
        weights = [1 / (rank + 8) for rank in range(len(WORDS))]
        shuffled = self.dice.sample(WORDS, len(WORDS))
        self.phrases = [self._phrase(shuffled, weights) for _ in range(60_000)]
        self.recent: list[dict[str, object]] = []

    def rows(self, count: int) -> Iterator[dict[str, object]]:
        dice = self.dice
        for number in range(count):
            chance = dice.randrange(100)
            if self.recent and chance < self.exact:
                row = dice.choice(self.recent) | {"answer_id": str(self.first + number)}
            elif self.recent and chance < self.exact + self.near:
                row = self._changed(dice.choice(self.recent)) | {"answer_id": str(self.first + number)}
            else:
                row = self._row(number)
                if len(self.recent) < 5_000:
                    self.recent.append(row)
                else:
                    self.recent[dice.randrange(5_000)] = row
            yield row

    def _row(self, number: int) -> dict[str, object]:
        dice = self.dice
        return {
            "qid": 10**7 + number // 2, "title": self._title(), "desc": self._text(dice.randint(0, 400)),
            "topic": dice.choice(WORDS), "star": dice.randint(10, 4_000), "content": self._text(dice.randint(50, 800)),
            "answer_id": str(self.first + number), "answerer_tags": dice.choice(WORDS) + "爱好者",
        }  # fmt: skip

    def _phrase(self, words: list[str], weights: list[float]) -> str:
        found = self.dice.choices(words, weights, k=self.dice.randint(2, 5))
        return "".join(word + (self.dice.choice(LINKS) if self.dice.random() < 0.6 else "") for word in found) + self.dice.choice(MARKS)

    def _title(self) -> str:
        asking = self.dice.choice(ASKING)
        return self._text(self.dice.randint(8, 40) - len(asking)).replace("\n", "").rstrip("，。；！？") + asking

    def _text(self, length: int) -> str:
        """Exactly so many characters, most of the time: none when there is no room."""
        if length <= 0:
            return ""
        text = "".join(self.dice.choices(self.phrases, k=length // 6 + 1))
        return text[:length].strip()

    def _changed(self, row: dict[str, object]) -> dict[str, object]:
        """The same post as somebody else copied it."""
        answer = str(row["content"])
        at = self.dice.randrange(max(1, len(answer) - 4))
        return row | {
            "content": answer[:at] + self.dice.choice(WORDS) + answer[at + 2 :].replace("，", "， "),
            "star": self.dice.randint(10, 4_000),
        }


def write(path: Path, count: int, seed: int = 7) -> Path:
    """So many rows as JSON Lines, unless they lie there already."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            for row in Posts(seed).rows(count):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        part.rename(path)
    return path
