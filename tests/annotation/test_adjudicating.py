"""Disputes: what reviewers did not agree on, and a lead's last word. By function, page and API."""

import uuid

import pytest
from django.urls import reverse

from annotation.adjudicating import adjudicate, disputed, versions
from annotation.folding import texts_of
from annotation.models import Pair, Review
from annotation.reviewing import BadDecision, CannotUndo, SameKeyOtherBody, Stale, claim, decide, inconsistent_pairs, undo
from tests.builders import make_draft, make_pair, make_source

pytestmark = pytest.mark.django_db
EDITED = "换个说法：它保的是冰水的温。"


@pytest.fixture(autouse=True)
def the_log_agrees():
    yield
    assert list(inconsistent_pairs()) == []


def submit(person, pair, verdict="accept", **changes):
    seat = claim(person, pair_id=pair.pk)
    asked = {**texts_of(seat.pair), "op_id": uuid.uuid4(), "reasons": ["off_topic"] if verdict == "reject" else [], **changes}
    return decide(pair.pk, by=person, assignment=seat.pk, token=seat.token, verdict=verdict, **asked)


@pytest.fixture
def one(make_user):
    return make_user("reviewer", "xiaoli")


@pytest.fixture
def two(make_user):
    return make_user("reviewer", "ahua")


@pytest.fixture
def pair(db):
    pair = make_pair(make_source("ruozhiba"), reviews_wanted=2)
    make_draft(pair)
    return pair


@pytest.fixture
def dispute(pair, one, two):
    """One has edited it, the other rejects it."""
    edit = submit(one, pair, "edit", output=EDITED, task_type={"major": ["脑筋急转弯"], "minor": []})
    reject = submit(two, pair, "reject", comment="答非所问")
    pair.refresh_from_db()
    assert pair.status == "disputed"
    return edit, reject


def rule(pair, lead, choice, **changes):
    made = adjudicate(pair.pk, by=lead, **{"op_id": uuid.uuid4(), "choice": choice, **changes})
    pair.refresh_from_db()
    return made


def test_a_version_is_taken_with_texts_and_labels(pair, dispute, lead):
    made = rule(pair, lead, "take", review=dispute[0].pk)
    assert (made.verdict, made.by, made.draft) == ("edit", lead, dispute[0].draft)
    assert (pair.status, pair.output, pair.decision) == ("accepted", EDITED, made)
    assert pair.task_type == {"major": ["脑筋急转弯"], "minor": []}
    assert not disputed(lead).exists()


def test_a_rejection_is_taken_with_its_reasons(pair, dispute, lead):
    made = rule(pair, lead, "take", review=dispute[1].pk)
    assert (made.verdict, made.reasons, made.comment) == ("reject", ["off_topic"], "答非所问")
    assert (pair.status, pair.decision) == ("rejected", made)


def test_a_text_of_ones_own_is_an_edit_and_that_of_the_draft_an_acceptance(pair, dispute, lead):
    draft = texts_of(pair)
    made = rule(pair, lead, "edit", texts=draft | {"output": "第三种说法。"}, review=dispute[0].pk)
    assert (made.verdict, pair.output) == ("edit", "第三种说法。")
    undo(made.pk, by=lead, op_id=uuid.uuid4())
    pair.refresh_from_db()
    made = rule(pair, lead, "edit", texts=draft)
    assert (made.verdict, texts_of(pair)) == ("accept", draft)


def test_undo_makes_it_a_dispute_again_to_the_byte(pair, dispute, lead, one):
    before = texts_of(pair)
    made = rule(pair, lead, "take", review=dispute[0].pk)
    with pytest.raises(CannotUndo):
        undo(dispute[0].pk, by=one, op_id=uuid.uuid4())
    undo(made.pk, by=lead, op_id=uuid.uuid4())
    pair.refresh_from_db()
    assert (pair.status, pair.decision, texts_of(pair)) == ("disputed", None, before)
    assert [version.review for version in versions(pair)] == sorted(dispute, key=[v.review for v in versions(pair)].index)


def test_the_last_word_is_said_once(pair, dispute, lead, admin):
    key = uuid.uuid4()
    made = [rule(pair, lead, "take", review=dispute[0].pk, op_id=key) for _twice in range(2)]
    assert made[0] == made[1]
    with pytest.raises(SameKeyOtherBody):
        rule(pair, lead, "take", review=dispute[1].pk, op_id=key)
    with pytest.raises(Stale) as refused:
        rule(pair, admin, "take", review=dispute[1].pk)
    assert refused.value.code == "decided_since"
    assert Review.objects.count() == 3


@pytest.mark.parametrize(
    ("choice", "asked", "code"),
    [
        ("take", {}, "version_unknown"),
        ("take", {"review": 10**9}, "version_unknown"),
        ("shrug", {}, "version_unknown"),
        ("reject", {}, "reasons_missing"),
        ("edit", {"texts": {"instruction": "问", "output": " "}}, "empty"),
    ],
)
def test_what_is_no_decision_is_refused(pair, dispute, lead, choice, asked, code):
    with pytest.raises(BadDecision) as refused:
        rule(pair, lead, choice, **asked)
    assert refused.value.code == code
    assert Pair.objects.get(pk=pair.pk).status == "disputed"


