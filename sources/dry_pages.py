"""What pages of a dry run show: how far it is, the first posts, the lost rows with what they fell to, and these as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import dry_orders, dry_stages, dry_wording, personal
from .import_views import inert, pace, waits_for_a_worker
from .models import DryRow, DryRun, Post
from .templating import fill, instruction_of

FIRST = 5  # posts that are shown as they will be
EXCERPT = 300
STEP = 20  # percent between two announcements to those who listen


def progress_of(dry: DryRun, said: str) -> dict[str, Any]:
    """`said`: what was announced last; it is said again only when there is news."""
    heard = f"{dry.state}-{dry.percent // STEP}"
    of = int(dry.cursor.get("of") or 0)
    return {
        "stages": dry_stages.stages(dry), "groups": dry_stages.groups(dry), "coming": dry_stages.coming(dry), "first": first_posts(dry),
        "pace": pace(dry), "has_no_worker": waits_for_a_worker(dry), "said": heard, "is_news": heard != said,
        "is_comparing": dry.state == DryRun.State.RUNNING and 0 < of <= int(dry.cursor.get("byte", 0)),
    }  # fmt: skip


def first_posts(dry: DryRun) -> list[dict[str, Any]]:
    """The first rows that get through, as the source's templates will make pairs of them."""
    source = dry.source
    return [
        {
            "row": row.row, "votes": row.votes, "author": row.author[:4], "reply": row.answer[:EXCERPT],
            "instruction": instruction_of(source.instruction_templates, row.row, row.fields())[:EXCERPT],
            "input": fill(source.input_template, row.fields())[:EXCERPT],
        }
        for row in dry.rows.passed()[:FIRST]
    ]  # fmt: skip


def shown_rows(dry: DryRun, rows: list[DryRow]) -> list[dict[str, Any]]:
    """Lost rows with words for their reasons, what they fell to, and why they cannot be kept, if so. Personal data is masked."""
    twins = _twins(dry, rows)
    return [
        {
            "row": row.row, "text": excerpt(row), "raw": row.raw[:EXCERPT], "outcome": row.outcome, "is_kept": row.is_kept,
            "reason": dry_wording.row_reason(row.outcome, row.reason), "code": row.reason,
            "value": dry_wording.row_value(row.reason, row.value),
            "twin": twins.get(row.value, "") if row.reason in dry_wording.TWINS else "", "why_not": dry_orders.why_not_kept(row),
        }
        for row in rows
    ]  # fmt: skip


def excerpt(row: DryRow) -> str:
    return personal.mask(row.title or row.body or row.answer)[:EXCERPT]


def _twins(dry: DryRun, rows: list[DryRow]) -> dict[str, str]:
    """The texts of what duplicates fall to, by the value that names them."""
    values = {row.value for row in rows if row.reason in dry_wording.TWINS and row.value}
    here = dry.rows.filter(row__in=[int(value[1:]) for value in values if value.startswith("~")])
    there = Post.objects.filter(pk__in=[int(value) for value in values if value.isdigit()]).only("title", "body", "answer")
    texts = {str(post.pk): personal.mask(post.title or post.body or post.answer)[:EXCERPT] for post in there}
    return texts | {f"~{row.row}": excerpt(row) for row in here}


def _cells(row: DryRow) -> dict[str, Any]:
    reason = dry_wording.row_reason(row.outcome, row.reason)
    raw = row.raw or personal.mask("\n".join(filter(None, (row.title, row.body, row.answer))))[:2000]
    value = dry_wording.row_value(row.reason, row.value)
    return {"row": row.row, "reason": row.reason, "message": reason, "value": value, "kept": row.is_kept, "raw": raw}


def as_jsonl(rows: Iterable[DryRow]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(_cells(row), ensure_ascii=False) + "\n"


def as_csv(rows: Iterable[DryRow]) -> Iterator[str]:
    """For people with spreadsheets: a cell that a spreadsheet would run begins with an apostrophe."""
    yield "\ufeff" + _line(["row", "reason", "message", "value", "kept", "raw"])
    for row in rows:
        yield _line([inert(cell) if isinstance(cell, str) else cell for cell in _cells(row).values()])


def _line(cells: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


WRITERS: dict[str, Callable[[Iterable[DryRow]], Iterator[str]]] = {"jsonl": as_jsonl, "csv": as_csv}
