"""Search of any substring among a million posts. `make bench-search`.

Posts of realistic lengths (title 8–40 characters, body 0–400, reply 50–800) go in by COPY, get their titles indexed as an
import does it, and then the long fields as the background does. Each question is asked before (what a title holds) and after
that (what any field holds), and some of them of PostgreSQL without an index, in the same run.

    bench/search.py [--rows 1000000] [--var DIRECTORY]      the directory is kept, and with its posts used again
"""

import argparse
import json
import os
import random
import resource
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from cqia import embedded

GOAL_MS = 200
SOURCES = 5
BLOCK = 10_000
COLUMNS = """source_id, run_id, row, external_id, url, title, body, answer, author, question_id, context, raw, content_hash, status,
    drop_reason, drop_value, created_at"""
OLD, NEW, HOME, KEPT, RARE, PAIR = "旧事重提", "新近之物", "独此一处", "留下来的", "稀世罕见", "孤零零地"  # planted: see `planted`


def vocabulary(rng: random.Random) -> list[str]:
    """Words of one to four characters, over 3,000 characters of which few are common, as in Chinese; the most common words are single
    characters there."""
    characters = [chr(0x4E00 + rng.randrange(20_000)) for _ in range(3_000)]
    weights = [1 / (rank + 10) for rank in range(len(characters))]
    lengths = [1] * 40 + rng.choices([1, 2, 3, 4], [30, 70, 0, 0], k=160) + rng.choices([1, 2, 3, 4], [8, 70, 13, 9], k=20_000)
    return ["".join(rng.choices(characters, weights, k=length)) for length in lengths] + ["Python", "ChatGPT", "3.14", "20%"]


