"""A batch goes in with its verdicts, unless those of earlier posts are not in."""

import json

import pytest
from django.db import connection, transaction

from sources import importing, readers, screening, storing
from sources.models import Post, Source
from tests.builders import make_post, make_run, make_source
from tests.sources.test_importing import imported, start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("uploads")]
SCREENS = [{"screen": "duplicate"}, {"screen": "length", "field": "title", "min": 3}]
JOKE = "保温杯里装冰水，它该保谁的温？"


def lines(*rows: dict) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def verdicts(source: Source) -> list[tuple[str, str]]:
    return list(source.posts.order_by("pk").values_list("status", "drop_reason"))


def test_posts_are_judged_when_they_come_and_make_pairs_when_all_are_compared():
    source = make_source(screens=SCREENS)
    run = imported(source, lines({"id": "1", "title": JOKE}, {"id": "2", "title": JOKE + "！"}, {"id": "3", "title": "短"}), "x.jsonl")
    assert verdicts(source) == [("kept", ""), ("dropped", "duplicate"), ("dropped", "too_short")]
    assert source.posts.get(external_id="2").drop_value == str(source.posts.get(external_id="1").pk)
    assert (run.waiting, Post.objects.kept().count()) == (1, 0)
    assert list(screening.unscreened()) == [source]
    assert screening.screen(source) == 1
    run.refresh_from_db()
    assert (run.waiting, Post.objects.kept().count(), list(screening.unscreened())) == (0, 1, [])


def test_where_earlier_posts_are_undecided_later_ones_wait_and_the_earlier_survives():
    source = make_source(screens=SCREENS)
    imported(source, lines({"id": "1", "title": JOKE}), "x.jsonl")
    screening.rescreen(source, by=None)
    imported(source, lines({"id": "2", "title": JOKE}), "y.jsonl")
    assert verdicts(source) == [("new", ""), ("new", "")]
    screening.screen(source)
    assert verdicts(source) == [("kept", ""), ("dropped", "duplicate")]


def test_screens_that_change_while_a_file_is_read_decide_about_what_comes_after(monkeypatch):
    monkeypatch.setattr(readers, "BATCH", 1)
    source, write = make_source(screens=SCREENS), importing.write

    def changing(run, *args):
        write(run, *args)
        Source.objects.filter(pk=source.pk).update(screens=[{"screen": "length", "field": "title", "min": 1}])

    monkeypatch.setattr(importing, "write", changing)
    run, _ = start(source, lines({"id": "1", "title": "短"}, {"id": "2", "title": "短短"}), "x.jsonl")
    importing.run_import(run.pk)
    assert verdicts(source) == [("dropped", "too_short"), ("new", "")]
    screening.screen(source)
    assert verdicts(source) == [("dropped", "too_short"), ("kept", "")]


def test_screens_that_cannot_be_made_judge_nothing():
    source = make_source(screens=[{"screen": "no such"}])
    assert imported(source, lines({"title": JOKE}), "x.jsonl").created == 1
    assert verdicts(source) == [("new", "")]


@pytest.mark.parametrize("counted", [(0, 3_000), (5, 1), (1_000_000, 20_000)])
@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [(storing.KNOWN, ['["1"]', 1], "post_once_per_source"), (storing.TWINS, ['["1"]', 1, ["best"]], "post_by_content")],
)
def test_what_is_looked_up_for_each_row_has_its_index_whatever_the_planner_believes(counted, statement, values, index):
    """It had counted when nothing was there: then each of 20,000 rows was looked for among all of them, which took half a minute."""
    run = make_run(make_source())
    Post.objects.bulk_create(Post(source=run.source, run=run, row=n, external_id=str(n), content_hash=str(n)) for n in range(2_000))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE pg_class SET reltuples = %s, relpages = %s WHERE relname = 'sources_post'", counted)
        storing._prepare()
        cursor.execute(f"EXPLAIN {statement}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
        assert f" {index}" in plan, plan
        assert "external_id >= wanted.id" in plan or "(content_hash)::text = wanted.hash" in plan
        transaction.set_rollback(True)


def test_what_is_known_is_told_and_the_first_of_those_that_read_the_same():
    source, other = make_source(), make_source()
    made = [make_post(source, external_id=name, content_hash=name[0], status="kept") for name in ("a", "ab", "b", "é")]
    make_post(other, external_id="c", content_hash="c", status="kept")
    with connection.cursor() as cursor:
        cursor.execute(storing.KNOWN, [json.dumps(["a", "aa", "abc", "b", "B", "c", "é", ""]), source.pk])
        assert sorted(cursor.fetchall()) == [("a",), ("b",), ("é",)]
    assert storing._twins(source.pk, ["a", "b", "c", "d"]) == {"a": made[0].pk, "b": made[2].pk}
