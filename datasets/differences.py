"""What differs between two frozen versions, pair by pair, and why."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotation.diffing import Segment, diff

from .models import Record, Version

PAGE, SHOWN = 20, 2_000
KINDS = ("added", "removed", "edited")
BOTH = """
    (SELECT pair_id, review_id, sha256 FROM datasets_record WHERE version_id = %(old)s) a FULL JOIN
    (SELECT pair_id, review_id, sha256 FROM datasets_record WHERE version_id = %(new)s) b ON a.pair_id = b.pair_id
"""
COUNT = f"""
    SELECT count(*) FILTER (WHERE a.review_id IS NULL), count(*) FILTER (WHERE b.review_id IS NULL),
        count(*) FILTER (WHERE a.sha256 <> b.sha256) FROM {BOTH}
"""
WHERE = {"added": "a.review_id IS NULL", "removed": "b.review_id IS NULL", "edited": "a.sha256 <> b.sha256"}
# decided: somebody has decided since. recipe: the recipe (or a licence) kept it out before. source: its licence or the like changed.
WHY = {
    "added": "CASE WHEN b.review_id > %(position)s THEN 'decided' ELSE 'recipe' END",
    "edited": "CASE WHEN a.review_id <> b.review_id THEN 'decided' ELSE 'metadata' END",
    "removed": """COALESCE((
        SELECT r.reason FROM datasets_removal r JOIN datasets_version v ON v.id = r.version_id
        WHERE r.pair_id = a.pair_id AND v.dataset_id = %(dataset)s AND v.number > %(after)s AND v.number <= %(upto)s
        ORDER BY v.number DESC LIMIT 1), 'recipe')""",
}


@dataclass(frozen=True)
class Change:
    """A pair whose record differs: before and after (None: not in that version), and why."""

    pair: int
    why: str
    before: Record | None
    after: Record | None

    @property
    def segments(self) -> list[Segment]:
        """What changed in the texts, of a record that is in both."""
        return diff(_texts(self.before)[:SHOWN], _texts(self.after)[:SHOWN]) if self.before and self.after else []


@dataclass(frozen=True)
class Difference:
    old: Version
    new: Version
    added: int
    removed: int
    edited: int

    @property
    def is_none(self) -> bool:
        return not (self.added or self.removed or self.edited)


def compare(old: Version, new: Version) -> Difference:
    """How many records came, went and changed from `old` to `new`, two frozen versions of one dataset."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, _values(old, new))
        return Difference(old, new, *cursor.fetchone())


def changes(old: Version, new: Version, kind: str, *, start: int = 0, limit: int = PAGE) -> list[Change]:
    """The changes of one of KINDS in the order of the pairs, from the `start`-th on."""
    picked = f"SELECT COALESCE(a.pair_id, b.pair_id) AS pair, {WHY[kind]} FROM {BOTH} WHERE {WHERE[kind]}"
    query = f"{picked} ORDER BY pair LIMIT %(limit)s OFFSET %(start)s"
    with connection.cursor() as cursor:
        cursor.execute(query, _values(old, new) | {"limit": limit, "start": start})
        found: list[tuple[int, str]] = cursor.fetchall()
    pairs = [pair for pair, _ in found]
    records = Record.objects.filter(version__in=[old, new], pair__in=pairs).select_related("pair__source")
    there = {(record.version_id, record.pair_id): record for record in records}
    return [Change(pair, why, there.get((old.pk, pair)), there.get((new.pk, pair))) for pair, why in found]


def _texts(record: Record) -> str:
    return "\n\n".join(filter(None, (record.data[text] for text in ("instruction", "input", "output"))))


def _values(old: Version, new: Version) -> dict[str, Any]:
    return {
        "old": old.pk, "new": new.pk, "position": old.log_position, "dataset": old.dataset_id, "after": old.number, "upto": new.number
    }  # fmt: skip
