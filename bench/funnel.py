"""The pages of the funnel at a million posts: what the database counted while rows were written, beside counting them when asked.

One source of a million posts, two thirds of them kept and half of those with a pair; nine more of a thousand. Then the pages are
asked for, the whole way through Django. Posts are filled in by SQL: how fast they are imported is told by another bench. The last line is
JSON.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "cqia.settings"
os.environ.setdefault("SECRET_KEY", "for benches only, and longer than the fifty characters that are asked for")

POSTS = int(os.environ.get("POSTS", "1000000"))
GOAL = 0.2  # seconds, p95
ROUNDS = 30
FILL = """
INSERT INTO sources_post (source_id, run_id, row, external_id, url, title, body, answer, votes, author, question_id, context, raw,
    content_hash, status, drop_reason, drop_value, created_at)
SELECT %s, %s, n, 'x' || n, '', '保温杯里装了' || n || '度的水，它该保谁的温？', '', repeat('答', 60), n %% 5000, '', '',
    '[]', '{}', md5(n::text),
    CASE WHEN n %% 3 = 0 THEN 'dropped' ELSE 'kept' END,
    CASE WHEN n %% 3 = 0 THEN (ARRAY['too_short', 'too_few_votes', 'near_duplicate', 'duplicate', 'advert'])[1 + n %% 5] ELSE '' END,
    '', now()
FROM generate_series(1, %s) AS n
"""
PAIRS = """
INSERT INTO annotation_pair (post_id, part, source_id, instruction, input, output, task_type, domain, hint, status, failure,
    reviews_wanted, version, created_at, updated_at)
SELECT id, 0, source_id, title, '', answer, '{}', '[]', '', CASE WHEN row %% 7 = 0 THEN 'failed' ELSE 'pending' END,
    CASE WHEN row %% 7 = 0 THEN 'refused' ELSE '' END, 1, 1, now(), now()
FROM sources_post WHERE source_id = %s AND status = 'kept' AND row %% 2 = 0
"""
BY_HAND = """
SELECT status, drop_reason, count(*) FROM sources_post WHERE source_id = %s GROUP BY 1, 2
UNION ALL SELECT status, failure, count(*) FROM (
    SELECT DISTINCT ON (post_id) pair.status, pair.failure FROM annotation_pair AS pair JOIN sources_post AS post ON post.id = post_id
    WHERE post.source_id = %s AND post.status = 'kept' ORDER BY post_id, pair.id
) AS farthest GROUP BY 1, 2
"""


def main() -> int:
    from cqia import embedded

    var = Path(tempfile.mkdtemp(prefix="zhumo-bench-"))
    os.environ["CQIA_VAR"] = str(var)
    engines = embedded.provide(var, fast=True)
    try:
        return measure()
    finally:
        engines.stop()
        shutil.rmtree(var, ignore_errors=True)


def measure() -> int:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from accounts.models import User
    from bench.defaults import set_defaults

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    call_command("migrate", verbosity=0)
    set_defaults()
    source, run = fill()
    client = Client()
    client.force_login(User.objects.create_user("admin", role="admin"))
    pages = {
        "list": "/sources/", "source": f"/sources/{source.slug}/", "run": f"/sources/{source.slug}/?run={run.pk}",
        "posts": f"/sources/{source.slug}/posts/", "dropped": f"/sources/{source.slug}/posts/?status=dropped&reason=advert",
        "waiting": f"/sources/{source.slug}/at/?stage=reviewed&reason=pending",
        "to_draft": f"/sources/{source.slug}/at/?stage=drafted&reason=drafting",
        "api": f"/api/v1/sources/{source.slug}/funnel/",
    }  # fmt: skip
    p95 = {name: timed(lambda path=path: asked(client, path)) for name, path in pages.items()}
    hand = timed(lambda: by_hand(source.pk), rounds=3)
    said = client.get(pages["api"]).json()
    exact = said["read"] == POSTS == sum(said["buckets"].values()) and not broken()
    for name, seconds in p95.items():
        print(f"{name:10}{seconds * 1000:9.1f} ms p95   {hand / seconds:7.1f} times as fast as counting by hand once")
    print(f"{'by hand':10}{hand * 1000:9.1f} ms; exact: {exact}")
    result = {
        "bench": "funnel", "posts": POSTS, "p95_ms": {name: round(seconds * 1000, 1) for name, seconds in p95.items()},
        "by_hand_ms": round(hand * 1000, 1), "exact": exact, "goal_ms": GOAL * 1000,
        "holds": exact and all(seconds < GOAL for seconds in p95.values()),
    }  # fmt: skip
    print(json.dumps(result))
    return 0 if result["holds"] else 1


def fill():
    from django.db import connection

    from annotation import stats
    from sources import tallies
    from sources.models import ImportRun, Source

    first = None
    for n in range(10):
        count = POSTS if n == 0 else 1_000
        source = Source.objects.create(slug=f"s{n}", name=f"来源 {n}")
        run = ImportRun.objects.create(
            source=source, state="succeeded", file_name="posts.jsonl", size=1, sha256=f"{n:064}", read=count, created=count
        )
        first = first or (source, run)
        begun = time.perf_counter()
        with connection.cursor() as cursor:
            for sql, values in ((FILL, [source.pk, run.pk, count]), (PAIRS, [source.pk])):
                cursor.execute(sql, values)
        if n == 0:
            print(f"filled in {time.perf_counter() - begun:.0f} s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    tallies.fold()
    stats.fold()
    return first


def asked(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)


def by_hand(source):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(BY_HAND, [source, source])
        cursor.fetchall()


def broken():
    from cqia import invariants

    return list(invariants.tallies())


def timed(act, rounds=ROUNDS):
    """The 95th percentile of the seconds that it took, after one time that does not count."""
    act()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        found.append(time.perf_counter() - begun)
    return statistics.quantiles(found, n=20)[-1] if rounds > 3 else statistics.median(found)


if __name__ == "__main__":
    raise SystemExit(main())
