"""DPO and KTO from ordinary review: exactly the pairs that follow from the log."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from annotation import reviewing
from annotation.models import Pair
from datasets import exporting, publishing
from datasets.preferring import differing, is_preference, same_question
from datasets.recipes import Gates
from sources.cleaning import fold
from tests.builders import make_post, make_review

from .conftest import accepted, draft_by, take_back
from .test_publishing import lines, made

pytestmark = pytest.mark.django_db
DRAFT = "月亮没有电梯，只好自己一步一步爬上来。"
EDITED = "这句话把“升起”当成了乘电梯，所以好笑。"


def rejected(source, by, reasons, draft=DRAFT, model="a-model") -> Pair:
    post = make_post(source, status="kept")
    pair = Pair.objects.create(post=post, source=source, status="pending", instruction=post.title, output=draft)
    review = make_review(pair, by=by, verdict="reject", reasons=reasons, draft=draft_by(pair, model, draft))
    Pair.objects.filter(pk=pair.pk).update(status="rejected", decision=review)
    return pair


def rows(version, schema):
    exporting.export(version, schema, "jsonl")
    return lines(version, f"train.{schema}.jsonl")


def test_a_scripted_history_gives_exactly_the_expected_pairs(dataset, source, reviewer):
    accepted(source, reviewer, draft=DRAFT, instruction="原样接受")
    accepted(source, reviewer, draft=DRAFT, output=EDITED, instruction="改了", input="材料")
    accepted(source, reviewer, draft=DRAFT, output=DRAFT.replace("，", "：").replace("。", "！"), instruction="只改标点")
    accepted(source, reviewer, draft=DRAFT, output=DRAFT.replace("一步一步", "一步步"), instruction="只改一个字")
    several = accepted(source, reviewer, draft=DRAFT, named=False, instruction="没说是哪一份")
    draft_by(several, "b-model", EDITED)
    undone = accepted(source, reviewer, draft=DRAFT, output=EDITED, instruction="撤销了")
    take_back(undone, reviewer)
    rejected(source, reviewer, ["missed_joke"])
    rejected(source, reviewer, ["duplicate"])
    rejected(source, reviewer, ["boilerplate"], model="demo")
    version = made(dataset)
    assert version.preferences == {"edit": 1, "bad": 1, "good": 1}
    assert rows(version, "dpo") == [{"instruction": "改了", "input": "材料", "chosen": EDITED, "rejected": DRAFT}]
    labelled = rows(version, "kto")
    assert [(row["output"], row["kto_tag"]) for row in labelled] == [(DRAFT, True), (DRAFT, False)]
    assert labelled[0]["instruction"] == "原样接受"


def test_a_candidate_chosen_over_others_is_ranked_before_them(dataset, source, reviewer):
    pair = accepted(source, reviewer, draft=DRAFT)
    Pair.objects.filter(pk=pair.pk).update(status="pending", decision=None)
    draft_by(pair, "b-model", EDITED)
    draft_by(pair, "c-model", DRAFT + "！")
    review = make_review(pair, by=reviewer, draft=pair.drafts.get(number=1))
    Pair.objects.filter(pk=pair.pk).update(status="accepted", decision=review)
    draft_by(pair, "d-model", "后来才起草的一份，与这个决定无关，不算数。")
    version = made(dataset)
    assert version.preferences == {"ranked": 1, "good": 1}
    assert [(row["chosen"], row["rejected"]) for row in rows(version, "dpo-trl")] == [(DRAFT, EDITED)]


def test_the_gates_are_set_by_the_recipe(source, reviewer):
    accepted(source, reviewer, draft=DRAFT, output=DRAFT.replace("一步一步", "一步步"))
    rejected(source, reviewer, ["duplicate"])
    recipe = {"preferences": {"min_changed": 1, "reasons": ["duplicate"]}}
    version = made(publishing.create_dataset(slug="wide", name="宽", by=None, recipe=recipe))
    assert version.preferences == {"edit": 1, "bad": 1}


def test_an_undone_review_leaves_none_and_what_follows_counts(dataset, source, reviewer):
    """Through the step itself: decided, taken back, and decided otherwise."""
    post = make_post(source, status="kept")
    pair = Pair.objects.create(post=post, source=source, status="pending", instruction=post.title, output=DRAFT)
    draft = draft_by(pair, "a-model", DRAFT)

    def decide(verdict, output, **more):
        seat = reviewing.claim(reviewer)
        texts = {"instruction": pair.instruction, "input": "", "output": output}
        return reviewing.decide(
            pair.pk, by=reviewer, assignment=seat.pk, token=seat.token, op_id=uuid.uuid4(), verdict=verdict, draft=draft.pk, **texts, **more
        )

    undone = decide("edit", EDITED)
    reviewing.undo(undone.pk, by=reviewer, op_id=uuid.uuid4())
    assert made(dataset).error_code == "empty"
    pair.refresh_from_db()
    decide("accept", DRAFT)
    version = made(dataset)
    assert version.preferences == {"good": 1}
    with pytest.raises(exporting.Refused, match="no row"):
        exporting.export(version, "dpo", "jsonl")


def test_preferences_stay_as_they_were_frozen(dataset, source, reviewer):
    pair = accepted(source, reviewer, draft=DRAFT, output=EDITED)
    version = made(dataset)
    before = rows(version, "dpo")
    take_back(pair, reviewer)
    for file in version.files.filter(schema="dpo"):
        exporting.path_of(file).unlink()
    assert rows(version, "dpo") == before


@pytest.mark.parametrize(
    ("before", "after", "letters"), [("你好，世界！", "你好世界", 0), ("ＡＢＣ", "abc", 0), ("一二三", "一二三四五", 2), ("", "一", 1)]
)
def test_punctuation_width_and_space_are_no_letters(before, after, letters):
    assert not is_preference(before, after, Gates(min_changed=letters + 1))
    assert is_preference(before, after, Gates(min_changed=max(1, letters))) == (letters > 0)


def test_a_draft_for_another_question_is_not_compared():
    assert same_question("问一？\n", "问一\n")
    assert not same_question("问一\n", "问二\n")


PIECES = st.text("甲乙丙１2３.,，。 —ａB", max_size=12)


@given(PIECES, PIECES, PIECES, PIECES)
def test_what_two_texts_have_in_common_at_the_ends_makes_no_difference(head, one, other, tail):
    before, after = f"{head}{one}{tail}", f"{head}{other}{tail}"
    shorter = differing(before, after)
    assert Levenshtein.distance(fold(before), fold(after)) == Levenshtein.distance(*map(fold, shorter))


def test_of_a_long_text_little_is_left_to_be_looked_at():
    text = "把这句话拆开来看，前半句说的是时间，后半句说的是感觉。" * 20
    assert differing(text, text.replace("感觉", "心情", 1)) == ("是感觉。把", "是心情。把")
