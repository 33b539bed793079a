"""Step 5: accepted pairs become Records, records become a frozen Version, a version becomes Files.

`freeze` asks for a version, `build` makes it in a worker. What it holds is decided by one snapshot, at one position of
the log of reviews; reviews never change, so the records are written afterwards, in batches, while people go on.
"""

import hashlib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import AuditEntry
from annotation.models import Review
from sources.jobs import LostLease
from sources.models import Source

from . import files
from .exporting import SPLIT, folder_of, recompute, subject, write_files
from .models import Dataset, File, Record, Version
from .records import Decided, canonical, compose, digest
from .selecting import Snapshot, recipe_of, snapshot

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
BATCH = 500
__all__ = ["build", "create_dataset", "ensure_dataset", "ensure_demo", "freeze", "recompute", "write_files"]


def create_dataset(
    *,
    slug: str,
    name: str,
    by: "User | None",
    sources: Iterable[Source] = (),
    include_demo: bool = False,
    recipe: dict[str, Any] | None = None,
) -> Dataset:
    """A dataset of `sources` (none: all of them). Raises IntegrityError when the slug is taken."""
    with transaction.atomic():
        dataset = Dataset.objects.create(slug=slug, name=name, include_demo=include_demo, recipe=recipe or {})
        dataset.sources.set(sources)
        AuditEntry.objects.create(by=by, action="dataset_created", subject=f"dataset {slug}", detail=recipe_of(dataset))
    return dataset


def ensure_dataset(slug: str, name: str, *, include_demo: bool = False, sources: Iterable[Source] = ()) -> Dataset:
    """The dataset called `slug`, made if there is none. One that is there is left as it is."""
    found = Dataset.objects.filter(slug=slug).first()
    return found or create_dataset(slug=slug, name=name, by=None, sources=sources, include_demo=include_demo)


def ensure_demo() -> Dataset:
    """The demo's dataset. It takes demo drafts, or the demo could publish nothing; its page says so."""
    return ensure_dataset("demo", "演示数据集", include_demo=True)


def freeze(dataset: Dataset, *, by: "User | None", include_demo: bool | None = None, number: int | None = None) -> Version:
    """Order the next version of `dataset`: a queued job for `build`. The caller sends the hint.

    `number` is the version that the caller expects to get. If it exists already, that one is given back and nothing is
    made: the same click twice is one version.
    """
    with transaction.atomic():
        Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
        last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
        if number is not None and number <= last:
            return dataset.versions.get(number=number)
        recipe = recipe_of(dataset, include_demo=include_demo)
        version = Version.objects.create(dataset=dataset, number=last + 1, by=by, recipe=recipe)
        AuditEntry.objects.create(by=by, action="version_frozen", subject=subject(version), detail=recipe)
    return version


def build(version_id: int) -> None:
    """Make the queued version, if nobody else does. Whatever a worker that died left of it is made anew."""
    version = Version.claim(version_id)
    if version is None:
        return
    try:
        _build(version)
    except LostLease:
        log.warning("%s: somebody else builds it now", subject(version))
    except OSError as error:
        log.exception("%s: its files cannot be written", subject(version))
        if _fail(version, "disk", error_detail=error.strerror or type(error).__name__):
            files.clear(folder_of(version))


def _build(version: Version) -> None:
    _clear(version)
    seen = snapshot(version.recipe)
    total = len(seen.picked)
    version.hold(log_position=seen.log_position, left_out=seen.left_out, records_count=0, splits={SPLIT: total})
    if not total:
        _fail(version, "empty")
        return
    sha256 = _insert_records(version, seen)
    written = write_files(version)
    with transaction.atomic():
        version.finish(Version.State.READY, sha256=sha256, records_count=total)
        File.objects.bulk_create(written)
    log.info("%s: %d records, sha256 %s", subject(version), total, sha256)


def _fail(version: Version, code: str, **detail: Any) -> bool:
    """Whether it failed by our word, and not because somebody else builds it now."""
    try:
        version.finish(Version.State.FAILED, error_code=code, **detail)
    except LostLease:
        log.warning("%s: somebody else builds it now", subject(version))
        return False
    return True


def _clear(version: Version) -> None:
    """Start over: the trigger of the records lets this happen only while the version is not frozen."""
    with transaction.atomic():
        version.hold()
        version.records.all().delete()
    files.clear(folder_of(version))


def _insert_records(version: Version, seen: Snapshot) -> str:
    """Write the records batch by batch; give the sha256 of their canonical lines in order."""
    whole = hashlib.sha256()
    for start in range(0, len(seen.picked), BATCH):
        records = _records(version, seen.picked[start : start + BATCH], start, seen.licences)
        with transaction.atomic():
            version.progress(records_count=start + len(records))  # first: it locks the row, so a second builder waits
            _copy(records)
        for record in records:
            whole.update(canonical(record.data))
    return whole.hexdigest()


def _copy(records: list[Record]) -> None:
    """Insert by COPY: the ORM's way spends 8 ms on a record of 400 Chinese characters, escaping each of them twice."""
    columns = "version_id, position, pair_id, review_id, split, data, sha256"
    with connection.cursor() as cursor, cursor.copy(f"COPY {Record._meta.db_table} ({columns}) FROM STDIN") as copy:
        for record in records:
            data = canonical(record.data).decode()
            copy.write_row((record.version_id, record.position, record.pair_id, record.review_id, record.split, data, record.sha256))


def _records(version: Version, picked: list[tuple[int, int]], start: int, licences: dict[int, str]) -> list[Record]:
    ids = [review for _source, review in picked]
    found = Review.objects.select_related("draft", "pair__post", "pair__source").in_bulk(ids)
    records = []
    for position, (source, pk) in enumerate(picked, start):
        review = found[pk]
        data = compose(_decided(review, licences[source]))
        records.append(
            Record(version=version, position=position, pair_id=review.pair_id, review=review, split=SPLIT, data=data, sha256=digest(data))
        )
    return records


def _models_drafts(review: Review) -> list[str]:
    """The model's draft that was judged; when the log does not say which one it was, all that it can have been."""
    judged = [review.draft] if review.draft else review.pair.drafts.all()
    return [draft.output for draft in judged if not draft.is_human]


def _decided(review: Review, licence: str) -> Decided:
    pair = review.pair
    return Decided(
        instruction=review.instruction,
        input=review.input,
        output=review.output,
        task_type=review.task_type if any(review.task_type.values()) else pair.task_type,
        domain=review.domain or pair.domain,
        drafts=_models_drafts(review),
        licence=licence,
        platform=pair.source.platform,
        raw=pair.post.raw if isinstance(pair.post.raw, dict) else {},
    )
