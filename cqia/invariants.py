"""What must be true of the data at every moment, as queries. `manage.py verify` asks them all.

Much of it the database refuses to break by itself; `guards` looks whether those constraints and triggers are still there.
Each invariant is a function that gives one sentence per thing that breaks it.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import auditing
from accounts.models import AuditEntry, AuditLink
from annotation import ranks
from annotation.folding import inconsistent_pairs
from annotation.models import Assignment, Draft, DraftRun, ModelCall, Pair, PromptVersion, Review
from annotation.searching import PAIRS
from datasets.exporting import is_whole, key_of, prefix_of, subject
from datasets.models import File, Preference, Record, Removal, Version
from datasets.storage import Store, store
from sources import search_checks
from sources import uploads as stored
from sources.indexing import POSTS
from sources.models import ImportRun, Post, RejectedRow

Finding = Iterator[str]
# What was counted, less what is there: every row that is left is wrong.
UNTOLD = {
    "posts and rejected rows": """
SELECT run_id, status, reason, sum(n) FROM (
    SELECT run_id, status, reason, n FROM sources_tally
    UNION ALL SELECT run_id, status, drop_reason, -1 FROM sources_post
    UNION ALL SELECT run_id, 'rejected', reason, -1 FROM sources_rejectedrow
) AS counted GROUP BY 1, 2, 3 HAVING sum(n) <> 0 ORDER BY 1, 2, 3
""",
    "posts that stand": """
SELECT run_id, status, reason, sum(n) FROM (
    SELECT run_id, status, reason, n FROM annotation_standingtally
    UNION ALL SELECT run_id, status, reason, -1 FROM annotation_standing
) AS counted GROUP BY 1, 2, 3 HAVING sum(n) <> 0 ORDER BY 1, 2, 3
""",
    "places of posts": """
SELECT run_id, status, reason, sum(n) FROM (
    SELECT post_id, run_id, status, reason, 1 AS n FROM annotation_standing
    UNION ALL SELECT post_id, run_id, status, reason, -1 FROM annotation_farthest(ARRAY(SELECT DISTINCT post_id FROM annotation_pair))
) AS counted GROUP BY post_id, 1, 2, 3 HAVING sum(n) <> 0 ORDER BY 1, 2, 3
""",
}
APPS = ("accounts", "sources", "annotation", "datasets")
UNREAD_FOR = timedelta(minutes=2)  # a stored reply is read at once; if its worker died, by the next
WRITTEN_ONCE = (AuditEntry, AuditLink, Review, Draft, PromptVersion, Record, Preference, Removal)


def broken() -> Iterator[tuple[str, str]]:
    """Everything that is not as promised: (name of the invariant, sentence)."""
    for name, find in INVARIANTS.items():
        for text in find():
            yield name, text


def guards() -> Finding:
    """The database still refuses what it was told to refuse."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE convalidated UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid"
        )
        there = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%%\\_no\\_change' AND tgenabled = 'O'", [])
        guarded = {table for (table,) in cursor.fetchall()}
    for model in (model for app in APPS for model in apps.get_app_config(app).get_models()):
        for constraint in model._meta.constraints:
            if constraint.name not in there:
                yield f"the constraint {constraint.name} is gone"
    for model in WRITTEN_ONCE:
        if model._meta.db_table not in guarded:
            yield f"{model._meta.db_table} can be changed: its trigger is gone or switched off"


def import_counts() -> Finding:
    """read = created + known + rejected; created rows are posts, rejected rows are listed."""
    counted = ImportRun.objects.annotate(posts_there=_rows_of(Post), rows_there=_rows_of(RejectedRow))
    for run in counted.exclude(read=F("created") + F("known") + F("rejected")):
        yield f"import {run.pk}: {run.read} read, but {run.created} created + {run.known} known + {run.rejected} rejected"
    for run in counted.exclude(created=F("posts_there")):
        yield f"import {run.pk}: {run.created} created, but {run.posts_there} posts"
    for run in counted.exclude(rejected=F("rows_there")):
        yield f"import {run.pk}: {run.rejected} rejected, but {run.rows_there} rejected rows"


def tallies() -> Finding:
    """What the triggers counted is what can be counted: posts and rejected rows by run, status and reason, and where posts stand."""
    with connection.cursor() as cursor:
        for what, sql in UNTOLD.items():
            cursor.execute(sql)
            for run, status, reason, n in cursor.fetchall():
                yield f"import {run}: the {what} at {status} {reason!r} are counted wrong by {n}"


