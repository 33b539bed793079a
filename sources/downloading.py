"""Before step 1, where a file is named by its URL: a Fetch brings the bytes, and then they are imported like any upload."""

from __future__ import annotations

import json
import logging
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry

from . import dry_orders, readers
from .dry_orders import imported_before
from .fetch_wording import sentence
from .fetching import Body, Fetcher, Refused, parse
from .importing import start_import
from .jobs import LostLease
from .models import DryRun, Fetch, ImportRun, Source
from .uploads import store

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["Refused", "check", "describe", "order", "run_fetch", "sentence"]

log = logging.getLogger(__name__)
EVERY = 2.0  # seconds between two renewals of the lease, which tell how much is there


def check(url: str) -> str:
    """The URL without white space around it. Raises Refused for one that will not be fetched whatever it leads to."""
    if not settings.FETCH:
        raise Refused("fetching_off")
    parse(url.strip())
    return url.strip()


def order(source: Source, *, url: str, by: User | None, **options: Any) -> tuple[Fetch, bool]:
    """Order the fetching of a URL, to be imported with `options` (importer, mapping, encoding), or with
    `dry_run` only tried. While the same URL is under way for the
    source, that Fetch and False. Raises Refused."""
    url = check(url)
    same = Fetch.objects.filter(source=source, url=url, state__in=["queued", "running"])
    if earlier := same.first():
        return earlier, False
    try:
        with transaction.atomic():
            fetch = Fetch.objects.create(source=source, url=url, by=by, options={key: value for key, value in options.items() if value})
            if by:
                AuditEntry.objects.create(by=by, action="fetch_ordered", subject=f"source {source.slug}", detail={"fetch": fetch.pk})
            return fetch, True
    except IntegrityError:  # a second click at the same moment
        return Fetch.objects.filter(source=source, url=url)[0], False


def cancel(fetch: Fetch) -> bool:
    """Stop it before the next piece of the file; nothing of it is kept. False when it was over already."""
    changes = {"state": Fetch.State.CANCELLED, "finished_at": timezone.now(), "lease_token": None, "lease_until": None}
    cancelled = bool(Fetch.objects.filter(pk=fetch.pk, state__in=["queued", "running"]).update(**changes))
    fetch.refresh_from_db()
    return cancelled


def run_fetch(fetch_id: int, fetcher: Fetcher | None = None) -> ImportRun | DryRun | None:
    """Bring the file of a fetch that is due, and give the import or dry run that is due then. None when there is none. Raises nothing
    for what strangers do."""
    fetch = Fetch.claim(fetch_id)
    if fetch is None:
        return None
    try:
        return _bring(fetch, fetcher or Fetcher(limit=readers.MAX_FILE))
    except LostLease:
        log.info("fetch %s is somebody else's now, or cancelled", fetch_id)
        return None


def describe(fetch: Fetch) -> str:
    """Why it failed, as a sentence in the reader's language; empty when it did not."""
    return sentence(fetch.error_code, json.loads(fetch.error_detail or "{}")) if fetch.error_code else ""


def _bring(fetch: Fetch, fetcher: Fetcher) -> ImportRun | DryRun | None:
    try:
        with fetcher.open(check(fetch.url)) as body:
            stored = store(_Held(body, fetch), body.name)
    except Refused as refused:
        log.info("fetch %s of a file at %r: %s %s", fetch.pk, urlsplit(fetch.url).hostname, refused.code, refused.params)
        fetch.finish("failed", error_code=refused.code, error_detail=json.dumps(refused.params))
        return None
    options = {key: value for key, value in fetch.options.items() if key != "dry_run"}
    is_dry = fetch.options.get("dry_run") and not imported_before(fetch.source, stored.sha256)
    with transaction.atomic():
        if is_dry:
            dry = dry_orders.order(fetch.source, stored, name=body.name, by=fetch.by, **options)
            fetch.finish("succeeded", dry_run=dry, received=stored.size)
            return dry
        options = {key: value for key, value in options.items() if key != "screens"}
        run, _created = start_import(fetch.source, stored, name=body.name, by=fetch.by, **options)
        fetch.finish("succeeded", run=run, received=stored.size)
    return run


class _Held:
    """A body that renews the lease of its fetch while it is read."""

    def __init__(self, body: Body, fetch: Fetch) -> None:
        self.body, self.fetch, self.held = body, fetch, monotonic()
        fetch.hold()

    def read(self, size: int = -1) -> bytes:
        chunk = self.body.read(size)
        if monotonic() - self.held > EVERY:
            self.held = monotonic()
            self.fetch.hold(received=self.body.size)
        return chunk
