"""The review page as plain forms with redirects, and as the pieces that its own script asks for."""

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotation import reviewing
from annotation.desk import fate, queues
from annotation.models import Assignment, Pair, Review, Skip
from sources.models import Post
from tests.builders import make_draft, make_pair, make_post, make_source

pytestmark = pytest.mark.django_db
PAGE, DECIDE, SKIP, UNDO = (reverse(f"annotation:{name}") for name in ("review", "decide", "skip", "undo"))
FETCH = {"HTTP_X_REQUESTED_WITH": "fetch"}


@pytest.fixture
def desk(client, reviewer):
    """A signed-in reviewer with three items to review."""
    source = make_source("ruozhiba", name="弱智吧", platform="tieba", instruction_templates=["{title}"])
    for n in range(3):
        make_draft(make_pair(source, output=f"保的是冰水的温。第 {n} 稿。"))
    client.force_login(reviewer)
    return source


def fields(html: str) -> dict[str, str]:
    """What a browser without scripts would send with the decision."""
    html = html[html.index('id="decision"') :].split("</template>")[0]  # of an answer to the script: its first item
    form = html
    sent = dict(
        re.findall(
            r'<input type="hidden" name="(pair|assignment|token|op_id|draft|version|seq|source)" value="([^"]*)"',
            form[: form.index("</form>")],
        )
    )
    for name, text in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', html, re.DOTALL):
        sent[name] = text.replace("\n", "\r\n")
    return sent


def opened(client, url=PAGE) -> dict[str, str]:
    return fields(client.get(url).content.decode())


def test_the_page_shows_one_item_with_all_that_decides_it(client, desk):
    html = client.get(PAGE).content.decode()
    seat = Assignment.objects.get()
    assert f"#{seat.pair_id}" in html
    assert seat.pair.instruction in html
    assert "保的是冰水的温。" in html
    assert str(seat.token) in html


def test_a_reload_shows_the_same_item(client, desk):
    assert opened(client)["pair"] == opened(client)["pair"]
    assert Assignment.objects.count() == 1


def test_accepting_without_scripts_redirects_to_the_next_item(client, desk):
    sent = opened(client)
    answer = client.post(DECIDE, sent | {"verdict": "accept"})
    assert answer.status_code == 302
    assert Review.objects.get().verdict == "accept"
    assert opened(client, answer.url)["pair"] != sent["pair"]


def test_accepting_with_the_script_brings_the_next_item_in_the_same_answer(client, desk):
    sent = opened(client)
    html = client.post(DECIDE, sent | {"verdict": "accept"}, **FETCH).content.decode()
    assert "<html" not in html
    assert fields(html)["pair"] != sent["pair"]
    assert Pair.objects.get(pk=sent["pair"]).status == "accepted"


def test_accepting_a_changed_text_is_an_edit(client, desk):
    sent = opened(client)
    client.post(DECIDE, sent | {"verdict": "accept", "output": "保的是\r\n你的温。", "seconds": "12.5"})
    made = Review.objects.get()
    assert (made.verdict, made.output, made.seconds) == ("edit", "保的是\n你的温。", 12.5)


def test_line_ends_of_the_browser_are_no_edit(client, desk):
    pair = make_pair(desk, output="一\r\n二\n三")
    make_draft(pair)
    sent = opened(client, f"{PAGE}?pair={pair.pk}")
    client.post(DECIDE, sent | {"verdict": "accept"})
    made = Review.objects.get()
    assert (made.verdict, made.output) == ("accept", "一\r\n二\n三")


def test_pressing_a_reason_rejects(client, desk):
    sent = opened(client)
    client.post(DECIDE, sent | {"reject": "boilerplate"})
    assert Review.objects.get().reasons == ["boilerplate"]
    assert Pair.objects.get(pk=sent["pair"]).status == "rejected"


def test_several_reasons_and_a_comment(client, desk):
    client.post(DECIDE, opened(client) | {"reject": ["duplicate", "other"], "comment": "和上一条一样"})
    made = Review.objects.get()
    assert (made.reasons, made.comment) == (["duplicate", "other"], "和上一条一样")


def test_a_rejection_for_another_reason_asks_for_words_and_keeps_the_text(client, desk):
    sent = opened(client)
    answer = client.post(DECIDE, sent | {"reject": "other", "output": "我改了一半"})
    assert answer.status_code == 400
    assert not Review.objects.exists()
    assert "我改了一半" in answer.content.decode()


def test_the_same_form_twice_is_one_decision(client, desk):
    sent = opened(client) | {"verdict": "accept"}
    assert client.post(DECIDE, sent, **FETCH).status_code == 200
    assert client.post(DECIDE, sent, **FETCH).status_code == 200
    assert Review.objects.count() == 1


def test_the_same_key_with_another_text_is_told_apart(client, desk):
    sent = opened(client) | {"verdict": "accept"}
    client.post(DECIDE, sent)
    answer = client.post(DECIDE, sent | {"output": "另一段"}, **FETCH)
    assert (answer.status_code, answer.json()["code"]) == (422, "saved")
    assert Review.objects.count() == 1