def posts() -> Finding:
    """A dropped post has a reason, and no other has one; a pair that somebody reviewed comes of a kept post, of the same source."""
    for post in Post.objects.filter(Q(status="dropped", drop_reason="") | ~Q(status="dropped") & ~Q(drop_reason="")):
        yield f"post {post.pk}: {post.status} with the reason {post.drop_reason!r}"
    for pair in Pair.objects.exclude(post__status="kept").filter(reviews__isnull=False).distinct():
        yield f"pair {pair.pk}: its post {pair.post_id} is not kept"
    for pair in Pair.objects.exclude(source=F("post__source")):
        yield f"pair {pair.pk}: of another source than its post {pair.post_id}"


def seats() -> Finding:
    """Never more people at a pair than reviews wanted; a decided seat names a decision of its reviewer on its pair."""
    live = Assignment.objects.live().values("pair").annotate(taken=Count("id"))
    for row in live.filter(taken__gt=F("pair__reviews_wanted")).values("pair", "taken", "pair__reviews_wanted"):
        yield f"pair {row['pair']}: {row['taken']} live seats for {row['pair__reviews_wanted']} reviews"
    for seat in Assignment.objects.filter(seat__gt=F("pair__reviews_wanted")):
        yield f"seat {seat.pk}: number {seat.seat} of a pair that wants fewer reviews"
    decided = Assignment.objects.exclude(review=None)
    for seat in decided.exclude(review__pair=F("pair"), review__by=F("reviewer"), review__verdict__in=Review.DECISIONS):
        yield f"seat {seat.pk}: its review {seat.review_id} is not a decision of its reviewer on its pair"
    for seat in decided.filter(review__undone_by__isnull=False):
        yield f"seat {seat.pk}: its review {seat.review_id} is undone"


def decisions() -> Finding:
    """Status, deciding review and texts of a pair are what its log of reviews says."""
    for pk in inconsistent_pairs():
        yield f"pair {pk}: it is not what its reviews say"
    for pair in Pair.objects.filter(Q(status__in=["accepted", "rejected"]) ^ Q(decision__isnull=False)):
        yield f"pair {pair.pk}: {pair.status} by the review {pair.decision_id}"


def returns() -> Finding:
    """What is sent back is somebody else's decision on the same pair."""
    for entry in Review.objects.filter(verdict="return").exclude(undoes__verdict__in=Review.DECISIONS, undoes__pair=F("pair")):
        yield f"review {entry.pk}: it sends back what is no decision on its pair"
    for entry in Review.objects.filter(verdict="return", undoes__by=F("by")):
        yield f"review {entry.pk}: it sends the own decision back"


def queues() -> Finding:
    """Where a source's order is kept by a number that can be told from the row, the pairs have that number."""
    done = Pair.objects.filter(source__ranking__done=True, source__queue_order=F("source__ranking__order"))
    by_votes = done.filter(source__queue_order="votes").exclude(rank=Coalesce(-F("post__votes"), ranks.UNVOTED))
    for pair in by_votes | done.filter(source__queue_order="oldest").exclude(rank=0):
        yield f"pair {pair.pk}: its place {pair.rank} is not that of the order {pair.source.queue_order}"


def ledger() -> Finding:
    """Whatever is being sent belongs to somebody; what was answered became a draft, or says why not."""
    sending = ModelCall.objects.filter(state="sending")
    for call in sending.filter(Q(lease_token=None) | Q(lease_until=None, batch=None)):
        yield f"call {call.pk}: sending, and no worker holds it"
    for call in sending.filter(batch__isnull=False).exclude(batch__state__in=["queued", "running"]):
        yield f"call {call.pk}: sending, and its batch is over"
    drafts = ModelCall.objects.filter(purpose="draft")
    unread = Q(outcome="", finished_at__lt=timezone.now() - UNREAD_FOR)
    for call in drafts.filter(state="done", draft=None).filter(unread | Q(outcome="ok")):
        yield f"call {call.pk}: answered, but there is neither a draft nor a reason"
    for call in drafts.filter(draft__isnull=False).exclude(state="done", outcome="ok"):
        yield f"call {call.pk}: {call.state} {call.outcome}, and yet there is a draft of it"
    for draft in Draft.objects.filter(call__isnull=False).exclude(call__pair=F("pair")):
        yield f"draft {draft.pk}: of a call for another pair"