def test_a_dispute_that_was_left_meanwhile_is_not_decided(pair, dispute, lead, two):
    undo(dispute[1].pk, by=two, op_id=uuid.uuid4())
    with pytest.raises(Stale):
        rule(pair, lead, "take", review=dispute[0].pk)


# --- the page -----------------------------------------------------------------------------------------------------------


def page(pair):
    return reverse("annotation:adjudicate", args=[pair.pk])


def test_names_are_told_after_the_decision_or_when_the_source_wants(client, pair, dispute, lead):
    client.force_login(lead)
    html = client.get(page(pair)).content.decode()
    assert "换个说法" in html
    assert "答非所问" in html
    assert "xiaoli" not in html
    answer = client.post(page(pair), {"op_id": uuid.uuid4(), "take": dispute[0].pk, "version": pair.version}, follow=True)
    assert "xiaoli" in answer.content.decode()
    undone = client.post(reverse("annotation:undo_adjudication"), {"review": Review.objects.last().pk, "op_id": uuid.uuid4()}, follow=True)
    assert "xiaoli" not in undone.content.decode()
    pair.source.names_shown = True
    pair.source.save()
    assert "xiaoli" in client.get(page(pair)).content.decode()


def test_versions_are_compared_with_the_draft_and_with_each_other(client, pair, lead, one, two):
    submit(one, pair, "edit", output="保的是冰水的冷。")
    submit(two, pair, "edit", output="保的是冰水的凉。")
    client.force_login(lead)
    to_draft = client.get(page(pair)).content.decode()
    to_a = client.get(page(pair), {"against": "A"}).content.decode()
    assert to_draft.count("<del>温</del>") == 2
    assert to_a.count("<del>") == 1
    assert "<ins>" not in client.get(page(pair), {"against": "none"}).content.decode()


def test_what_was_typed_stays_when_somebody_else_was_faster(client, pair, dispute, lead, admin):
    client.force_login(lead)
    rule(pair, admin, "take", review=dispute[1].pk)
    sent = {"op_id": uuid.uuid4(), "choice": "edit", "instruction": pair.instruction, "output": "写了很久的话"}
    answer = client.post(page(pair), sent)
    assert answer.status_code == 409
    assert "不再有分歧" in answer.content.decode()
    assert "写了很久的话</textarea>" in answer.content.decode()


def test_a_refused_text_is_still_in_the_editor(client, pair, dispute, lead):
    client.force_login(lead)
    sent = {"op_id": uuid.uuid4(), "choice": "edit", "instruction": "", "output": "写了很久的话", "version": pair.version}
    answer = client.post(page(pair), sent)
    assert answer.status_code == 400
    assert "写了很久的话</textarea>" in answer.content.decode()


def test_disputes_are_for_leads(client, pair, dispute, reviewer, lead):
    client.force_login(reviewer)
    assert client.get(page(pair)).status_code == 403
    assert client.get(reverse("annotation:disputed")).status_code == 403
    client.force_login(lead)
    assert page(pair) in client.get(reverse("annotation:disputed")).content.decode()
    assert reverse("annotation:disputed") in client.get(reverse("annotation:review")).content.decode()


# --- the API ------------------------------------------------------------------------------------------------------------


def test_the_api_shows_versions_and_takes_the_last_word(client, pair, dispute, lead, reviewer):
    client.force_login(lead)
    shown = client.get(f"/api/v1/pairs/{pair.pk}/dispute/").json()
    assert {(one["review"], one["verdict"], one["by"]) for one in shown} == {(dispute[0].pk, "edit", ""), (dispute[1].pk, "reject", "")}
    url, key = f"/api/v1/pairs/{pair.pk}/adjudication/", {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    asked = {"choice": "take", "review": dispute[0].pk}
    made = [client.post(url, asked, "application/json", **key) for _twice in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    again = client.post(url, asked, "application/json", HTTP_IDEMPOTENCY_KEY=str(uuid.uuid4()))
    assert (again.status_code, again.json()["code"]) == (409, "decided_since")
    assert {one["by"] for one in client.get(f"/api/v1/pairs/{pair.pk}/dispute/").json()} == {"xiaoli", "ahua"}
    client.force_login(reviewer)
    assert client.get(f"/api/v1/pairs/{pair.pk}/dispute/").status_code == 403


def test_the_api_takes_the_last_word_back_for_whoever_had_it(client, pair, dispute, lead, make_user):
    client.force_login(lead)
    asked = {"choice": "take", "review": dispute[0].pk}
    url, key = f"/api/v1/pairs/{pair.pk}/adjudication/", {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    undo = f"/api/v1/reviews/{client.post(url, asked, 'application/json', **key).json()['id']}/undo/"
    client.force_login(make_user("lead", "other"))
    assert client.post(undo).status_code == 404
    client.force_login(lead)
    assert [client.post(undo).status_code for _twice in range(2)] == [201, 201]
    pair.refresh_from_db()
    assert pair.status == "disputed"
