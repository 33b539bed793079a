"""What a recipe takes, in which splits, and what it leaves out and why."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from annotation.models import ModelCall, Pair, PromptVersion
from datasets import publishing, releasing, selecting
from datasets.recipes import BadRecipe, Recipe, parse
from datasets.selecting import preview, preview_within, recipe_of
from sources.models import Post
from tests.builders import make_review, make_source

from .conftest import accepted
from .test_publishing import made

pytestmark = pytest.mark.django_db


def with_recipe(slug="r", **recipe):
    return publishing.create_dataset(slug=slug, name="配方", by=None, recipe=recipe)


def pairs_of(version) -> set[int]:
    return set(version.records.values_list("pair", flat=True))


def test_a_recipe_is_the_same_after_it_was_kept():
    said = {"splits": {"train": 0.8, "test": 0.2}, "mixture": {"a": {"take": 5}}, "seed": 7, "preferences": {"min_changed": 3}}
    recipe = parse(said)
    assert parse(recipe.as_json()) == recipe
    assert (recipe.splits, recipe.mixture["a"].take, recipe.preferences.min_changed) == ({"train": 0.8, "test": 0.2}, 5, 3)
    assert parse({}) == Recipe()


@pytest.mark.parametrize(
    "said",
    [
        [], {"include_unknown_license": True}, {"include_demo": 1}, {"splits": {"train": 0.5}}, {"splits": {"test": 1.0}},
        {"splits": {"dev": 1}}, {"min_votes": -1}, {"min_votes": True}, {"min_votes": "5"}, {"decided_from": "yesterday"},
        {"mixture": {"a": {"tke": 1}}}, {"verdicts": []},
        {"preferences": {"reasons": ["no"]}}, {"answer_from": "robot"}, {"seed": 1.5},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(said):
    with pytest.raises(BadRecipe):
        parse(said)


def test_each_filter_leaves_out_what_it_says(source, reviewer):
    plain = accepted(source, reviewer)
    edited = accepted(source, reviewer, draft="草稿是这样写的，一共有不少字。", output="草稿是那样写的，一共有不少字。")
    own = accepted(source, reviewer, model="", draft="帖子自己的回答。")
    Post.objects.filter(pk=own.post_id).update(votes=9, posted_at=timezone.now() - timedelta(days=400))
    Post.objects.filter(pk=plain.post_id).update(votes=3)
    today, long_ago = timezone.localdate(), timezone.localdate() - timedelta(days=300)
    cases = [
        ({"verdicts": ["edit"]}, {edited.pk}, {"verdict": 2}),
        ({"answer_from": "human"}, {own.pk}, {"answer_from": 2}),
        ({"min_votes": 5}, {own.pk}, {"votes": 2}),
        ({"posted_to": long_ago.isoformat()}, {own.pk}, {"posted": 2}),
        ({"decided_from": today.isoformat(), "decided_to": today.isoformat()}, {plain.pk, edited.pk, own.pk}, {}),
        ({"licences": ["CC-BY-4.0"]}, {plain.pk, edited.pk, own.pk}, {}),
        ({"mixture": {"jokes": {"min_votes": 3}}}, {plain.pk, own.pk}, {"votes": 1}),
        ({"min_reviews": 1}, {plain.pk, edited.pk, own.pk}, {}),
    ]
    for n, (recipe, taken, left_out) in enumerate(cases):
        dataset = with_recipe(f"r{n}", **recipe)
        if "answer_from" not in recipe:
            found = preview(recipe_of(dataset))
            assert found.pop("") == len(taken)
            assert found == left_out
        version = made(dataset)
        assert (pairs_of(version), version.left_out) == (taken, left_out), recipe


def test_everything_left_out_is_said_with_its_reason(source, reviewer):
    accepted(source, reviewer)
    version = made(with_recipe(licences=["CC0-1.0"], decided_to="2001-01-01"))
    assert (version.state, version.error_code, version.left_out) == ("failed", "empty", {"licence_other": 1})


def test_counting_gives_up_in_time_and_harms_nobody(source, reviewer, monkeypatch):
    accepted(source, reviewer)
    assert preview_within(5, parse({})) == {"": 1}
    with monkeypatch.context() as patch:
        patch.setattr(selecting, "_counted", lambda recipe, cursor: cursor.execute("SELECT pg_sleep(5)"))
        assert preview_within(0.05, parse({})) is None
    assert preview_within(5, parse({})) == {"": 1}


def test_agreement_counts_the_decisions_that_still_count(source, reviewer, lead):
    agreed, disputed = accepted(source, reviewer), accepted(source, reviewer)
    for pair, texts in ((agreed, {}), (disputed, {"output": "另一个说法"})):
        first = make_review(pair, by=lead, verdict="accept" if not texts else "edit", **texts)
        last = make_review(pair, by=reviewer)
        Pair.objects.filter(pk=pair.pk).update(decision=last, reviews_wanted=2)
        assert first.pk < last.pk
    version = made(with_recipe("all"))
    assert version.facts["agreement"] == {"several": 2, "agreed": 1}
    assert pairs_of(made(with_recipe("agreed", min_agreement=1.0))) == {agreed.pk}
    assert pairs_of(made(with_recipe("three", min_reviews=3))) == {agreed.pk}


def test_a_share_is_drawn_by_its_seed_and_the_same_again(source, reviewer):
    for n in range(30):
        accepted(source, reviewer, draft=f"第{n}把椅子。")
    first, again, other = (
        made(with_recipe(slug, mixture={"jokes": {"take": 10}}, seed=seed)) for slug, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first.records_count == 10
    assert first.left_out == {"share": 20}
    assert pairs_of(first) == pairs_of(again) != pairs_of(other)
    assert first.sha256 == again.sha256


def test_what_belongs_together_is_never_torn_apart(source, reviewer):
    """Clusters, questions and equal texts overlap here, so that groups are only seen by following all three."""
    other = make_source("other", licence="CC0-1.0")
    pairs = [accepted(source if n % 2 else other, reviewer, draft=f"第{n}扇门。") for n in range(120)]
    posts = [pair.post for pair in pairs]
    for n, post in enumerate(posts):
        changes = {"cluster": posts[n - n % 3]} if n < 60 else {"question_id": f"q{n // 5}"} if n < 100 else {}
        if n % 15 == 0 and n:
            changes["content_hash"] = f"same-{n // 30}"
        Post.objects.filter(pk=post.pk).update(**changes)
    version = made(with_recipe(splits={"train": 0.5, "validation": 0.25, "test": 0.25}, seed=3))
    assert sum(version.splits.values()) == 120
    assert set(version.splits) == {"train", "validation", "test"}
    rows = version.records.values_list(
        "split", "pair__post__cluster", "pair__post__question_id", "pair__post__source", "pair__post__content_hash"
    )
    groups: dict[tuple, set[str]] = {}
    for split, cluster, question, origin, text in rows:
        for group in (("c", cluster) if cluster else None, ("q", origin, question) if question else None, ("t", text)):
            if group:
                groups.setdefault(group, set()).add(split)
    assert len(groups) > 30
    assert not [group for group, splits in groups.items() if len(splits) > 1]
    assert sorted({file.name for file in version.files.filter(schema="cqia")}) == [
        f"{split}.cqia.jsonl" for split in ("test", "train", "validation")
    ]
    assert {file.split: file.rows for file in version.files.filter(schema="cqia")} == version.splits


def test_a_post_keeps_its_split_in_later_versions(source, reviewer):
    for n in range(40):
        accepted(source, reviewer, draft=f"第{n}块糖。")
    dataset = with_recipe(splits={"train": 0.5, "test": 0.5})
    first = dict(made(dataset).records.values_list("pair", "split"))
    for n in range(40):
        accepted(source, reviewer, draft=f"后来的第{n}块糖。")
    second = dict(made(dataset).records.values_list("pair", "split"))
    assert set(first.values()) == {"train", "test"}
    assert {pair: second[pair] for pair in first} == first


def test_a_post_that_was_taken_down_is_out_of_the_next_version_and_found_in_those_before(source, reviewer, admin):
    gone, stays = accepted(source, reviewer), accepted(source, reviewer)
    dataset = with_recipe()
    first = made(dataset)
    assert releasing.take_down(gone.post, by=admin, reason="作者要求") == [first]
    second = made(dataset)
    assert pairs_of(second) == {stays.pk}
    assert second.left_out == {"takedown": 1}
    assert releasing.containing(gone.post) == [first]
    releasing.lift(gone.post.takedown, by=admin)
    assert pairs_of(made(dataset)) == {gone.pk, stays.pk}


def test_the_score_of_a_post_is_the_last_one_that_a_model_gave(source, reviewer):
    good, worse, never = (accepted(source, reviewer) for _ in range(3))
    for pair, scores in ((good, ["6.0", "8.5"]), (worse, ["9.0", "7.5"])):
        for score in scores:
            scored(pair.post, score)
    version = made(with_recipe("all", min_score=8))
    assert (pairs_of(version), version.left_out) == ({good.pk}, {"score": 2})
    assert pairs_of(made(with_recipe("one", mixture={"jokes": {"min_score": 7.5}}))) == {good.pk, worse.pk}
    assert never.pk


def scored(post, score):
    prompt, _ = PromptVersion.objects.get_or_create(sha256="1" * 64, defaults={"name": "score_0001", "text": "Score.", "purpose": "score"})
    ModelCall.objects.create(
        post=post, prompt=prompt, purpose="score", model="m", key=uuid.uuid4().hex, state="done", score=score, sent_at=timezone.now()
    )