def test_a_lost_seat_is_told_and_nothing_is_saved(client, desk):
    sent = opened(client)
    Assignment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = client.post(DECIDE, sent | {"verdict": "accept"}, **FETCH)
    assert (answer.status_code, answer.json()["code"]) == (409, "lost")
    assert not Review.objects.exists()


def test_a_lost_seat_without_scripts_keeps_the_text_on_the_screen(client, desk):
    sent = opened(client)
    Assignment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = client.post(DECIDE, sent | {"verdict": "accept", "output": "写了很久的话"})
    assert answer.status_code == 409
    assert "写了很久的话" in answer.content.decode()


def test_somebody_elses_token_decides_nothing(client, desk, make_user):
    sent = opened(client)
    client.force_login(make_user("reviewer", "another"))
    assert client.post(DECIDE, sent | {"verdict": "accept"}, **FETCH).status_code == 409
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    "broken", [{"pair": "x"}, {"pair": "9" * 30}, {"token": "1"}, {"op_id": ""}, {"assignment": "-1"}, {"reject": "nonsense"}]
)
def test_a_broken_form_is_refused(client, desk, broken):
    answer = client.post(DECIDE, opened(client) | {"verdict": "accept"} | broken, **FETCH)
    assert answer.status_code in (400, 409)
    assert not Review.objects.exists()


def test_personal_data_locks_accepting(client, desk):
    pair = make_pair(desk, output="打 13812345678 问问")
    make_draft(pair)
    url = f"{PAGE}?pair={pair.pk}"
    assert 'id="blocked"' in client.get(url).content.decode()
    answer = client.post(DECIDE, opened(client, url) | {"verdict": "accept"}, **FETCH)
    assert answer.status_code == 400
    assert not Review.objects.exists()


def test_skipping_gives_the_seat_back_and_goes_on(client, desk, reviewer):
    sent = opened(client)
    html = client.post(SKIP, sent, **FETCH).content.decode()
    assert fields(html)["pair"] != sent["pair"]
    assert Skip.objects.get().pair_id == int(sent["pair"])


def test_undo_shows_the_item_again_with_the_edit_that_was_taken_back(client, desk):
    sent = opened(client)
    client.post(DECIDE, sent | {"verdict": "accept", "output": "我写的一段话"})
    made = Review.objects.get()
    html = client.post(UNDO, {"review": made.pk, "op_id": str(uuid.uuid4())}, **FETCH).content.decode()
    assert (fields(html)["pair"], fields(html)["output"]) == (sent["pair"], "我写的一段话")
    assert Pair.objects.get(pk=sent["pair"]).status == "pending"


def test_undo_twice_is_told(client, desk):
    client.post(DECIDE, opened(client) | {"verdict": "accept"})
    made = Review.objects.get()
    client.post(UNDO, {"review": made.pk, "op_id": str(uuid.uuid4())})
    assert client.post(UNDO, {"review": made.pk, "op_id": str(uuid.uuid4())}, **FETCH).status_code == 409
    assert client.post(UNDO, {"review": made.pk, "op_id": str(uuid.uuid4())}).status_code == 409


def test_renewing_gives_the_time_left(client, desk):
    sent = opened(client)
    Assignment.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert client.post(reverse("annotation:renew"), sent, **FETCH).json()["left"] > 800


def test_the_preview_shows_the_diff_and_the_checks_of_what_is_typed(client, desk):
    sent = opened(client) | {"output": "保的是热水的温。13812345678"}
    html = client.post(reverse("annotation:diff"), sent, **FETCH).content.decode()
    assert "<ins>" in html
    assert "<del>" in html
    assert "data-blocked" in html
    assert not Review.objects.exists()


def test_the_preview_of_somebody_elses_seat_is_not_found(client, desk, make_user):
    sent = opened(client)
    client.force_login(make_user("reviewer", "another"))
    assert client.post(reverse("annotation:diff"), sent, **FETCH).status_code == 404


def test_the_source_is_kept_through_the_loop(client, desk):
    other = make_source("zhihu")
    for _n in range(2):
        make_draft(make_pair(other))
    sent = opened(client, f"{PAGE}?source=zhihu")
    answer = client.post(DECIDE, sent | {"verdict": "accept"})
    assert answer.url == f"{PAGE}?source=zhihu"
    assert Pair.objects.get(pk=opened(client, answer.url)["pair"]).source == other


def test_a_finished_queue_says_so_and_points_to_the_others(client, desk):
    other = make_source("zhihu", name="知乎高赞")
    make_draft(make_pair(other))
    for _n in range(3):
        client.post(DECIDE, opened(client, f"{PAGE}?source=ruozhiba") | {"verdict": "accept"})
    html = client.get(f"{PAGE}?source=ruozhiba").content.decode()
    assert 'data-idle="done"' in html
    assert "?source=zhihu" in html


