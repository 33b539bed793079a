"""The funnel's sum, over random files and screens, on a real database: every row that was read is in exactly one place."""

import contextlib
import io
import itertools
import json
import random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import stats
from annotation.pairing import make_pairs
from cqia import invariants
from sources import importing, presets, rescuing, screening
from sources.models import ImportRun, Post, Source
from sources.screening import StaleState
from tests.builders import make_source
from tests.sources.conftest import WILD

pytestmark = pytest.mark.django_db
TEXTS = [
    "保温杯里装冰水，它该保谁的温？",
    "保溫杯裏裝冰水，它該保誰的溫😂",
    "影子会不会怕黑",
    "加我微信，包邮到家",
    "短",
    "",
    "Why is the sky blue at all?",
    "<b>粗</b>&amp;",
    "打 13812345678 找我",
    "今天我把冰箱关进了大象里。",
    "謝邀，這個問題怎麼回答呢",
    "\ufeff保温杯里装冰水",
    "a" * 400,
]
ROW = st.one_of(
    st.fixed_dictionaries(
        {"title": st.sampled_from(TEXTS) | st.text(max_size=12)},
        optional={
            "answer": st.sampled_from(TEXTS),
            "votes": st.integers(-3, 300) | st.sampled_from(["1.2万", "10+", "many", None]),
            "id": st.integers(1, 12),
            "question_id": st.integers(1, 3),
        },
    ).map(lambda row: json.dumps(row, ensure_ascii=False)),
    st.sampled_from(["{bad", "[]", "7", "null", '{"title": 1e999}', '{"title": "\\ud800"}', "", '{"other": "x"}']),
)
SCREEN = st.one_of(
    st.builds(lambda n: {"screen": "length", "field": "title", "min": n}, st.integers(0, 9)),
    st.builds(lambda n: {"screen": "votes", "min": n}, st.integers(-3, 200)),
    st.builds(lambda n: {"screen": "best", "count": n}, st.integers(1, 9)),
    st.builds(lambda n: {"screen": "per_question", "most": n}, st.integers(1, 3)),
    st.builds(lambda on: {"screen": "near_duplicate", "across": on}, st.booleans()),
    st.builds(lambda on: {"screen": "personal_data", "drop": on}, st.booleans()),
    st.builds(lambda on: {"screen": "language", "convert": on, "no_mix": not on}, st.booleans()),
    st.builds(lambda on: {"screen": "residue", "clean": on}, st.booleans()),
    st.sampled_from([{"screen": name} for name in ("duplicate", "statement", "advert")]),
    st.just({"screen": "words", "words": ["冰水", "大象"]}),
    st.just({"screen": "contamination", "texts": ["保温杯里装冰水它该保谁的温"]}),
    st.just({"screen": "excludes", "pattern": "微信", "field": "all"}),
)
SCREENS = st.lists(SCREEN, max_size=5)
FILES = st.lists(st.lists(ROW, min_size=1, max_size=14), min_size=1, max_size=3)
ACTS = st.lists(st.sampled_from(["import", "screen", "rescreen", "rescue", "undo", "pairs", "change"]), min_size=2, max_size=8)


def all_adds_up(source):
    """The stages, buckets and fates of the source and of each of its runs sum to the rows read, and behind each number are its posts."""
    runs = list(source.imports.all())
    whole = [(stats.funnel(source), None), *((stats.funnel(source, run), run) for run in runs)]
    for stages, run in whole:
        read = run.read if run else sum(each.read for each in runs)
        assert stages[0]["count"] == sum(stats.buckets(stages).values()) == sum(stats.fates(stages).values()) == read
        for before, after in itertools.pairwise(stages):
            assert before["count"] - after["count"] == sum(after["dropped"].values()) + sum(after["waiting"].values())
        for stage in stages[2:]:
            assert stats.posts_at(source, stage["key"], run=run).count() == stage["count"]
            for reason, count in (stage["dropped"] | stage["waiting"]).items():
                assert stats.posts_at(source, stage["key"], reason, run).count() == count, (stage["key"], reason)
        lost = stages[1]["dropped"]
        without_posts = {"duplicate": lost.get("known", 0), "filtered": sum(lost.values()) - lost.get("known", 0)}
        for fate, count in stats.fates(stages).items():
            assert stats.posts_of_fate(source, fate, run).count() == count - without_posts.get(fate, 0), fate
    assert list(invariants.tallies()) == []


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    files=st.lists(st.lists(ROW, min_size=1, max_size=14), min_size=1, max_size=3),
    screens=SCREENS,
    acts=ACTS,
    chance=st.randoms(use_true_random=False),
)
def test_every_row_is_in_one_place_whatever_is_done(uploads, files, screens, acts, chance):
    with transaction.atomic():
        source = make_source(screens=screens)
        left = list(files)
        for act in ["import", *acts]:
            _do(act, source, left, chance)
            all_adds_up(source)
        transaction.set_rollback(True)


def _do(act, source, files, chance: random.Random):
    if act == "import" and files:
        data = "\n".join(files.pop()).encode("utf-8", "surrogatepass")
        run, _new = importing.start_import(source, importing.store(io.BytesIO(data), "x.jsonl"), name="x.jsonl", by=None)
        importing.run_import(run.pk)
    elif act == "screen":
        screening.screen(source)
    elif act == "rescreen":
        screening.rescreen(source, by=None)
    elif act == "change":
        source.screens = chance.sample(source.screens, chance.randint(0, len(source.screens)))
        source.save()
    elif act == "pairs":
        make_pairs(source, 5)
    elif act == "rescue":
        with contextlib.suppress(StaleState):
            rescuing.rescue(source, source.posts.filter(status="dropped"), by=None)
    elif act == "undo" and (last := source.rescues.order_by("-pk").first()):
        with contextlib.suppress(StaleState):
            rescuing.undo(last, by=None)


NOT_INPUT = {"llamafactory_dataset_info.json", "flub_metadata.json", "eval_prompt.jsonl"}


@pytest.mark.slow
def test_on_the_files_of_the_wild(uploads):
    if not WILD.exists():
        pytest.skip(f"{WILD} is not there: this test needs real input")
    paths = sorted(path for path in WILD.rglob("*") if path.suffix in (".json", ".jsonl", ".csv") and path.name not in NOT_INPUT)
    presets.ensure()
    folders = {"xhs": "xiaohongshu", "tieba": "ruozhiba", "mnbvc": "wikihow", "belle": "baike"}
    for path in paths:
        source = Source.objects.get(slug=folders.get(path.parent.name, path.parent.name))
        with path.open("rb") as file:
            run, _new = importing.start_import(source, importing.store(file, path.name), name=path.name, by=None)
        importing.run_import(run.pk)
    for source in Source.objects.all():
        all_adds_up(source)
        screening.screen(source)
        make_pairs(source, 300)
        all_adds_up(source)
    assert ImportRun.objects.filter(state="succeeded").count() == len(paths) > 20
    assert (
        sum(stats.funnel(source)[0]["count"] for source in Source.objects.all()) == sum(run.read for run in ImportRun.objects.all()) > 6_000
    )
    assert not Post.objects.filter(status="new").exists()
