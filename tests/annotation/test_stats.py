"""The funnel: every row read is in exactly one place."""

import itertools
import random
import threading

import pytest
from django.db import connection

from annotation import stats
from annotation.models import Pair, Reason
from cqia import invariants
from sources import tallies
from sources.models import ImportRun, Post, Tally
from tests.builders import make_pair, make_post, make_rejected_row, make_review, make_run, make_source

pytestmark = pytest.mark.django_db


def test_an_empty_source_has_all_stages_and_no_rows():
    stages = stats.funnel(make_source())
    assert [stage["key"] for stage in stages] == list(stats.STAGES)
    assert [stage["count"] for stage in stages] == [0] * 6
    assert sum(stats.buckets(stages).values()) == sum(stats.fates(stages).values()) == 0


def test_each_row_is_counted_where_it_was_lost_or_waits(reviewer):
    source = make_source()
    run = make_run(source, created=9, known=2, rejected=1)
    make_rejected_row(run, 12, "not_an_object")
    make_post(source, run=run)
    make_post(source, run=run, status="dropped", drop_reason="too_short", drop_value="2")
    make_post(source, run=run, status="dropped", drop_reason="duplicate")
    make_post(source, run=run, status="kept")
    for status in ("drafting", "failed", "pending", "accepted"):
        make_pair(post=make_post(source, run=run, status="kept"), status=status, by=reviewer)
    make_pair(post=make_post(source, run=run, status="kept"), status="rejected", by=reviewer, reasons=["missed_joke", "off_topic"])
    stages = stats.funnel(source)
    assert stages == [
        {"key": "read", "count": 12, "dropped": {}, "waiting": {}},
        {"key": "imported", "count": 9, "dropped": {"not_an_object": 1, "known": 2}, "waiting": {}},
        {"key": "screened", "count": 6, "dropped": {"duplicate": 1, "too_short": 1}, "waiting": {"new": 1}},
        {"key": "drafted", "count": 3, "dropped": {"refused": 1}, "waiting": {"drafting": 2}},
        {"key": "reviewed", "count": 2, "dropped": {}, "waiting": {"pending": 1}},
        {"key": "accepted", "count": 1, "dropped": {"missed_joke": 1}, "waiting": {}},
    ]
    assert stats.fates(stages) == {"accepted": 1, "rejected": 1, "failed": 1, "waiting": 4, "duplicate": 3, "filtered": 2}


@pytest.mark.parametrize("seed", range(8))
def test_the_buckets_sum_to_the_rows_read_in_any_state(seed, reviewer):
    chance = random.Random(seed)
    source, other = make_source(), make_source()
    for at in [source, other] * chance.randint(1, 2):
        _random_run(at, chance, reviewer)
    read = sum(run.read for run in ImportRun.objects.filter(source=source))
    stages = stats.funnel(source)
    assert read > 0
    assert stages[0]["count"] == read
    assert sum(stats.buckets(stages).values()) == read
    assert sum(stats.fates(stages).values()) == read
    for before, after in itertools.pairwise(stages):
        assert before["count"] - after["count"] == sum(after["dropped"].values()) + sum(after["waiting"].values())
    for stage in stages[2:]:
        for reason, count in (stage["dropped"] | stage["waiting"]).items():
            assert stats.posts_at(source, stage["key"], reason).count() == count, (stage["key"], reason)
    assert stats.posts_at(source, "accepted").count() == stages[-1]["count"]


def _random_run(source, chance, by):
    created, rejected = chance.randint(1, 12), chance.randint(0, 4)
    run = make_run(source, created=created, known=chance.randint(0, 5), rejected=rejected)
    for row in range(rejected):
        make_rejected_row(run, 1000 + row, chance.choice(["not_json", "no_title", "nul"]))
    for _ in range(created):
        status = chance.choice(Post.Status.values)
        reason = chance.choice(["too_short", "duplicate", "votes"]) if status == "dropped" else ""
        post = make_post(source, run=run, status=status, drop_reason=reason)
        for part in range(chance.choice([0, 1, 1, 3]) if status == "kept" else 0):
            reasons = chance.choice([["other"], chance.sample(Reason.values, 2)])
            make_pair(post=post, part=part, status=chance.choice(Pair.Status.values), by=by, reasons=reasons)


@pytest.mark.parametrize(
    ("statuses", "bucket"),
    [
        (["rejected", "accepted", "pending"], "accepted"),
        (["rejected", "pending"], "reviewed.waiting.pending"),
        (["failed", "rejected"], "drafted.dropped.refused"),
        (["rejected", "rejected"], "accepted.dropped.off_topic"),
    ],
)
def test_a_post_with_several_pairs_shares_the_fate_of_the_one_that_got_farthest(statuses, bucket, reviewer):
    post = make_post(status="kept")
    for part, status in enumerate(statuses):
        make_pair(post=post, part=part, status=status, by=reviewer)
    found = stats.buckets(stats.funnel(post.source))
    assert {key: n for key, n in found.items() if n} == {bucket: 1}


def test_another_source_does_not_count():
    mine, other = make_post().source, make_post().source
    found = stats.funnels([mine, other])
    assert {pk: stages[0]["count"] for pk, stages in found.items()} == {mine.pk: 1, other.pk: 1}


def test_the_number_of_queries_does_not_grow_with_the_sources(django_assert_num_queries):
    sources = [make_post().source for _ in range(4)]
    with django_assert_num_queries(1):
        stats.funnels(sources)