def test_pairs_of_posts_that_were_dropped_since_are_not_counted_as_work(client, desk, reviewer):
    pair = Pair.objects.pending().first()
    before = queues(reviewer)[0].left
    Post.objects.filter(pk=pair.post_id).update(status="dropped", drop_reason="too_short")
    assert queues(reviewer)[0].left == before - 1
    assert fate(reviewer)["waiting"] == before - 1


def test_before_the_first_post_an_admin_is_shown_the_way(client, admin, reviewer):
    client.force_login(reviewer)
    assert reverse("sources:list") not in client.get(PAGE).content.decode().split('data-idle="empty"')[1]
    client.force_login(admin)
    assert reverse("sources:list") in client.get(PAGE).content.decode().split('data-idle="empty"')[1]


def test_while_everything_is_being_drafted_the_page_says_so(client, reviewer):
    make_pair(make_source(), status="drafting")
    client.force_login(reviewer)
    assert 'data-idle="drafting"' in client.get(PAGE).content.decode()


@pytest.mark.parametrize("url", [PAGE, f"{PAGE}?source=nowhere"])
def test_viewers_and_strangers_do_not_get_in(client, viewer, desk, url):
    client.force_login(viewer)
    assert client.get(url).status_code == 403
    client.logout()
    assert client.get(url).status_code == 302


def test_a_source_of_others_does_not_exist(client, desk, make_user):
    desk.reviewers.add(make_user("reviewer", "chosen"))
    assert client.get(f"{PAGE}?source=ruozhiba").status_code == 404
    assert "弱智吧" not in client.get(PAGE).content.decode()


@pytest.mark.parametrize("name", ["decide", "skip", "undo", "renew", "diff", "keys"])
def test_nothing_is_decided_by_following_a_link(client, desk, name):
    assert client.get(reverse(f"annotation:{name}")).status_code == 405


def test_another_reviewers_decision_is_not_shown(client, desk, make_user):
    desk.reviews_wanted = 2
    desk.save()
    pair = make_pair(desk, reviews_wanted=2)
    make_draft(pair)
    first = make_user("reviewer", "first-of-two")
    seat = reviewing.claim(first, pair_id=pair.pk)
    reviewing.decide(
        pair.pk, by=first, assignment=seat.pk, token=seat.token, op_id=uuid.uuid4(), verdict="reject", instruction="", input="", output="",
        reasons=["other"], comment="别人的意见",
    )  # fmt: skip
    html = client.get(f"{PAGE}?pair={pair.pk}").content.decode()
    assert f"#{pair.pk}" in html
    assert "first-of-two" not in html
    assert "别人的意见" not in html


def test_the_drafts_of_the_demo_and_answers_of_people_are_named(client, desk):
    from annotation.models import ModelCall, PromptVersion

    pair = make_pair(desk)
    prompt = PromptVersion.objects.create(name="reply_0001", sha256="a" * 64, text="x")
    call = ModelCall.objects.create(pair=pair, prompt=prompt, key="k", state="done", model="demo", sent_at=timezone.now())
    make_draft(pair, call=call, model="demo")
    assert "演示稿" in client.get(f"{PAGE}?pair={pair.pk}").content.decode()
    assert "模型草稿" in client.get(f"{PAGE}?pair={pair.pk}").content.decode()
    Assignment.objects.all().delete()
    own = make_pair(desk)
    make_draft(own)
    html = client.get(f"{PAGE}?pair={own.pk}").content.decode()
    assert "真人原答" in html
    assert "演示稿" not in html


def test_hostile_posts_stay_text(client, desk):
    post = make_post(
        desk,
        title="<script>alert(1)</script>\u202e",
        body="<img src=x onerror=alert(2)>",
        author="<b>x",
        url="javascript:alert(3)",
        status="kept",
    )
    make_draft(make_pair(post=post, output="<svg onload=alert(4)>\n</textarea><script>alert(5)</script>", hint="<i>h</i>"))
    html = client.get(f"{PAGE}?pair={post.pairs.get().pk}").content.decode()
    for piece in ("<script>alert", "<img", "<svg onload", "javascript:alert", "<b>x", "<i>h"):
        assert piece not in html
    assert "U+202E" in html


@pytest.mark.parametrize("pair", ["999999", "x", "9" * 40, "-1"])
def test_an_item_that_cannot_be_had_is_no_end_of_the_queue(client, desk, pair):
    assert opened(client, f"{PAGE}?pair={pair}")["pair"]


def test_single_keys_can_be_switched_off_for_the_account(client, desk, reviewer):
    client.post(reverse("annotation:keys"), {"on": "0"})
    reviewer.refresh_from_db()
    assert reviewer.preferences["single_keys"] is False
    assert "checked" not in re.search(r'<input[^>]*id="single"[^>]*>', client.get(PAGE).content.decode())[0]


def test_the_next_item_costs_a_bounded_number_of_queries(client, desk, django_assert_max_num_queries):
    sent = opened(client)
    with django_assert_max_num_queries(60):
        client.post(DECIDE, sent | {"verdict": "accept"}, **FETCH)
