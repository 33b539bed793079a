"""Finding items, deciding on many, talking about one, and its history."""

import uuid

import pytest
from django.urls import reverse

from annotation import listing, talking
from annotation.models import Assignment, Mention, Pair, Review
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db
ITEMS, BULK, UNDO = (reverse(f"annotation:{name}") for name in ("items", "bulk", "undo_bulk"))


@pytest.fixture
def pairs(db):
    source = make_source("ruozhiba", name="弱智吧")
    made = [make_pair(source, instruction=f"第{n}问：影子会不会累", output=f"不会，第{n}条。") for n in range(4)]
    for pair in made:
        make_draft(pair)
    return made


@pytest.mark.parametrize(
    ("text", "number"), [("#2041", 2041), ("＃２０４１", 2041), (" 7 ", 7), ("七", None), ("", None), ("9" * 30, None)]
)
def test_a_number_is_a_number_in_any_width(text, number):
    assert listing.number_in(text) == number


def test_text_status_and_sort_narrow_the_list(client, pairs, reviewer):
    client.force_login(reviewer)
    html = client.get(ITEMS, {"search": "第2条", "status": "pending"}).content.decode()
    assert f"#{pairs[2].pk}<" in html
    assert f"#{pairs[1].pk}<" not in html
    assert "条目" in client.get(ITEMS, {"status": "nonsense", "page": "x", "sort": "password"}).content.decode()


def test_many_are_decided_at_once_and_taken_back_at_once(client, pairs, lead, make_user):
    other = make_user("reviewer", "other")
    taken = listing.claim(other, pair_id=pairs[0].pk)
    client.force_login(lead)
    batch = str(uuid.uuid4())
    sent = {"batch": batch, "pairs": [pair.pk for pair in pairs], "verdict": "reject", "reasons": ["duplicate"]}
    for _twice in range(2):
        html = client.post(BULK, sent).content.decode()
    assert "已驳回 3 条" in html
    assert Review.objects.count() == 3
    assert Assignment.objects.get(pk=taken.pk).review is None
    client.post(UNDO, {"batch": batch, "pairs": [pair.pk for pair in pairs]})
    assert Pair.objects.filter(status="pending").count() == 4
    assert list(Assignment.objects.values_list("reviewer", flat=True)) == [other.pk]


def test_deciding_on_many_is_for_leads(client, pairs, reviewer):
    client.force_login(reviewer)
    assert client.post(BULK, {"batch": str(uuid.uuid4()), "pairs": [pairs[0].pk], "verdict": "accept"}).status_code == 403
    assert not Review.objects.exists()


def test_names_in_a_comment_are_found_inside_chinese_and_only_where_they_may_see_it(pairs, reviewer, make_user, viewer):
    old, longer = make_user("reviewer", "老周"), make_user("reviewer", "老周子")
    said = "@老周子你看，还有@老周 和 @viewer"
    assert talking.named_in(said, pairs[0].source) == [longer, old]
    key = uuid.uuid4()
    for _twice in range(2):
        talking.comment(pairs[0], by=reviewer, text=said, op_id=key)
    assert Mention.objects.count() == 2
    pairs[0].source.reviewers.add(reviewer)
    assert talking.named_in(said, pairs[0].source) == []


def test_history_shows_others_and_models_only_after_ones_own_decision(client, pairs, reviewer, make_user):
    pair = pairs[0]
    Pair.objects.filter(pk=pair.pk).update(reviews_wanted=2)
    other = make_user("reviewer", "first-of-two")
    seat = listing.claim(other, pair_id=pair.pk)
    asked = {"verdict": "edit", "instruction": pair.instruction, "input": "", "output": "别人改的话"}
    listing.decide(pair.pk, by=other, assignment=seat.pk, token=seat.token, op_id=uuid.uuid4(), **asked)
    client.force_login(reviewer)
    url = reverse("annotation:history", args=[pair.pk])
    assert "别人改的话" not in client.get(url).content.decode()
    seat = listing.claim(reviewer, pair_id=pair.pk)
    asked |= {"verdict": "accept", "output": pair.output}
    listing.decide(pair.pk, by=reviewer, assignment=seat.pk, token=seat.token, op_id=uuid.uuid4(), **asked)
    html = client.get(url).content.decode()
    assert "first-of-two" in html
    assert "<ins>" in html