class TestApi:
    def test_a_lead_reads_the_funnel(self, client, lead):
        client.force_login(lead)
        source = make_post(status="dropped", drop_reason="too_short").source
        said = client.get(f"/api/v1/sources/{source.slug}/funnel/").json()
        assert said["read"] == 1
        assert said["stages"][2] == {"key": "screened", "count": 0, "dropped": {"too_short": 1}, "waiting": {}}
        assert said["buckets"]["screened.dropped.too_short"] == 1

    def test_of_one_import_alone(self, client, lead):
        client.force_login(lead)
        source = make_source()
        runs = [make_post(source).run, make_run(source, known=3)]
        url = f"/api/v1/sources/{source.slug}/funnel/"
        assert [client.get(f"{url}?run={run.pk}").json()["read"] for run in runs] == [1, 3]
        assert client.get(f"{url}?run={make_post().run.pk}").status_code == 404
        assert client.get(f"{url}?run=x").status_code == 400

    def test_a_reviewer_does_not(self, client, reviewer):
        client.force_login(reviewer)
        assert client.get(f"/api/v1/sources/{make_source().slug}/funnel/").status_code == 403

    def test_no_source_no_funnel(self, client, lead):
        client.force_login(lead)
        answer = client.get("/api/v1/sources/nothing/funnel/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestPage:
    def test_behind_a_number_are_its_posts(self, client, lead, reviewer):
        client.force_login(lead)
        source = make_source("a")
        lost = make_pair(
            post=make_post(source, status="kept", title="影子会不会怕黑"), status="rejected", by=reviewer, reasons=["missed_joke"]
        )
        make_pair(post=make_post(source, status="kept", title="别的帖子"), status="rejected", by=reviewer, reasons=["other"])
        address = "/sources/a/at/?stage=accepted&amp;reason=missed_joke"
        assert address in client.get("/sources/a/").content.decode()
        page = client.get(address.replace("&amp;", "&")).content.decode()
        assert lost.post.title in page
        assert "别的帖子" not in page

    @pytest.mark.parametrize(
        "query",
        ["stage=accepted", "stage=read", "stage=drafted&reason=%3Cscript%3Ealert(1)%3C/script%3E", "stage=reviewed&reason=accepted"],
    )
    def test_a_number_without_posts_says_so(self, client, lead, query):
        client.force_login(lead)
        page = client.get(f"/sources/{make_post().source.slug}/at/?{query}")
        assert page.status_code == 200
        assert b"<table" not in page.content
        assert b"<script>alert" not in page.content

    @pytest.mark.parametrize(
        ("role", "query", "status"),
        [("lead", "stage=x", 404), ("lead", "stage=accepted&reason=%00", 404), ("reviewer", "stage=accepted", 403)],
    )
    def test_what_makes_no_sense_or_is_not_for_one(self, client, make_user, role, query, status):
        client.force_login(make_user(role))
        assert client.get(f"/sources/{make_source().slug}/at/?{query}").status_code == status


def test_the_funnels_of_runs_sum_to_the_funnel_of_the_source(reviewer):
    chance, source = random.Random(5), make_source()
    for _ in range(4):
        _random_run(source, chance, reviewer)
    whole = stats.buckets(stats.funnel(source))
    parts = [stats.buckets(stages) for stages in stats.funnels_of_runs(source.imports.all()).values()]
    assert {key: sum(part.get(key, 0) for part in parts) for key in whole} == whole
    run = source.imports.first()
    assert stats.funnel(source, run)[0]["count"] == run.read
    assert stats.posts_at(source, "imported", run=run).count() == run.created


def test_folding_changes_no_sum(reviewer):
    source = make_source()
    _random_run(source, random.Random(3), reviewer)
    before, rows = stats.funnel(source), Tally.objects.count()
    for _ in range(2):
        tallies.fold()
        stats.fold()
        assert stats.funnel(source) == before
    assert Tally.objects.count() < rows


@pytest.mark.django_db(transaction=True)
def test_two_pairs_of_a_post_and_the_post_itself_decided_at_once_are_counted_once(reviewer):
    source = make_source()
    post = make_post(source, status="kept")
    pairs = [make_pair(post=post, part=part) for part in range(3)]
    reviews = [make_review(pair, by=reviewer, verdict="reject", reasons=["other"]) for pair in pairs]

    def work(n):
        try:
            for round_ in range(15):
                if n == 3:
                    Post.objects.filter(pk=post.pk).update(status=["new", "kept"][round_ % 2])
                elif round_ % 2:
                    Pair.objects.filter(pk=pairs[n].pk).update(status="rejected", decision=reviews[n])
                else:
                    Pair.objects.filter(pk=pairs[n].pk).update(status="pending", decision=None)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Post.objects.filter(pk=post.pk).update(status="kept")
    Pair.objects.filter(post=post).update(status="pending", decision=None)
    Pair.objects.filter(pk=pairs[0].pk).update(status="rejected", decision=reviews[0])
    assert list(invariants.tallies()) == []
    assert {key: n for key, n in stats.buckets(stats.funnel(source)).items() if n} == {"reviewed.waiting.pending": 1}


@pytest.mark.parametrize("seed", range(4))
def test_changed_one_by_one_a_pair_moves_its_post_as_in_a_set(seed, reviewer):
    chance, source = random.Random(seed), make_source()
    post = make_post(source, status="kept")
    pairs = [make_pair(post=post, part=part) for part in range(chance.randint(1, 3))]
    reviews = [make_review(pair, by=reviewer, verdict="reject", reasons=[chance.choice(Reason.values)]) for pair in pairs]
    for _ in range(40):
        n = chance.randrange(len(pairs))
        status = chance.choice(Pair.Status.values)
        decided = status in ("accepted", "rejected")
        Pair.objects.filter(pk=pairs[n].pk).update(
            status=status, failure="refused" if status == "failed" else "", decision=reviews[n] if decided else None
        )
        if chance.random() < 0.2:
            Post.objects.filter(pk=post.pk).update(status=chance.choice(["kept", "new"]))
        assert list(invariants.tallies()) == []
