"""Step 5: accepted pairs become Records, records become a frozen Version, a version becomes Files.

`freeze` asks for a version, `build` makes it in a worker; `releasing` says what may be done with it then.
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from accounts.models import AuditEntry
from sources.jobs import LostLease
from sources.models import Source

from . import storage
from .exporting import prefix_of, recompute, save, subject, write_files
from .freezing import Empty, freeze_records, remove
from .models import Dataset, Record, Version
from .recipes import parse
from .selecting import as_recipe, recipe_of

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
__all__ = ["build", "cancel", "create_dataset", "ensure_dataset", "ensure_demo", "freeze", "recompute", "update_dataset"]


def create_dataset(
    *,
    slug: str,
    name: str,
    by: "User | None",
    sources: Iterable[Source] = (),
    include_demo: bool = False,
    recipe: dict[str, Any] | None = None,
    readers: Iterable["User"] = (),
) -> Dataset:
    """A dataset of `sources` (none: all of them). Raises IntegrityError when the slug is taken, BadRecipe."""
    parse(recipe or {})
    with transaction.atomic():
        dataset = Dataset.objects.create(slug=slug, name=name, include_demo=include_demo, recipe=recipe or {})
        dataset.sources.set(sources)
        dataset.readers.set(readers)
        _audit(dataset, by, "dataset_created")
    return dataset


def update_dataset(dataset: Dataset, *, by: "User | None", **changes: Any) -> Dataset:
    """Change name, recipe, sources, readers or include_demo; what is frozen stays as it is. Raises BadRecipe."""
    parse(changes.get("recipe") or {})
    with transaction.atomic():
        for many in ("sources", "readers"):
            if many in changes:
                getattr(dataset, many).set(changes.pop(many))
        for name, value in changes.items():
            setattr(dataset, name, value)
        dataset.save(update_fields=list(changes))
        _audit(dataset, by, "dataset_changed")
    return dataset


def _audit(dataset: Dataset, by: "User | None", action: str) -> None:
    """Who did it, and all that the dataset is now: also that unknown licences or demo drafts are let in."""
    detail = recipe_of(dataset).as_json() | {"readers": sorted(dataset.readers.values_list("username", flat=True))}
    AuditEntry.objects.create(by=by, action=action, subject=f"dataset {dataset.slug}", detail=detail)


def ensure_dataset(slug: str, name: str, *, include_demo: bool = False, sources: Iterable[Source] = ()) -> Dataset:
    """The dataset called `slug`, made if there is none. One that is there is left as it is."""
    found = Dataset.objects.filter(slug=slug).first()
    return found or create_dataset(slug=slug, name=name, by=None, sources=sources, include_demo=include_demo)


def ensure_demo() -> Dataset:
    """The demo's dataset. It takes demo drafts, or the demo could publish nothing; its page says so."""
    return ensure_dataset("demo", "演示数据集", include_demo=True)


def freeze(
    dataset: Dataset, *, by: "User | None", include_demo: bool | None = None, include_unknown_licence: bool | None = None,
    number: int | None = None, changelog: str = "",
) -> Version:  # fmt: skip
    """Order the next version of `dataset`: a queued job for `build`. The caller sends the hint.

    `include_demo` and `include_unknown_licence` go before the recipe for this version; where they differ from it, the log
    says so. `number` is the version that the caller expects to get. If it exists already, that one is given back and nothing
    is made: the same click twice is one version.
    """
    with transaction.atomic():
        Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
        last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
        if number is not None and number <= last:
            return dataset.versions.get(number=number)
        overrides = {"include_demo": include_demo, "include_unknown_licence": include_unknown_licence}
        own, recipe = recipe_of(dataset).as_json(), recipe_of(dataset, **overrides).as_json()
        version = Version.objects.create(dataset=dataset, number=last + 1, by=by, recipe=recipe, changelog=changelog.strip())
        detail = recipe | {"overridden": sorted(key for key in overrides if recipe[key] != own[key])}
        AuditEntry.objects.create(by=by, action="version_frozen", subject=subject(version), detail=detail)
    return version


def build(version_id: int) -> None:
    """Make the queued version, if nobody else does. Whatever a worker that died left of it is made anew, from the last
    whole step on: records first, then files."""
    version = Version.claim(version_id)
    if version is None:
        return
    try:
        _build(version)
    except LostLease:
        log.warning("%s: cancelled, or somebody else builds it now", subject(version))
    except Empty:
        _fail(version, "empty")
    except OSError as error:
        log.exception("%s: its files cannot be written", subject(version))
        if _fail(version, "disk", error_detail=error.strerror or str(error)):
            storage.store().clear(prefix_of(version))


def _build(version: Version) -> None:
    if not version.sha256:
        freeze_records(version, as_recipe(version.recipe))
    storage.store().clear(prefix_of(version))
    written = write_files(version)
    with transaction.atomic():
        version.finish(Version.State.READY)
        save(version, written)
    log.info("%s: %d records, sha256 %s", subject(version), version.records_count, version.sha256)


def cancel(version: Version, *, by: "User | None") -> bool:
    """Whether it was still being built. Its worker notices with the next page; `tidy` removes what it had made."""
    with transaction.atomic():
        done = Version.objects.filter(pk=version.pk, state__in=Version.OPEN).update(state=Version.State.CANCELLED, lease_token=None)
        if done:
            AuditEntry.objects.create(by=by, action="version_cancelled", subject=subject(version), detail={})
    return bool(done)


def tidy() -> None:
    """Remove the rows of versions that came to nothing, and the halves of files whose writers died."""
    if gone := storage.sweep():
        log.info("%d files removed whose writers had died", gone)
    left = Version.objects.filter(Exists(Record.objects.filter(version=OuterRef("pk"))), Q(state="cancelled") | Q(state="failed"))
    for version in left.select_related("dataset"):
        remove(version)
        storage.store().clear(prefix_of(version))


def _fail(version: Version, code: str, **detail: Any) -> bool:
    """Whether it failed by our word, and not because somebody else builds it now."""
    try:
        version.finish(Version.State.FAILED, error_code=code, **detail)
    except LostLease:
        log.warning("%s: somebody else builds it now", subject(version))
        return False
    return True
