"""Pairs are searched like posts: by what may be seen, at once in instructions, and in all texts once these are indexed."""

import random
from base64 import b64encode

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from annotation import tasks
from annotation.models import Pair
from annotation.searching import PAIRS
from sources import grams, indexing
from sources.models import SearchChange, SearchSegment
from sources.searching import Search, find
from tests.builders import make_pair, make_source

pytestmark = pytest.mark.django_db
LETTERS = "保温杯里装冰水AaB%_"
FIELDS = ("instruction", "input", "output")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(indexing, "FEW", 10)


def api_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def pairs(count, rng, source=None):
    source = source or make_source()

    def text():
        return "".join(rng.choices(LETTERS, k=rng.randint(0, 8)))

    return [make_pair(source, instruction=text() or "冰", input=text(), output=text()) for _ in range(count)]


def naive(text, rows=None):
    rows, text = Pair.objects.all() if rows is None else rows, grams.fold(text)
    return [pair.pk for pair in rows.order_by("pk") if any(text in grams.fold(getattr(pair, name)) for name in FIELDS)]


def test_it_agrees_with_a_plain_filter_before_and_after_the_background_has_come_by():
    rng = random.Random(1)
    made = pairs(60, rng)
    for stage in range(3):
        for _ in range(25):
            text = "".join(rng.choices(LETTERS, k=rng.randint(1, 3)))
            assert find(Search(PAIRS, text), Pair.objects.all(), limit=500).ids == naive(text), (stage, text)
        tasks.index_pairs()
        for pair in rng.sample(made, 15):
            Pair.objects.filter(pk=pair.pk).update(output=f"装冰水{stage}" + rng.choice(LETTERS))
        assert SearchChange.objects.filter(kind="pairs").count() == 15
    assert SearchSegment.objects.filter(kind="pairs", is_whole=True).exists()


def test_an_instruction_is_found_before_the_background_has_come_by():
    pairs(20, random.Random(2))
    pair = make_pair(instruction="天地玄黄", output="宇宙洪荒")
    indexing.index_new(PAIRS)
    assert find(Search(PAIRS, "地玄"), Pair.objects.all()).ids == [pair.pk]
    assert find(Search(PAIRS, "宙洪"), Pair.objects.all()).ids == []
    assert not indexing.progress(PAIRS).is_caught_up
    tasks.index_pairs()
    assert find(Search(PAIRS, "宙洪"), Pair.objects.all()).ids == [pair.pk]


def test_a_drafted_response_is_found():
    made = pairs(20, random.Random(2))
    tasks.index_pairs()
    Pair.objects.filter(pk=made[7].pk).update(output="宇宙洪荒")
    assert find(Search(PAIRS, "宙洪"), Pair.objects.all()).ids == [made[7].pk]


class TestApi:
    def ids(self, client, query):
        response = client.get(f"/api/v1/pairs/?{query}")
        assert response.status_code == 200, response.content
        return [row["id"] for row in response.json()["results"]]

    def test_nobody_finds_what_they_may_not_see(self, make_user, reviewer, lead):
        rng = random.Random(3)
        mine, theirs = make_source("mine"), make_source("theirs")
        theirs.reviewers.add(make_user("reviewer", "other"))
        pairs(30, rng, mine)
        hidden = pairs(30, rng, theirs)
        for _ in range(2):
            for text in ("冰水", "杯杯", "AB", "保温"):
                want = naive(text, Pair.objects.filter(source=mine))
                assert self.ids(api_of(reviewer), f"search={text}&page_size=200") == want
            assert self.ids(api_of(reviewer), "search=冰水&source=theirs") == []
            assert set(self.ids(api_of(lead), "search=冰水&source=theirs")) <= {pair.pk for pair in hidden}
            assert set(self.ids(api_of(lead), "search=冰水&page_size=200")) == set(naive("冰水"))
            tasks.index_pairs()

    def test_status_holds_and_pages_lead_both_ways(self, reviewer):
        for n in range(25):
            make_pair(instruction=f"天地玄黄{n}", status="pending" if n % 2 else "drafting")
        tasks.index_pairs()
        client = api_of(reviewer)
        want = list(Pair.objects.filter(status="pending").order_by("pk").values_list("pk", flat=True))
        first = client.get("/api/v1/pairs/", {"search": "玄黄", "status": "pending", "page_size": 5}).json()
        second = client.get(first["next"]).json()
        assert [row["id"] for row in first["results"] + second["results"]] == want[:10]
        assert first["previous"] is None
        back = client.get(second["previous"]).json()
        assert (back["results"], back["previous"]) == (first["results"], None)
        third = client.get(second["next"]).json()
        assert ([row["id"] for row in third["results"]], third["next"]) == (want[10:], None)

    def test_the_answer_says_how_far_the_index_is(self, reviewer, lead):
        for n in range(15):
            make_pair(instruction=f"天地玄黄{n}")
        indexing.index_new(PAIRS)
        told = api_of(reviewer).get("/api/v1/pairs/?search=玄黄").json()["search"]["index"]
        assert told == {"is_caught_up": False, "percent": 0, "is_paused": False}, "how many there are in all, leads are told"
        said = api_of(lead).get("/api/v1/pairs/?search=玄黄").json()["search"]
        assert (said["is_cut"], said["index"]["is_caught_up"], said["index"]["percent"], said["index"]["long"]) == (False, False, 0, 15)
        tasks.index_pairs()
        state = api_of(lead).get("/api/v1/pairs/index/").json()
        assert (state["is_caught_up"], state["percent"], state["rows"], state["long"]) == (True, 100, 15, 0)
        assert state["bytes"] > 0
        assert api_of(reviewer).get("/api/v1/pairs/index/").status_code == 403
        assert "search" not in api_of(reviewer).get("/api/v1/pairs/").json()

    @pytest.mark.parametrize("position", ["-1", "x", "9223372036854775808", "%00"])
    def test_a_cursor_that_was_tampered_with_names_no_place(self, reviewer, position):
        cursor = b64encode(f"p={position}".encode()).decode()
        assert api_of(reviewer).get(f"/api/v1/pairs/?search=冰水&cursor={cursor}").status_code == 404


def test_doctor_and_verify_tell_of_the_index(capsys):
    for n in range(15):
        make_pair(instruction=f"天地玄黄{n}")
    indexing.index_new(PAIRS)
    call_command("doctor")
    assert "pairs 0 %" in capsys.readouterr().out
    tasks.index_pairs()
    indexing.catch_up(indexing.POSTS)
    call_command("doctor")
    assert "Everything can be searched" in capsys.readouterr().out
    Pair.objects.update(task_type={})  # no text: nothing to write down
    assert not SearchChange.objects.exists()
    SearchSegment.objects.filter(kind="pairs").update(first=0, rows=1, last=0)
    with pytest.raises(SystemExit):
        call_command("verify")
    assert f"search of pairs: {Pair.objects.first().pk} is in no segment" in capsys.readouterr().out
