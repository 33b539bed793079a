"""Rows that tests start from, each with what it needs around it."""

import hashlib
import itertools
import uuid
from typing import Any

from accounts.models import User
from annotation.models import Draft, Pair, Review
from annotation.near import bands_of
from annotation.near_models import NearBand
from sources import screening
from sources.models import ImportRun, Post, RejectedRow, Source

_numbers = itertools.count(1)


def make_source(slug: str = "", **fields: Any) -> Source:
    slug = slug or f"source-{next(_numbers)}"
    return Source.objects.create(slug=slug, **{"name": slug, **fields})


def make_run(source: Source, *, read: int = 0, created: int = 0, known: int = 0, rejected: int = 0, **fields: Any) -> ImportRun:
    """A finished import. `read` is computed from the other counts unless given."""
    fields = {
        "state": "succeeded",
        "file_name": "posts.jsonl",
        "size": 1000,
        "sha256": hashlib.sha256(uuid.uuid4().bytes).hexdigest(),
        **fields,
    }
    return ImportRun.objects.create(
        source=source, read=read or created + known + rejected, created=created, known=known, rejected=rejected, **fields
    )


def make_rejected_row(run: ImportRun, row: int, reason: str = "not_json", **fields: Any) -> RejectedRow:
    return RejectedRow.objects.create(run=run, row=row, reason=reason, **fields)


def make_post(source: Source | None = None, *, run: ImportRun | None = None, **fields: Any) -> Post:
    n = next(_numbers)
    source = source or (run.source if run else make_source())
    if run is None:
        run = make_run(source, created=1)
    fields = {"row": n, "external_id": f"id-{n}", "title": f"保温杯里装冰水，它该保谁的温？{n}", "content_hash": f"hash-{n}", **fields}
    return Post.objects.create(source=source, run=run, **fields)


def make_pair(
    source: Source | None = None, *, post: Post | None = None, status: str = "pending", by: User | None = None, **fields: Any
) -> Pair:
    """A pair in any status. A decided one needs `by`, who gets a Review in the log (reasons: field `reasons`)."""
    post = post or make_post(source, status="kept")
    reasons = fields.pop("reasons", ["off_topic"])
    fields = {"instruction": post.title, "output": "保的是冰水的温。", **fields}
    if status == "failed":
        fields.setdefault("failure", "refused")
    decided = status in ("accepted", "rejected")
    pair = Pair.objects.create(post=post, source=post.source, status="pending" if decided else status, **fields)
    if decided:
        verdict = "accept" if status == "accepted" else "reject"
        review = make_review(pair, by=by, verdict=verdict, reasons=reasons if verdict == "reject" else [])
        Pair.objects.filter(pk=pair.pk).update(status=status, decision=review)
        if status == "accepted":
            NearBand.objects.bulk_create(NearBand(band=band, pair_id=pair.pk) for band in set(bands_of(pair.instruction, pair.input)))
        pair.refresh_from_db()
    return pair


def make_draft(pair: Pair, **fields: Any) -> Draft:
    number = pair.drafts.count() + 1
    return Draft.objects.create(pair=pair, **{"number": number, "output": pair.output, **fields})


def make_review(pair: Pair, *, by: User | None, verdict: str = "accept", **fields: Any) -> Review:
    texts = {"instruction": pair.instruction, "input": pair.input, "output": pair.output}
    return Review.objects.create(
        pair=pair, by=by, verdict=verdict, pair_version=pair.version, op_id=uuid.uuid4(), op_digest="0" * 64, **{**texts, **fields}
    )


def make_screened_source() -> Source:
    """Three posts, with as many votes as their row says; the first was too short for the source's screen."""
    source = make_source("a", screens=[{"screen": "length", "min": 3}])
    run = make_run(source, created=3)
    for row, title in enumerate(["短", "影子会不会怕黑", "保温杯里装冰水"], 1):
        make_post(source, run=run, row=row, title=title, votes=row)
    screening.screen(source)
    return source
