"""A batch goes in with its verdicts, unless those of earlier posts are not in."""

import json

import pytest

from sources import importing, readers, screening
from sources.models import Post, Source
from tests.builders import make_source
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
