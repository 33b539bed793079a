"""Posts that wait for a score get one from a model, and are screened again; nothing else follows from it."""

from decimal import Decimal

import pytest

from annotation import scoring
from annotation.draft_terms import Refused
from annotation.models import ModelCall, Pair
from sources.models import Post, Score
from sources.screening import screen
from tests.annotation.provider import reply
from tests.annotation.test_drafting import work
from tests.builders import make_draft, make_pair, make_post, make_source

pytestmark = pytest.mark.django_db(transaction=True)


def said(score) -> dict:
    return reply(f'{{"score": {score}, "reason": "一句话。"}}', model="judge-1")


@pytest.fixture
def source():
    source = make_source(reply="source", screens=[{"screen": "votes", "min": 5}, {"screen": "score", "min": 8}])
    for n in range(3):
        make_post(source, title=f"问题{n}", answer=f"回答{n}", votes=10)
    make_post(source, title="没人赞同", answer="回答", votes=1)
    screen(source)
    return source


def stands(source):
    return sorted(source.posts.values_list("status", "drop_reason", "drop_value"))


def test_posts_that_pass_all_else_wait_for_their_score_and_no_pair_is_made_of_them(source):
    assert stands(source) == [("dropped", "too_few_votes", "1"), *[("dropped", "unscored", "")] * 3]
    assert scoring.to_judge(source).count() == 3


def test_a_score_keeps_or_drops_a_post_and_accepts_nothing(provider, admin, source):
    provider.script = [said(8), said(7.5), said(10)]
    run = work(scoring.order_scores(source, by=admin))
    assert (run.state, run.purpose, len(provider.seen)) == ("succeeded", "score", 3)
    assert sorted(Score.objects.values_list("value", "judge")) == [(Decimal("7.5"), "judge-1"), (8, "judge-1"), (10, "judge-1")]
    screen(source)
    assert stands(source) == [("dropped", "low_score", "7.5"), ("dropped", "too_few_votes", "1"), *[("kept", "", "")] * 2]
    assert not Pair.objects.exists()
    with pytest.raises(Refused):
        scoring.order_scores(source, by=admin)


def test_the_judge_is_told_the_post_and_its_answer_and_nothing_about_who_wrote_them(provider, admin, source):
    provider.default = said(8)
    work(scoring.order_scores(source, by=admin, limit=1))
    [body] = provider.seen
    assert '{"title": "问题0", "answer": "回答0"}' in body["messages"][1]["content"]
    assert body["temperature"] == 0


def test_a_reply_that_is_no_score_leaves_the_post_waiting_and_can_be_asked_again(provider, admin, source):
    provider.default = reply('好的，我给 10 分。{"score": 10}')
    work(scoring.order_scores(source, by=admin, limit=1))
    assert (Score.objects.count(), ModelCall.objects.get().outcome) == (0, "unparseable")
    screen(source)
    assert Post.objects.filter(drop_reason="unscored").count() == 3
    provider.default = said(9)
    work(scoring.order_scores(source, by=admin, limit=1))
    assert [call.sample for call in ModelCall.objects.order_by("id")] == [0, 1]
    assert Score.objects.get().value == 9


def test_a_later_score_takes_the_place_of_an_earlier_one(provider, admin, source):
    from sources.scoring import record

    post = source.posts.first()
    record({post.pk: (Decimal("9"), "a")})
    record({post.pk: (Decimal("3.5"), "b")})
    screen(source)
    post.refresh_from_db()
    assert (post.status, post.drop_reason, post.score.judge) == ("dropped", "low_score", "b")


def test_a_judge_of_the_drafters_family_is_marked(provider, admin, source):
    provider.default = said(8)
    work(scoring.order_scores(source, by=admin, limit=1))
    post = ModelCall.objects.get().post
    assert [(each.score, each.reason, each.is_kin) for each in scoring.judgements(post)] == [(8, "一句话。", False)]
    call = ModelCall.objects.get()
    pair = make_pair(post=post)
    twin = ModelCall.objects.create(
        pair=pair, prompt=call.prompt, key="k", state="done", outcome="ok", model="judge-1", sent_at=call.sent_at
    )
    make_draft(pair, call=twin, model="judge-1")
    assert scoring.judgements(post)[0].is_kin


def test_scores_are_ordered_by_api(provider, admin, source):
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_authenticate(admin)
    url = f"/api/v1/sources/{source.slug}/score-runs/"
    assert client.post(url, {"dry_run": True}, format="json").json()["estimate"]["calls"] == 3
    answer = client.post(url, {"limit": 2}, format="json")
    assert (answer.status_code, answer.json()["purpose"], answer.json()["counts"]["queued"]) == (202, "score", 2)
