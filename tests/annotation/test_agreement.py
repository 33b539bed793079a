"""How far people agree: the figure itself, and the decisions that it is of."""

import random

import krippendorff
import pytest
from django.urls import reverse

from annotation import agreement
from annotation.alpha import alpha, similarity
from annotation.models import Review
from tests.builders import make_pair, make_review, make_source

# Krippendorff's own example (2011, "Computing Krippendorff's Alpha-Reliability", C): four people, twelve things, some not judged.
MISSING = None
PEOPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, MISSING, MISSING, MISSING],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, MISSING, 3],
    [MISSING, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, MISSING],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, MISSING],
]


def units_of(people):
    return [[value for value in unit if value is not MISSING] for unit in zip(*people, strict=True)]


def theirs(people):
    table = [[float("nan") if value is MISSING else value for value in row] for row in people]
    return krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")


def test_alpha_is_that_of_the_book_and_of_other_hands():
    figure = alpha(units_of(PEOPLE))
    assert figure.value == pytest.approx(0.743, abs=5e-4)
    assert figure.value == pytest.approx(theirs(PEOPLE), abs=1e-9)
    assert figure.n == 11
    assert figure.low < figure.value < figure.high


@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_that_of_other_hands_with_gaps_anywhere(seed):
    rng = random.Random(seed)
    people = [[rng.choice([1, 2, 3, MISSING]) for _n in range(30)] for _person in range(rng.randrange(2, 6))]
    assert alpha(units_of(people), rounds=0).value == pytest.approx(theirs(people), abs=1e-9)


def test_the_range_is_the_same_each_time_and_narrower_with_more():
    few, many = units_of(PEOPLE), units_of(PEOPLE) * 40
    assert alpha(few) == alpha(few)
    assert alpha(many).high - alpha(many).low < alpha(few).high - alpha(few).low


@pytest.mark.parametrize("units", [[], [["accept"]], [["accept", "accept"]] * 5])
def test_where_nothing_can_be_told_nothing_is(units):
    assert alpha(units).value is None


def test_texts_are_as_alike_as_the_characters_they_share():
    assert similarity(["甲乙丙丁", "甲乙丙丁"]) == 1
    assert similarity(["甲乙丙丁", "甲乙戊己"]) == pytest.approx(0.5)
    assert similarity(["只有一份"]) is None


# --- of decisions -------------------------------------------------------------------------------------------------------


@pytest.fixture
def decided(db, reviewer, make_user, lead):
    """Three pairs that two people decided: alike, alike but for the text, and not, which a lead settled. And what does not count."""
    source, other = make_source("ruozhiba", name="弱智吧"), make_user("reviewer", "other")
    pairs = [make_pair(source, reviews_wanted=2) for _n in range(4)]
    for pair, verdicts in zip(pairs, (("accept", "accept"), ("edit", "edit"), ("accept", "reject")), strict=False):
        for by, verdict in zip((reviewer, other), verdicts, strict=True):
            texts = {"output": f"{by.username}改的"} if verdict == "edit" else {}
            make_review(pair, by=by, verdict=verdict, reasons=["other"] if verdict == "reject" else [], **texts)
    make_review(pairs[2], by=lead, verdict="accept")
    gone = make_review(pairs[3], by=reviewer, verdict="accept")
    make_review(pairs[3], by=reviewer, verdict="undo", undoes=gone)
    make_review(pairs[3], by=other, verdict="reject", reasons=["other"])
    make_pair(make_source("zhihu"), status="accepted", by=reviewer)
    return source


def test_agreement_is_of_decisions_that_count_without_the_last_word(decided, lead):
    (found,) = agreement.by_source(lead)
    assert (found.slug, found.n, found.same) == ("ruozhiba", 3, 2)
    assert found.alpha == pytest.approx(theirs([[1, 2, 1], [1, 2, 3]]), abs=1e-9)
    assert found.similarity == pytest.approx((1 + similarity(["reviewer改的", "other改的"])) / 2)
    (two,) = agreement.by_pair(lead, source=decided)
    assert (two.people, two.n, two.alpha) == (("reviewer", "other"), 3, found.alpha)


def test_a_reopening_takes_them_out_and_its_undoing_brings_them_back(decided, lead):
    pair = Review.objects.filter(verdict="edit").first().pair
    entry = make_review(pair, by=lead, verdict="reopen")
    assert agreement.by_source(lead)[0].n == 2
    make_review(pair, by=lead, verdict="undo", undoes=entry)
    assert agreement.by_source(lead)[0].n == 3


def test_page_file_and_api_say_the_same(client, decided, lead, reviewer):
    url = reverse("annotation:agreement")
    client.force_login(lead)
    html = client.get(url).content.decode()
    assert "弱智吧" in html
    assert "67 %" in html
    lines = client.get(url, {"format": "csv"}).content.decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["kind", "source", "people"]
    shown = client.get("/api/v1/agreement/").json()
    assert shown["by_source"][0]["alpha"] == pytest.approx(float(lines[1].split(",")[5]))
    assert shown["by_pair"][0]["people"] == ["reviewer", "other"]
    client.force_login(reviewer)
    assert client.get(url).status_code == 403
