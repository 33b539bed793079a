"""The part of freezing that reads texts: whose answer it is, and which decisions say something about preference.

It looks at the drafts that differ from what was decided, a page at a time, and writes what it finds beside `pick`:

    answer: pair, said (human | llm), of pairs for which `pick` does not say it        candidate: pair, draft, kind (edit | ranked)
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection

from annotation.models import DEMO_MODEL

from .preferring import is_preference, same_question
from .recipes import Recipe
from .records import answer_from

PAGE = 4_000
# A draft that was accepted as it is needs no look, so of most pairs there is nothing to look at but other drafts that they may have.
LOOK = """
    CREATE TEMP TABLE look AS
    SELECT (row_number() OVER (ORDER BY k.pair))::integer AS n, k.pair, k.review, k.draft, k.verdict, k.answer_from FROM pick k LEFT JOIN (
        SELECT pair_id AS pair FROM annotation_draft GROUP BY pair_id HAVING count(*) > 1
    ) several ON several.pair = k.pair
    WHERE k.kept AND k.fate = '' AND (k.answer_from = '' OR k.verdict = 'edit' OR k.draft IS NULL OR several.pair IS NOT NULL)
"""
# Drafts that came after the decision had no part in it. (A page has both its ends: with a LIMIT instead, the planner would take what
# comes after the first pages for so much that it read all of it, for each of them.)
DRAFTS = """
    SELECT k.pair, k.draft, k.answer_from, d.id, d.model, d.output, r.instruction, r.input, r.output,
        NULLIF(r.before ->> 'instruction', r.instruction), NULLIF(r.before ->> 'input', r.input)
    FROM look k JOIN annotation_draft d ON d.pair_id = k.pair JOIN annotation_review r ON r.id = k.review
    WHERE k.n > %(last)s AND k.n <= %(last)s + %(page)s AND d.created_at <= r.at
        AND (k.answer_from = '' OR d.id IS DISTINCT FROM k.draft OR k.verdict = 'edit')
    ORDER BY k.n, d.number
"""


Judged = tuple[int, str | None, list[tuple[int, str]]]  # pair, who answered if that was not settled, [(draft, kind)]


class Row(NamedTuple):
    """A draft of a pair beside what was decided."""

    pair: int
    judged: int | None  # the draft that the decision names
    known: str  # answer_from, if that is settled
    draft: int
    model: str
    text: str
    instruction: str
    input: str
    output: str
    asked: str | None  # what the drafts answered, where that is not what was decided
    asked_input: str | None


def judge(recipe: Recipe, meanwhile: Callable[[], None]) -> None:
    """Fill `answer` and `candidate` for the pairs in `pick` that are still in. `meanwhile` is called now and then."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS candidate, answer, look")
        cursor.execute(LOOK)
        total = cursor.rowcount
        cursor.execute("CREATE UNIQUE INDEX ON look (n)")
        cursor.execute("ANALYZE look")
        meanwhile()
        cursor.execute("CREATE TEMP TABLE candidate (pair bigint, draft bigint, kind text)")
        cursor.execute("CREATE TEMP TABLE answer (pair bigint, said text)")
        with ThreadPoolExecutor(1, thread_name_prefix="judge") as pool:  # it looks at one page while the database finds the next
            looked: Future[list[Judged]] | None = None
            for page in _pages(total, meanwhile):
                before, looked = looked, pool.submit(_looked_at, page, recipe)
                if before:
                    _write(cursor, before.result())
            if looked:
                _write(cursor, looked.result())
        cursor.execute("ANALYZE answer")
        cursor.execute("ANALYZE candidate")


def _pages(total: int, meanwhile: Callable[[], None]) -> Iterator[Any]:
    """Cursors that have a page each. Making Python's values of it is for who looks at them: the database need not wait for that."""
    for last in range(0, total, PAGE):
        meanwhile()
        cursor = connection.cursor()
        cursor.execute(DRAFTS, {"last": last, "page": PAGE})
        yield cursor


def _looked_at(page: Any, recipe: Recipe) -> list[Judged]:
    with page:
        rows = (Row(*row) for row in page.fetchall())
        return [(pair, *_judged(list(drafts), recipe)) for pair, drafts in groupby(rows, lambda row: row.pair)]


def _judged(rows: list[Row], recipe: Recipe) -> tuple[str | None, list[tuple[int, str]]]:
    """Who answered, if that is not settled, and [(draft, kind)] of what the decision preferred its text to."""
    first = rows[0]
    models = [row.text for row in rows if row.model and first.judged in (None, row.draft)]
    return None if first.known else answer_from(models, first.output), list(_preferred(rows, recipe))


def _is_same_question(row: Row) -> bool:
    if row.asked is None and row.asked_input is None:
        return True
    asked = row.instruction if row.asked is None else row.asked
    given = row.input if row.asked_input is None else row.asked_input
    return same_question(f"{row.instruction}\n{row.input}", f"{asked}\n{given}")


def _preferred(rows: list[Row], recipe: Recipe) -> Iterator[tuple[int, str]]:
    first = rows[0]
    if first.judged is None or not _is_same_question(first):
        return  # nobody knows which draft was judged, or it answered another question
    for row in rows:
        if (row.model != DEMO_MODEL or recipe.include_demo) and is_preference(row.text, first.output, recipe.preferences):
            yield row.draft, "edit" if row.draft == first.judged else "ranked"


def _write(cursor: Any, judged: list[Judged]) -> None:
    """Numbers and words of ours: nothing in them that COPY wants escaped."""
    with cursor.copy("COPY answer FROM STDIN") as copy:
        copy.write("".join(f"{pair}\t{answered}\n" for pair, answered, _ in judged if answered))
    with cursor.copy("COPY candidate FROM STDIN") as copy:
        copy.write("".join(f"{pair}\t{draft}\t{kind}\n" for pair, _, preferred in judged for draft, kind in preferred))
