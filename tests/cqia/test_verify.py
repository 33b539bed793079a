"""`manage.py verify`: silent about a healthy house, and not about one in which anything is broken on purpose."""

import hashlib
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEntry, User
from annotation.models import Assignment, DraftRun, ModelCall, Pair, PromptVersion, Ranking, Review
from cqia import invariants
from datasets import exporting, records, storage
from datasets.models import Dataset, File, Record, Version
from sources import uploads as stored
from sources.models import ImportRun, Post, SearchIndex
from tests import builders

pytestmark = pytest.mark.django_db
BYTES = '{"title": "保温杯里装冰水，它该保谁的温？"}\n'.encode()


@pytest.fixture
def house(settings, tmp_path, reviewer):
    """One post all the way: uploaded, imported, drafted by a call, accepted from a seat, frozen, written to a file."""
    settings.UPLOADS, settings.DATASET_FILES = tmp_path / "uploads", tmp_path / "datasets"
    settings.UPLOADS.mkdir()
    sha256 = hashlib.sha256(BYTES).hexdigest()
    (settings.UPLOADS / sha256).write_bytes(BYTES)
    source = builders.make_source("ruozhiba")
    run = builders.make_run(source, created=1, rejected=1, sha256=sha256, size=len(BYTES))
    builders.make_rejected_row(run, 2)
    post = builders.make_post(run=run, status="kept")
    pair = builders.make_pair(post=post)
    prompt = PromptVersion.objects.create(name="reply_0001", sha256="0" * 64, text="…")
    order = DraftRun.objects.create(source=source, prompt=prompt, state="succeeded", budget=Decimal(1), spent=Decimal("0.5"))
    call = ModelCall.objects.create(
        run=order, pair=pair, prompt=prompt, key="1" * 64, state="done", model="m", model_returned="m", outcome="ok", cost=Decimal("0.5"),
        sent_at=timezone.now(), finished_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip
    draft = builders.make_draft(pair, call=call, model="m")
    review = builders.make_review(pair, by=reviewer, draft=draft)
    Pair.objects.filter(pk=pair.pk).update(status="accepted", decision=review)
    Assignment.objects.create(pair=pair, seat=1, reviewer=reviewer, review=review)
    AuditEntry.objects.create(by=reviewer, action="source_changed", subject="source ruozhiba")
    sql("SET CONSTRAINTS ALL DEFERRED")
    freeze(Pair.objects.get(pk=pair.pk), review)


def freeze(pair: Pair, review: Review) -> None:
    known = {"number": 1, "state": "running", "records_count": 1, "splits": {"train": 1}}
    version = Version.objects.create(dataset=Dataset.objects.create(slug="demo", name="demo"), **known)
    data = records.compose(records.Decided(**review.texts()))
    Record.objects.create(version=version, position=0, pair=pair, review=review, data=data, sha256=records.digest(data))
    exporting.write_layout(version, "cqia", "jsonl")[0].save()
    Version.objects.update(state="ready", sha256=exporting.recompute(version))


def verify(capsys) -> tuple[int, list[str]]:
    """The exit code and the lines."""
    try:
        call_command("verify")
        code = 0
    except SystemExit as ended:
        code = ended.code
    return code, capsys.readouterr().out.splitlines()


def sql(text: str) -> None:
    """Break something the database would otherwise refuse. First what is deferred: a table with open checks cannot be altered."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(text)


def unguarded(table: str, constraint: str, change: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {constraint}; UPDATE {table} SET {change}"


def without_trigger(table: str, change: str) -> str:
    return f"ALTER TABLE {table} DISABLE TRIGGER USER; {change}; ALTER TABLE {table} ENABLE TRIGGER USER"


def test_a_healthy_house_is_said_to_be_one(house, capsys):
    assert verify(capsys) == (0, [f"All {len(invariants.INVARIANTS)} invariants hold."])


def test_so_is_an_empty_one(settings, tmp_path, capsys):
    settings.UPLOADS, settings.DATASET_FILES = tmp_path / "uploads", tmp_path / "datasets"
    assert verify(capsys)[0] == 0


def uploaded():
    return next(stored.path_of("x").parent.iterdir())


def exported():
    return exporting.path_of(File.objects.select_related("version__dataset").get())


NO_AUDIT_TRIGGER = "DROP TRIGGER accounts_auditentry_no_change ON accounts_auditentry"
DRAFTING = "status = 'drafting', decision_id = NULL"
NO_CALL = "UPDATE annotation_draft SET call_id = NULL, model = ''"

# what is done to the house: (the invariant that sees it, part of its sentence, the deed)
DEEDS = {
    "a call could be paid twice": ("guards", "call_paid_once", lambda: sql("DROP INDEX call_paid_once")),
    "a seat could be taken twice": ("guards", "seat_once", lambda: sql("ALTER TABLE annotation_assignment DROP CONSTRAINT seat_once")),
    "reviews could be changed": ("guards", "annotation_review can", lambda: sql("ALTER TABLE annotation_review DISABLE TRIGGER USER")),
    "audits could be changed": ("guards", "accounts_auditentry", lambda: sql(NO_AUDIT_TRIGGER)),
    "counts that do not add up": (
        "import_counts", "3 read, but", lambda: sql(unguarded("sources_importrun", "import_counts_add_up", "read = 3"))
    ),
    "a post is missing": ("import_counts", "1 posts", lambda: ImportRun.objects.update(created=2, read=3)),
    "a rejected row too many": ("import_counts", "1 rejected rows", lambda: ImportRun.objects.update(rejected=0, read=1)),
    "a reason for nothing": (
        "posts", "with the reason", lambda: sql(unguarded("sources_post", "post_dropped_has_reason", "drop_reason = 'too_short'"))
    ),
    "a pair of a dropped post": ("posts", "is not kept", lambda: Post.objects.update(status="dropped", drop_reason="too_short")),
    "posts counted wrong": (
        "tallies", "posts and rejected rows at kept", lambda: sql("UPDATE sources_tally SET n = 7 WHERE status = 'kept' AND n > 0")
    ),
    "a post that moved uncounted": (
        "tallies", "counted wrong by",
        lambda: sql(without_trigger("sources_post", "UPDATE sources_post SET status = 'new'")),
    ),
    "a pair that moved uncounted": (
        "tallies", "places of posts", lambda: sql(without_trigger("annotation_pair", f"UPDATE annotation_pair SET {DRAFTING}"))
    ),
    "a pair of another source": ("posts", "another source", lambda: Pair.objects.update(source=builders.make_source())),
    "more seats than wanted": ("seats", "1 live seats for 0", lambda: Pair.objects.update(reviews_wanted=0)),
    "a seat with somebody else's review": (
        "seats", "not a decision of its reviewer", lambda: Assignment.objects.update(reviewer=User.objects.create(username="wang"))
    ),
    "a seat with an undone review": ("seats", "undone", lambda: undo(Review.objects.get())),
    "a status that the log does not give": ("decisions", "not what its reviews say", lambda: Pair.objects.update(status="rejected")),
    "a text that nobody decided": ("decisions", "not what its reviews say", lambda: Pair.objects.update(output="这句没人审过")),
    "a decision without a review": (
        "decisions", "by the review None", lambda: sql(unguarded("annotation_pair", "pair_decided_has_decision", "decision_id = NULL"))
    ),
    "a decision sent back by its own author": ("returns", "sends the own decision back", lambda: undo(Review.objects.get(), "return")),
    "a place in the queue of another order": ("queues", "is not that of the order", lambda: displace()),
    "a call that nobody holds": ("ledger", "no worker holds it", lambda: ModelCall.objects.update(state="sending")),
    "an answer that nobody read": (
        "ledger", "neither a draft nor a reason", lambda: sql(without_trigger("annotation_draft", NO_CALL))
    ),
    "a draft of a failed call": ("ledger", "and yet there is a draft", lambda: ModelCall.objects.update(state="failed")),
    "more spent than allowed": (
        "money", "of 1.000000", lambda: sql(unguarded("annotation_draftrun", "draft_run_within_budget", "spent = 2"))
    ),
    "money set aside for nothing": ("money", "its calls hold 0", lambda: DraftRun.objects.update(reserved=Decimal("0.1"))),
    "a record is gone": ("versions", "no longer those", lambda: Version.objects.update(records_count=2)),
    "a record is changed": (
        "versions", "no longer those",
        lambda: sql(without_trigger("datasets_record", "UPDATE datasets_record SET data = replace(data::text, '保', '包')::json")),
    ),
    "a rejected pair is published": (
        "versions", "does not accept",
        lambda: sql(without_trigger("annotation_review", "UPDATE annotation_review SET verdict = 'reject', reasons = '[\"other\"]'")),
    ),
    "a file is gone": ("files", "its file is missing", lambda: exported().unlink()),
    "a file is cut": ("files", "bytes instead of", lambda: exported().write_bytes(b"{")),
    "a file has one byte flipped": ("files", "its bytes have changed", lambda: flip(exported())),
    "a file that no row knows": ("files", "a file without a row", lambda: exported().with_name("stray.jsonl").write_bytes(b"")),
    "a post that no segment has": ("search", "is in no segment", lambda: SearchIndex.objects.create(kind="posts", settled=10**9)),
    "changes are not written down": (
        "search", "the trigger is gone", lambda: sql("DROP TRIGGER annotation_pair_search ON annotation_pair")
    ),
    "an audit entry is changed": (
        "audit", "was changed", lambda: sql(without_trigger("accounts_auditentry", "UPDATE accounts_auditentry SET subject = 'x'"))
    ),
    "audit entries are not linked": (
        "audit", "not linked", lambda: sql("DROP TRIGGER accounts_auditentry_link ON accounts_auditentry")
    ),
    "an upload is gone": ("uploads", "its file is missing", lambda: uploaded().unlink()),
    "an upload has one byte flipped": ("uploads", "its bytes have changed", lambda: flip(uploaded())),
}  # fmt: skip


def undo(review: Review, verdict: str = "undo") -> None:
    builders.make_review(review.pair, by=review.by, verdict=verdict, undoes=review)


def displace() -> None:
    Ranking.objects.create(source=Pair.objects.get().source, done=True)
    Pair.objects.update(rank=7)


def flip(path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


@pytest.mark.parametrize("name", DEEDS)
def test_whatever_is_broken_on_purpose_is_found(house, capsys, name):
    invariant, sentence, deed = DEEDS[name]
    deed()
    code, lines = verify(capsys)
    assert code == 1
    assert [line for line in lines if line.startswith(f"{invariant}: ") and sentence in line], lines


def test_every_invariant_is_broken_by_some_deed():
    assert {invariant for invariant, _, _ in DEEDS.values()} == set(invariants.INVARIANTS)


def test_what_is_only_under_way_is_no_finding(house, capsys):
    """A worker that has just stored a reply, and a version whose files are being written, are not broken."""
    pair = builders.make_pair(status="drafting")
    ModelCall.objects.create(
        pair=pair,
        prompt=PromptVersion.objects.get(),
        key="2" * 64,
        state="done",
        model="m",
        sent_at=timezone.now(),
        finished_at=timezone.now(),
    )
    version = Version.objects.create(dataset=Dataset.objects.get(), number=2, state="running")
    half = storage.Disk(storage.root()).path(exporting.prefix_of(version) + "half.jsonl")
    half.parent.mkdir(parents=True)
    half.write_bytes(b"{")
    assert [line for line in verify(capsys)[1] if not line.startswith("uploads:")] == []
