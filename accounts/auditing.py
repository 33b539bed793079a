"""The audit log's chain: each entry's hash holds the hash of the one before. The database makes it (migration 0003), at the end of
the transaction and one at a time; here it is computed again."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from . import anchors
from .chain import DOCUMENT, START

CHAIN = f"""
    SELECT entry.id, link.position, link.previous, link.digest, {DOCUMENT}
    FROM accounts_auditentry entry FULL JOIN accounts_auditlink link ON link.entry_id = entry.id
    ORDER BY link.position, entry.id
"""  # noqa: S608 (only constants are put together)


def broken() -> Iterator[str]:
    """One sentence for each entry that was changed, cut out, put in or moved; and for each anchor that the log no longer agrees with."""
    seen: dict[int, str] = {}
    expected, at = START, 0
    for entry, position, previous, digest, document in _rows():
        if position is None:
            yield f"audit entry {entry} is in no place of the chain"
            continue
        at += 1
        if position != at:
            yield f"audit entries {at} to {position - 1} of the chain are gone"
            at = position
        elif previous != expected:
            yield f"audit entry {entry} at {position} does not follow the one before it"
        if entry is None:
            yield f"the audit entry at {position} is gone"
        elif hashlib.sha256(document.encode()).hexdigest() != digest:
            yield f"audit entry {entry} at {position} was changed"
        expected = seen[position] = digest
    yield from _unanchored(seen, settings.AUDIT_ANCHORS)


def _rows() -> Iterator[tuple[int, int, str, str, str]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(CHAIN)
        yield from cursor


def _unanchored(seen: dict[int, str], folder: Path | None) -> Iterator[str]:
    for anchor in anchors.read(folder) if folder else ():
        if isinstance(anchor, str):
            yield f"{folder}: a line that was not signed here: {anchor[:100]!r}"
        elif anchor.position not in seen:
            yield f"the audit log ends before {anchor.position}, which was there: its tail is cut"
        elif seen[anchor.position] != anchor.digest:
            yield f"the audit log at {anchor.position} is not what it was: it was written anew"
