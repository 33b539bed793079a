import threading

import pytest
from django.db import connection

from accounts.models import AuditEntry
from sources import rescuing, screening
from sources.models import Post
from sources.screens import BadScreen
from tests.builders import make_post, make_run, make_source

pytestmark = pytest.mark.django_db
SCREENS = [{"screen": "duplicate"}, {"screen": "length", "min": 2}, {"screen": "votes", "min": 10}]


def posts(source, *titles, **fields):
    run = make_run(source, created=len(titles))
    return [make_post(source, run=run, row=row, title=title, content_hash=title, **fields) for row, title in enumerate(titles, 1)]


def verdicts(source):
    return [(post.status, post.drop_reason, post.drop_value) for post in source.posts.order_by("id")]


def test_each_post_is_kept_or_dropped_with_its_reason_and_value():
    source = make_source(screens=SCREENS)
    first, *_ = posts(source, "甲乙", "丙", "甲乙", votes=10)
    posts(source, "丁戊", votes=9)
    assert screening.screen(source) == 4
    assert verdicts(source) == [
        ("kept", "", ""),
        ("dropped", "too_short", "1"),
        ("dropped", "duplicate", str(first.pk)),
        ("dropped", "too_few_votes", "9"),
    ]


def test_without_screens_everything_is_kept_and_a_second_time_changes_nothing():
    source = make_source(screens=[])
    posts(source, "甲", "甲")
    assert (screening.screen(source), screening.screen(source)) == (2, 0)
    assert verdicts(source) == [("kept", "", "")] * 2


def test_a_text_that_fell_for_its_votes_does_not_take_its_better_copy_with_it():
    source = make_source(screens=SCREENS)
    posts(source, "甲乙", votes=1)
    posts(source, "甲乙", "甲乙", votes=20)
    screening.screen(source)
    assert [status for status, *_ in verdicts(source)] == ["dropped", "kept", "dropped"]


def test_the_same_text_in_another_source_or_an_earlier_import():
    one, other = make_source(screens=SCREENS), make_source(screens=SCREENS)
    for source in (one, other):
        posts(source, "甲乙")
        screening.screen(source)
    posts(one, "甲乙")
    screening.screen(one)
    assert [status for status, *_ in verdicts(one)] == ["kept", "dropped"]
    assert [status for status, *_ in verdicts(other)] == ["kept"]


def test_only_the_posts_of_the_source_are_decided():
    source, other = make_source(), make_source()
    posts(other, "甲")
    assert screening.screen(source) == 0
    assert verdicts(other) == [("new", "", "")]


def test_settings_that_no_screen_knows_decide_nothing():
    source = make_source(screens=[{"screen": "lenght"}])
    posts(source, "甲")
    with pytest.raises(BadScreen):
        screening.screen(source)
    assert verdicts(source) == [("new", "", "")]


def test_an_admin_rescues_a_dropped_post_once(admin):
    (post,) = posts(make_source(screens=SCREENS), "甲")
    screening.screen(post.source)
    post.refresh_from_db()
    rescuing.rescue_one(post, by=admin)
    stored = Post.objects.get(pk=post.pk)
    assert (stored.status, stored.drop_reason, stored.rescued_by) == ("kept", "", admin)
    entry = AuditEntry.objects.get(action="posts_rescued")
    assert (entry.by, entry.detail["posts"], entry.detail["reasons"]) == (admin, [post.pk], {"too_short": 1})
    with pytest.raises(screening.StaleState):
        rescuing.rescue_one(post, by=admin)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("status", ["new", "kept"])
def test_a_post_that_is_not_dropped_cannot_be_rescued(status, admin):
    post = make_post(status=status)
    with pytest.raises(screening.StaleState):
        rescuing.rescue_one(post, by=admin)
    post.refresh_from_db()
    assert (post.status, post.rescued_by) == (status, None)


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_decide_as_one_does(monkeypatch):
    monkeypatch.setattr(screening, "BATCH", 7)
    titles = [f"题{n % 40}" if n % 5 else "短" for n in range(150)]
    alone, together = make_source(screens=SCREENS), make_source(screens=SCREENS)
    for source in (alone, together):
        posts(source, *titles)
    screening.screen(alone)
    done = []

    def work():
        try:
            done.append(screening.screen(together))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 150
    survivors = [list(source.posts.filter(status="kept").values_list("row", flat=True)) for source in (alone, together)]
    assert survivors[0] == survivors[1]
    assert [v[:2] for v in verdicts(alone)] == [v[:2] for v in verdicts(together)]
    assert {v[1] for v in verdicts(alone)} == {"", "duplicate", "too_short"}


def test_what_screens_edited_is_as_it_was_found_once_they_are_switched_off():
    title, body = "加我微信号：zhumo_2026，手机 13812345678。", "<b>粗</b>的 &amp; 說"
    screens = [{"screen": "personal_data"}, {"screen": "residue", "clean": True}, {"screen": "language", "convert": True, "no_mix": False}]
    source = make_source(screens=screens)
    (post,) = posts(source, title, body=body)
    found = {"title": post.title, "body": post.body, "answer": post.answer, "content_hash": post.content_hash}
    screening.screen(source)
    post.refresh_from_db()
    assert (post.title, post.body) == ("加我微信号：[微信号]，手机 [手机号]。", "粗的 & 说")
    assert post.original == found
    for _ in range(2):  # also when it is edited a second time
        screening.rescreen(source, by=None)
        screening.screen(source)
        post.refresh_from_db()
        assert post.original == found
    source.screens = [{**screen, "off": True} for screen in screens]
    source.save()
    screening.rescreen(source, by=None)
    screening.screen(source)
    post.refresh_from_db()
    assert {name: getattr(post, name) for name in found} == found
    assert post.original is None
