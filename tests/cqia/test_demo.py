"""The demo: what lies in demo/, through the real importers, into an empty database."""

import csv
import json
import re
import threading

import pytest
from django.core.management import call_command

from annotation import drafting, prompting
from annotation.models import Draft, DraftRun, ModelCall, Pair
from cqia import demo_provider
from cqia.management.commands.load_demo import DEMO, FILES, LICENCE
from datasets.models import Dataset
from sources.models import ImportRun, Post, Source
from tests.builders import make_post, make_source

REPLIES = json.loads((DEMO / "replies.json").read_text("utf-8"))
FLAWED = ("减肥课说一个月瘦十斤", "医生说我这个病需要长期观察")  # replies for a reviewer to catch


@pytest.fixture
def uploads(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"


@pytest.fixture
def with_demo_model(settings, monkeypatch):
    settings.OPENAI_MODEL, settings.OPENAI_BASE_URL = "demo", "http://127.0.0.1:1/v1"
    monkeypatch.setenv("OPENAI_API_KEY", "demo")


@pytest.fixture
def load(db, uploads, capsys):
    """Gives a function that runs the command and gives what it said."""

    def load(*arguments: str) -> str:
        call_command("load_demo", *arguments)
        return capsys.readouterr().out

    return load


def state() -> dict:
    models = (Source, ImportRun, Post, Pair, Draft, DraftRun, ModelCall, Dataset)
    return {model.__name__: list(model.objects.order_by("pk").values_list("pk", flat=True)) for model in models}


def test_six_files_become_posts_by_importers_that_nobody_named(load):
    load()
    imports = {run.source.slug: run for run in ImportRun.objects.all()}
    platforms = {slug: ("tieba" if slug == "ruozhiba" else slug) for slug in FILES}
    assert {slug: run.importer for slug, run in imports.items()} == platforms
    assert {run.state for run in imports.values()} == {"succeeded"}
    assert {slug: (run.known, run.rejected) for slug, run in imports.items()} == dict.fromkeys(FILES, (0, 0))
    assert sum(run.created for run in imports.values()) == Post.objects.count() >= 72
    created = {slug: run.created for slug, run in imports.items()}
    least = {"ruozhiba": 24, "zhihu": 12, "xiaohongshu": 10, "douban": 10, "baike": 10, "exam": 8}
    assert all(created[slug] >= wanted for slug, wanted in least.items())


def test_screening_has_something_to_drop_for_every_reason_it_knows(load):
    load()
    dropped = Post.objects.filter(source__slug="ruozhiba", status="dropped")
    assert set(dropped.values_list("drop_reason", flat=True)) == {"duplicate", "too_few_votes", "too_short"}
    assert dropped.filter(drop_reason="duplicate").count() == 2
    assert not Post.objects.filter(status="new").exists()
    for slug in FILES:
        assert Post.objects.kept().filter(source__slug=slug).count() >= 8


def test_what_came_with_its_answer_is_ready_for_review(load):
    load()
    own = Pair.objects.filter(source__reply="source")
    assert own.count() == Post.objects.kept().filter(source__reply="source").count() >= 45
    assert set(own.values_list("status", flat=True)) == {"pending"}
    assert not own.filter(output="").exists()
    assert not own.filter(output__regex=r"话题\]|\[\w+R\]|<br>|&\w+;|\r").exists()
    assert set(Draft.objects.values_list("model", flat=True)) == {""}


def test_every_kept_title_of_ruozhiba_has_a_written_reply(load):
    load()
    kept = Post.objects.kept().filter(source__slug="ruozhiba")
    assert set(kept.values_list("title", flat=True)) <= set(REPLIES)


def test_drafts_are_ordered_of_the_demo_model(load, with_demo_model):
    said = load()
    run = DraftRun.objects.get()
    kept = Post.objects.kept().filter(source__slug="ruozhiba").count()
    assert (run.source.slug, run.model_names, run.state) == ("ruozhiba", ["demo"], "queued")
    assert run.calls.filter(state="queued").count() == kept
    assert f"{kept} drafts are ordered" in said


@pytest.mark.parametrize("model", ["", "gpt-of-somebody"])
def test_nothing_is_ordered_that_could_cost_money(load, with_demo_model, settings, model):
    settings.OPENAI_MODEL = model
    assert "No drafts are ordered" in load()
    assert not DraftRun.objects.exists()
    assert not ModelCall.objects.exists()


def test_a_second_time_adds_nothing(load, with_demo_model):
    load()
    before = state()
    assert "nothing added" in load()
    assert state() == before
    load("--force")
    assert state() == before


def test_a_database_with_posts_gets_the_presets_alone(load):
    make_post(make_source("mine"))
    load()
    assert Post.objects.count() == 1
    assert set(FILES) < set(Source.objects.values_list("slug", flat=True))
    assert not Dataset.objects.exists()


def test_without_the_demo_there_are_empty_presets(load, monkeypatch):
    monkeypatch.setenv("CQIA_DEMO", "0")
    load()
    assert set(FILES) <= set(Source.objects.values_list("slug", flat=True))
    assert not Post.objects.exists()
    assert not Dataset.objects.exists()
    assert set(Source.objects.values_list("licence", flat=True)) == {""}


def test_our_licence_is_not_written_over_texts_of_others(load):
    make_post(make_source("zhihu", licence=""))
    make_source("douban", licence="CC BY 4.0")
    load("--force")
    assert dict(Source.objects.filter(slug__in=["zhihu", "douban", "baike"]).values_list("slug", "licence")) == {
        "zhihu": "", "douban": "CC BY 4.0", "baike": LICENCE,
    }  # fmt: skip


def test_the_dataset_takes_demo_drafts(load):
    load()
    assert Dataset.objects.get().include_demo is True
    assert Dataset.objects.get().slug == "demo"


def test_reviewers_find_guidelines_for_each_source(load):
    load()
    for source in Source.objects.filter(slug__in=FILES):
        assert 200 < len(source.guidelines) < 1_000
        assert "驳回" in source.guidelines


def test_drafting_the_demo_brings_the_written_replies(transactional_db, load, with_demo_model, settings):
    server = demo_provider.serve(delay=0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        load()
        drafting.work_off(DraftRun.objects.get().pk)
    finally:
        server.shutdown()
        server.server_close()
    pairs = Pair.objects.filter(source__slug="ruozhiba")
    assert dict(pairs.values_list("instruction", "output")) == {pair.instruction: REPLIES[pair.instruction] for pair in pairs}
    assert set(pairs.values_list("status", "drafts__model")) == {("pending", "demo")}
    assert DraftRun.objects.get().state == "succeeded"


# --- the files themselves ---------------------------------------------------------------------------------------------
def test_replies_are_short_plain_and_free_of_model_phrases_but_for_two():
    phrases = re.compile("人工智能|语言模型|总之|总而言之|希望对你有帮助|综上所述")
    assert [title for title, reply in REPLIES.items() if phrases.search(reply)] == [t for t in REPLIES if t.startswith(FLAWED[0])]
    assert any(title.startswith(FLAWED[1]) for title in REPLIES)
    assert {title: len(reply) for title, reply in REPLIES.items() if not 80 <= len(reply) <= 300} == {}
    assert all(prompting.han_share(reply) > 0.9 for reply in REPLIES.values())


def test_no_reply_is_without_its_post():
    titles = {row["title"] for row in json.loads((DEMO / "ruozhiba.json").read_text("utf-8"))}
    assert set(REPLIES) <= titles


def test_no_two_replies_would_answer_the_same_post():
    folded = sorted(prompting.folded(title) for title in REPLIES)
    assert not [(one, two) for one in folded for two in folded if one != two and one in two]


def test_the_files_keep_the_traps_of_their_platforms():
    notes = json.loads((DEMO / "xiaohongshu.json").read_text("utf-8"))
    assert any(note["liked_count"].endswith("万") for note in notes)
    assert all(re.search(r"#\w+\[话题\]#", note["desc"]) and "R]" in note["desc"] for note in notes)
    assert all(isinstance(row["n_reply"], str) for row in json.loads((DEMO / "ruozhiba.json").read_text("utf-8")))
    with (DEMO / "douban.csv").open(encoding="utf-8", newline="") as file:
        assert any("\n" in row["comment"] for row in csv.DictReader(file))
    assert "\\r\\r" in (DEMO / "baike.jsonl").read_text("utf-8")
