"""Where each record comes from, row by row: source, post, model and prompt, people and their decisions. People are pseudonyms:
the same person is the same name in every version of this installation, and nobody else can tell who."""

from collections.abc import Iterator
from typing import Any

import orjson
from django.db import connection
from django.utils.crypto import salted_hmac
from rapidfuzz.distance import Levenshtein

from .models import Version
from .records import read_line

PAGE = 2_000
ROWS = """
    SELECT c.position, c.split, c.sha256, s.slug, o.external_id, o.url, c.data, o.content_hash, d.model, pv.name, pv.sha256,
        m.attempt_id, m.request_id, r.verdict, r.draft_id, d.output, r.output, k.ids, k.people
    FROM datasets_record c JOIN annotation_review r ON r.id = c.review_id JOIN annotation_pair p ON p.id = c.pair_id
    JOIN sources_post o ON o.id = p.post_id JOIN sources_source s ON s.id = p.source_id
    LEFT JOIN annotation_draft d ON d.id = r.draft_id LEFT JOIN annotation_modelcall m ON m.id = d.call_id
    LEFT JOIN annotation_promptversion pv ON pv.id = m.prompt_id
    JOIN LATERAL (
        SELECT array_agg(e.id ORDER BY e.id) AS ids, array_agg(e.by_id ORDER BY e.id) AS people FROM annotation_review e
        WHERE e.pair_id = c.pair_id AND e.id <= %(log)s AND e.verdict IN ('accept', 'edit', 'reject')
        AND NOT EXISTS (SELECT FROM annotation_review u WHERE u.undoes_id = e.id AND u.id <= %(log)s)
        AND NOT EXISTS (SELECT FROM annotation_review u
                        WHERE u.pair_id = c.pair_id AND u.verdict = 'reopen' AND u.id > e.id AND u.id <= %(log)s
                        AND NOT EXISTS (SELECT FROM annotation_review v WHERE v.undoes_id = u.id AND v.id <= %(log)s))
    ) k ON true
    WHERE c.version_id = %(version)s AND c.position >= %(start)s AND c.position < %(end)s ORDER BY c.position
"""
KEYS = (
    "position", "split", "record_sha256", "source", "external_id", "url", "licence", "post_sha256", "model", "prompt", "prompt_sha256",
    "call", "request_id", "reviewers", "reviews", "verdict", "edit_distance",
)  # fmt: skip
EXAMPLE: dict[str, Any] = dict.fromkeys(KEYS, "") | {"position": 0, "reviewers": [""], "reviews": [0], "edit_distance": 0}


def ledger(version: Version) -> Iterator[bytes]:
    """The ledger of a version as pages of JSON Lines, a row for each record. What is unknown is ""."""
    with connection.cursor() as cursor:
        for start in range(0, version.records_count or 0, PAGE):
            cursor.execute(ROWS, {"version": version.pk, "log": version.log_position, "start": start, "end": start + PAGE})
            yield b"".join(orjson.dumps(_row(*row), option=orjson.OPT_APPEND_NEWLINE) for row in cursor.fetchall())


def _row(
    position: int, split: str, sha256: str, source: str, external_id: str, url: str, data: Any, post: str,
    model: str | None, prompt: str | None, prompt_sha256: str | None, call: Any, request: str | None,
    verdict: str, draft: int | None, drafted: str | None, output: str, reviews: list[int], people: list[int],
) -> dict[str, Any]:  # fmt: skip
    """`edit_distance`: characters between the draft that was judged and what was accepted; -1 when no draft was named."""
    record = read_line(data) if isinstance(data, str) else data
    distance = -1 if draft is None or drafted is None else int(Levenshtein.distance(drafted, output))
    values = (
        position, split, sha256, source, external_id, url, record["copyright"], post, model or "", prompt or "", prompt_sha256 or "",
        str(call or ""), request or "", [pseudonym(person) for person in people], reviews, verdict, distance,
    )  # fmt: skip
    return dict(zip(KEYS, values, strict=True))


def pseudonym(person: int) -> str:
    return "reviewer-" + salted_hmac("datasets.ledger.reviewer", str(person), algorithm="sha256").hexdigest()[:12]
