"""Near-duplicates among labelled pairs: what ours finds, beside shingles of five words as tools for English use them.

`near_duplicates.jsonl` holds pairs of sentences of our own: {"kind", "a", "b", "same"}; the thresholds were chosen on it.
`near_duplicates_held_out.jsonl` holds others, written afterwards, on which nothing is ever tuned. All texts are clustered in one
go, as a source's posts are; a pair is found when both ended in one cluster. The last line is JSON.
"""

import json
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sources.similarity import alike, clusters, jaccard

HERE = Path(__file__).parent
SETS = {"chosen_on": HERE / "near_duplicates.jsonl", "held_out": HERE / "near_duplicates_held_out.jsonl"}
GOAL = 0.95
WINDOW = 5


def by_words(one: str, other: str) -> bool:
    """Shingles of five words between spaces, Jaccard of at least one half."""
    shingles = [
        frozenset(" ".join(words[at : at + WINDOW]) for at in range(len(words) - WINDOW + 1)) for words in (one.split(), other.split())
    ]
    return jaccard(*shingles) >= 0.5


def figures(pairs: list[dict], found: list[bool]) -> tuple[float, float]:
    right = sum(pair["same"] and hit for pair, hit in zip(pairs, found, strict=True))
    return (right / sum(found) if any(found) else 1.0), right / sum(pair["same"] for pair in pairs)


def main() -> int:
    result: dict[str, object] = {"bench": "near_duplicates", "goal": GOAL}
    holds = True
    for name, path in SETS.items():
        found = judged(name, [json.loads(line) for line in path.read_text("utf-8").splitlines()])
        holds &= found["precision"] >= GOAL and found["recall"] >= GOAL
        result[name] = found
    result |= {"seconds_20000_short": round(speed(), 2), "holds": bool(holds)}
    print(json.dumps(result))
    return 0 if holds else 1


def judged(name: str, pairs: list[dict]) -> dict[str, float]:
    ours = [alike(pair["a"], pair["b"]) for pair in pairs]
    words = [by_words(pair["a"], pair["b"]) for pair in pairs]
    together = clusters(enumerate(text for pair in pairs for text in (pair["a"], pair["b"])))
    joined = [2 * n in together and together[2 * n] == together.get(2 * n + 1) for n in range(len(pairs))]
    kinds: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    for pair, *hits in zip(pairs, ours, words, strict=True):
        kinds[pair["kind"]].append((pair["same"], *hits))
    print(f"{name:32}{'pairs':>6}{'same':>6}{'ours':>6}{'words':>7}")
    for kind, rows in kinds.items():
        print(f"{kind:32}{len(rows):>6}{sum(r[0] for r in rows):>6}{sum(r[1] for r in rows):>6}{sum(r[2] for r in rows):>7}")
    (precision, recall), (words_precision, words_recall) = figures(pairs, ours), figures(pairs, words)
    print(f"ours: precision {precision:.3f}, recall {recall:.3f}; words: precision {words_precision:.3f}, recall {words_recall:.3f}")
    print(f"in one go with all others: recall {figures(pairs, joined)[1]:.3f}, precision {figures(pairs, joined)[0]:.3f}\n")
    return {
        "pairs": len(pairs), "precision": round(precision, 4), "recall": round(recall, 4), "words_precision": round(words_precision, 4),
        "words_recall": round(words_recall, 4),
    }  # fmt: skip


def speed(count: int = 20_000) -> float:
    """Seconds for so many short texts, put together from words of two characters."""
    rng = random.Random(20)
    words = ["".join(chr(0x4E00 + rng.randrange(2_500)) for _ in range(2)) for _ in range(4_000)]
    texts = ["".join(rng.choices(words, k=rng.randint(5, 15))) for _ in range(count)]
    start = time.perf_counter()
    clusters(enumerate(texts))
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