class Writer:
    """Texts out of a vocabulary, whose words are as common as their rank has it (Zipf)."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.words = np.array(vocabulary(random.Random(seed)), dtype=object)
        weights = 1 / (np.arange(len(self.words)) + 5.0)
        self.ladder = np.cumsum(weights / weights.sum())

    def texts(self, shortest: int, longest: int, count: int) -> list[str]:
        """The lengths are even between the two, in characters."""
        lengths = self.rng.integers(shortest, longest + 1, count)
        picked = iter(self.words[self.ladder.searchsorted(self.rng.random(int(lengths.sum() / 1.7) + 50 * count))])
        whole = "".join(picked)
        ends = np.cumsum(lengths)
        return [whole[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]


def planted(number: int, rows: int) -> tuple[str, str]:
    """Words for title and body that are common in old posts alone, in new ones, in one source, in what was kept; rare; and almost alone."""
    title, body = "", ""
    if number < rows // 10:
        title += OLD if number % 2 else ""
        body += OLD
    if number > rows - rows // 10:
        title, body = NEW, NEW
    if number % SOURCES == 1:
        title, body = title + (HOME if number % 3 else ""), body + HOME
    if number % 3:
        body += KEPT
    if number % (rows // 20) == 77:
        title, body = title + RARE, body + RARE
    if number in (rows // 3, rows // 3 + 1):
        body += PAIR
    return title, body


def rows_of(count: int) -> Iterator[tuple[Any, ...]]:
    writer = Writer(7)
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        columns = (writer.texts(8, 40, size), writer.texts(0, 400, size), writer.texts(50, 800, size))
        for place, (title, body, answer) in enumerate(zip(*columns, strict=True)):
            number = begin + place
            extra, more = planted(number, count)
            status, reason = ("kept", "") if number % 3 else ("dropped", "too_short" if number % 2 else "advert")
            yield (
                number % SOURCES + 1, number % SOURCES + 1, number, str(number), "", title[:20] + extra + title[20:], body + more, answer,
                "", "",
                "[]", "{}", f"{number:064d}", status, reason, "1" if reason else "", "2026-01-01 00:00:00+00",
            )  # fmt: skip


def fill(count: int) -> float:
    """The posts, by COPY; gives the seconds."""
    from django.db import connection

    from bench.defaults import set_defaults
    from sources.models import ImportRun, Source

    set_defaults()
    for number in range(1, SOURCES + 1):
        source = Source.objects.create(pk=number, slug=f"bench-{number}", name=f"Bench {number}")
        ImportRun.objects.create(pk=number, source=source, state="succeeded", file_name="-", sha256="0" * 64, size=1)
    begun = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(f"COPY sources_post ({COLUMNS}) FROM STDIN") as copy:
        for row in rows_of(count):
            copy.write_row(row)
    seconds = time.perf_counter() - begun
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE sources_post")
    return seconds


def questions() -> list[tuple[str, str, dict[str, Any]]]:
    """(kind, text, filters). At least sixty."""
    words = [str(word) for word in Writer(7).words]
    two = [word for word in words if len(word) == 2]
    common, middle, seldom = two[:8], two[300:306], two[-6:]
    asked: list[tuple[str, str, dict[str, Any]]] = [("common", word, {}) for word in [*common, words[0] + words[1]]]
    asked += [("middling", word, {}) for word in middle] + [("seldom", word, {}) for word in [*seldom, RARE, RARE[1:3], PAIR]]
    asked += [("absent", text, {}) for text in ("量子纠缠之猫", "不存在", "犇猋骉蟲", "zzzz", "饕餮", "100%_x")]
    asked += [("absent, of common words", words[a] + words[b] + words[c] + words[d], {}) for a, b, c, d in
              ((0, 1, 2, 3), (3, 2, 1, 0), (4, 0, 4, 0), (5, 1, 0, 2), (2, 2, 2, 2), (1, 6, 1, 6))]  # fmt: skip
    asked += [("absent, characters swapped", word[::-1], {}) for word in common[:6]]
    asked += [("Latin", text, {}) for text in ("python", "CHATGPT", "3.14", "20%")]
    asked += [("skewed", text, {}) for text in (OLD, NEW, HOME, OLD + common[0], NEW + common[0])]
    filters = [
        {"source": 1},
        {"source": 3},
        {"status": "dropped"},
        {"source": 2, "status": "kept"},
        {"reason": "advert"},
        {"source": 4, "reason": "too_short"},
    ]
    asked += [("filtered", text, kept) for text in (common[0], middle[0], RARE, "饕餮") for kept in filters]
    opposite = (
        (HOME, {"source": 4}),
        (KEPT, {"status": "dropped"}),
        (KEPT, {"reason": "advert"}),
        (OLD, {"source": 2, "status": "dropped"}),
    )
    asked += [("skewed and filtered", text, kept) for text, kept in opposite]
    return asked


def ask(text: str, filters: dict[str, Any]) -> tuple[float, Any]:
    """A first page, as the doors ask for it: milliseconds, and what was found."""
    from sources.indexing import POSTS
    from sources.models import Post
    from sources.searching import Search, page

    begun = time.perf_counter()
    sources = [filters["source"]] if "source" in filters else None
    outcome = Post.outcome(filters.get("status", ""), filters.get("reason", ""))
    rows = Post.objects.filter(source__in=sources) if sources else Post.objects.all()
    found = page(Search(POSTS, text, sources, outcome), rows.select_related("source"))
    return 1000 * (time.perf_counter() - begun), found


def measure(asked: list[tuple[str, str, dict[str, Any]]], times: int = 3) -> dict[str, float]:
    """Each question several times, all of them one after the other; prints a line a kind, gives p50 and p95."""
    every: dict[str, list[float]] = {}
    cut, worst = 0, (0.0, "", {})
    for _ in range(times):
        for kind, text, filters in asked:
            took, found = ask(text, filters)
            every.setdefault(kind, []).append(took)
            cut += found.is_cut
            worst = max(worst, (took, text, filters), key=lambda each: each[0])
    for kind, each in every.items():
        print(f"  {kind:28}{len(each) // times:4} questions   median {statistics.median(each):7.1f} ms   slowest {max(each):7.1f} ms")
    all_ = sorted(took for each in every.values() for took in each)
    print(f"  slowest: {worst[1]} {worst[2]}; cut short: {cut} of {len(all_)}")
    return {
        "p50_ms": round(statistics.median(all_), 1),
        "p95_ms": round(all_[int(0.95 * (len(all_) - 1))], 1),
        "cut": cut,
        "asked": len(all_),
    }


def scan(texts: list[str]) -> dict[str, float]:
    """The same pages by a plain scan of PostgreSQL, for the comparison."""
    from sources.indexing import POSTS
    from sources.models import Post
    from sources.searching import holding

    took = {}
    for text in texts:
        begun = time.perf_counter()
        list(Post.objects.filter(holding(POSTS.fields, text)).order_by("pk")[:51])
        took[text] = round(1000 * (time.perf_counter() - begun), 1)
    return took


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--var", type=Path)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        var = asked.var or Path(folder)
        os.environ |= {"CQIA_VAR": str(var), "DJANGO_SETTINGS_MODULE": "cqia.settings", "SECRET_KEY": secrets.token_hex(32)}
        engines = embedded.provide(var)
        try:
            return run(asked.rows)
        finally:
            if engines:
                engines.stop()


def run(rows: int) -> int:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connection

    from sources import indexing
    from sources.models import Post

    figures: dict[str, Any] = {"bench": "search", "rows": rows}
    if not Post.objects.exists():
        figures["copy_s"] = round(fill(rows), 1)
        print(f"{rows} posts by COPY in {figures['copy_s']} s")
    asked = questions()
    figures |= build(indexing.index_new, "titles")
    if not indexing.progress(indexing.POSTS).is_caught_up:
        print("titles, before the background comes by:")
        figures["titles"] = measure(asked)
    figures |= build(lambda what: indexing.catch_up(what, 1e6), "long")
    print("all fields:")
    figures["all"] = measure(asked)
    common, absent = next(text for kind, text, _ in asked if kind == "common"), "饕餮"
    figures["scan_ms"] = scan([common, RARE, absent])
    ours = {text: round(min(ask(text, {})[0] for _ in range(3)), 1) for text in figures["scan_ms"]}
    for text, took in figures["scan_ms"].items():
        print(f"  {text}: {ours[text]} ms; a scan of the table {took} ms, {took / ours[text]:.1f} times as long")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('sources_searchpage'), pg_total_relation_size('sources_post')")
        figures["index_mb"], figures["table_mb"] = (round(size / 1e6) for size in cursor.fetchone())
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    held = all(figures[which]["p95_ms"] < GOAL_MS for which in ("titles", "all") if which in figures)
    print(json.dumps(figures | {"goals": {"p95_ms": GOAL_MS}, "held": held}, ensure_ascii=False))
    return 0 if held else 1


def build(make: Any, name: str) -> dict[str, float]:
    from sources import indexing

    begun, cpu = time.perf_counter(), time.process_time()
    make(indexing.POSTS)
    took = round(time.perf_counter() - begun, 1)
    print(f"{name} indexed in {took} s, {time.process_time() - cpu:.1f} s of processor here")
    return {f"{name}_s": took, f"{name}_mb": round(indexing.progress(indexing.POSTS).bytes / 1e6)}


if __name__ == "__main__":
    raise SystemExit(main())