def money() -> Finding:
    """spent + reserved ≤ budget, and what is reserved is reserved for calls."""
    for run in DraftRun.objects.filter(budget__lt=F("spent") + F("reserved")):
        yield f"draft run {run.pk}: {run.spent} spent + {run.reserved} reserved of {run.budget}"
    held = ModelCall.objects.filter(run=OuterRef("pk")).order_by().values("run").annotate(sum=Sum("reserved")).values("sum")
    for run in DraftRun.objects.annotate(held=Coalesce(Subquery(held), Decimal(0))).exclude(reserved=F("held")):
        yield f"draft run {run.pk}: {run.reserved} reserved, but its calls hold {run.held}"


def versions() -> Finding:
    """A frozen version can be computed again from its records, and holds only what people accepted."""
    for version in Version.objects.filter(state__in=Version.FROZEN).select_related("dataset"):
        if not is_whole(version):
            yield f"{subject(version)}: its records are no longer those that were frozen"
    for record in Record.objects.exclude(review__verdict__in=["accept", "edit"], review__pair=F("pair")):
        yield f"record {record.pk}: its review {record.review_id} does not accept its pair"


def files() -> Finding:
    """Every row has its file with the right bytes, and every file of a version has its row (written last)."""
    known, place = set(), store()
    for file in File.objects.select_related("version__dataset"):
        known.add(key_of(file))
        yield from _stored(f"{subject(file.version)}: {file.name}", place, file)
    growing = Version.objects.filter(Q(state__in=["queued", "running"]) | Q(exports__state__in=["queued", "running"]))
    prefixes = tuple(prefix_of(version) for version in growing.select_related("dataset"))
    for key in place.listed():
        if key not in known and not key.startswith(prefixes):
            yield f"{key}: a file without a row"


def uploads() -> Finding:
    """What was imported lies there as it came."""
    seen = set()
    for run in ImportRun.objects.order_by("id"):
        if run.sha256 not in seen:
            seen.add(run.sha256)
            yield from _differs(f"import {run.pk} ({run.file_name!r})", stored.path_of(run.sha256), run.size, run.sha256)


def search() -> Finding:
    """A search misses nothing: what the index says it has, it has, and changes of texts are written down."""
    for what in (POSTS, PAIRS):
        if search_checks.unwatched(what):
            yield f"search of {what.kind}: changes are not written down, the trigger is gone or switched off"
        for pk in islice(search_checks.uncovered(what), 20):
            yield f"search of {what.kind}: {pk} is in no segment"
        for pk, name in search_checks.missed(what):
            yield f"search of {what.kind}: the {name} of {pk} would not be found"


def audit() -> Finding:
    """Nothing in the audit log was changed, cut out or put in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_trigger WHERE tgname = 'accounts_auditentry_link' AND tgenabled = 'O'")
        if not cursor.rowcount:
            yield "entries of the audit log are not linked: the trigger is gone or switched off"
    yield from auditing.broken()


def _rows_of(model: type[Post] | type[RejectedRow]) -> Coalesce:
    rows = model.objects.filter(run=OuterRef("pk")).order_by().values("run")
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)


def _stored(what: str, place: Store, file: File) -> Finding:
    size = place.size(key_of(file))
    if size != file.bytes:
        yield f"{what}: its file is missing" if size is None else f"{what}: {size} bytes instead of {file.bytes}"
        return
    digest = hashlib.sha256()
    for block in place.chunks(key_of(file), 0, file.bytes):
        digest.update(block)
    if digest.hexdigest() != file.sha256:
        yield f"{what}: its bytes have changed"


def _differs(what: str, path: Path, size: int, sha256: str) -> Finding:
    if not path.is_file():
        yield f"{what}: its file is missing"
    elif path.stat().st_size != size:
        yield f"{what}: {path.stat().st_size} bytes instead of {size}"
    else:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                yield f"{what}: its bytes have changed"


INVARIANTS: dict[str, Callable[[], Finding]] = {
    find.__name__: find
    for find in (
        guards,
        import_counts,
        tallies,
        posts,
        seats,
        decisions,
        returns,
        queues,
        ledger,
        money,
        versions,
        files,
        uploads,
        search,
        audit,
    )
}
