"""Screens that compare posts: the outcome is that of the whole set, however it came in."""

import itertools
import threading

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEntry
from annotation.models import Assignment
from annotation.reviewing import claim
from sources import rescuing, screening
from sources.models import Apart, Post
from tests.builders import make_pair, make_post, make_review, make_run, make_source

pytestmark = pytest.mark.django_db
NEAR = [{"screen": "near_duplicate"}]
CUP = ["保温杯里装冰水，它该保谁的温？", "保溫杯裏裝冰水，它該保誰的溫😂", "保温杯里装了冰水，它该保谁的温"]


def posts(source, *texts_and_votes, **fields):
    run = make_run(source, created=len(texts_and_votes))
    return [
        make_post(source, run=run, row=row, title=title, content_hash=title[:64], votes=votes, **fields)
        for row, (title, votes) in enumerate(texts_and_votes, 1)
    ]


def fate(source):
    return [post.drop_reason or post.status for post in source.posts.order_by("id")]


def test_the_best_of_all_imports_survive_not_those_of_the_first():
    source = make_source(screens=[{"screen": "best", "count": 2}, {"screen": "length", "min": 2}])
    posts(source, ("甲一", 5), ("甲二", 3), ("甲", 99))
    screening.screen(source)
    assert fate(source) == ["kept", "kept", "too_short"]
    posts(source, ("甲三", 9), ("甲四", 4))
    screening.screen(source)
    assert fate(source) == ["kept", "not_among_best", "too_short", "kept", "not_among_best"]


def test_near_duplicates_across_sources_whichever_is_screened_first():
    for order in itertools.permutations(range(3)):
        sources = [make_source(screens=NEAR) for _ in CUP]
        found = [posts(source, (title, votes))[0] for source, title, votes in zip(sources, CUP, (1, 9, 4), strict=True)]
        for n in order:
            screening.screen(sources[n])
        for post in found:
            post.refresh_from_db()
        assert [post.drop_reason or post.status for post in found] == ["near_duplicate", "kept", "near_duplicate"], order
        assert {found[0].drop_value, found[2].drop_value} == {str(found[1].pk)}
        assert set(found[1].members.all()) == {found[0], found[2]}
        Post.objects.all().delete()


def test_a_source_that_does_not_ask_for_it_is_left_alone():
    one, other = make_source(screens=NEAR), make_source(screens=[])
    posts(other, (CUP[0], 1))
    posts(one, (CUP[1], 9))
    for source in (other, one):
        screening.screen(source)
    assert fate(other) == fate(one) == ["kept"]


def test_what_a_pair_was_made_of_or_a_person_rescued_stays_and_the_others_fall_to_it(admin):
    source = make_source(screens=NEAR)
    first, second = posts(source, (CUP[0], 1), (CUP[1], 9))
    screening.screen(source)
    first.refresh_from_db()
    rescuing.rescue_one(first, by=admin)
    make_pair(post=Post.objects.get(pk=second.pk))
    posts(source, (CUP[2], 50))
    screening.screen(source)
    assert fate(source) == ["kept", "kept", "near_duplicate"]


def test_masking_comes_before_everything_and_the_raw_row_stays():
    source = make_source(screens=[{"screen": "duplicate"}, {"screen": "personal_data"}])
    posts(source, ("找我 13812345678", 1), ("找我 13987654321", 1), raw={"title": "找我 13812345678"})
    screening.screen(source)
    first, second = source.posts.order_by("id")
    assert (first.title, first.raw) == ("找我 [手机号]", {"title": "找我 13812345678"})
    assert (second.status, second.drop_value) == ("dropped", str(first.pk))


def test_an_interrupted_comparison_is_made_up_for(monkeypatch):
    source = make_source(screens=NEAR)
    posts(source, *((title, 1) for title in CUP))
    with monkeypatch.context() as broken:
        broken.setattr(screening, "compare", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            screening.screen(source)
    assert fate(source) == ["new"] * 3
    screening.screen(source)
    assert fate(source) == ["kept", "near_duplicate", "near_duplicate"]


def test_rescreening_applies_the_screens_of_today_and_leaves_what_people_decided(admin, reviewer):
    source = make_source(screens=[{"screen": "votes", "min": 5}])
    low, high, reviewed, rescued, seated = posts(source, ("甲", 1), ("乙", 9), ("丙", 9), ("丁", 1), ("戊", 9))
    screening.screen(source)
    for post in (low, high, reviewed, rescued, seated):
        post.refresh_from_db()
    rescuing.rescue_one(rescued, by=admin)
    make_review(make_pair(post=reviewed), by=reviewer)
    Assignment.objects.create(
        pair=make_pair(post=seated), seat=1, reviewer=reviewer, expires_at=timezone.now() + timezone.timedelta(hours=1)
    )
    source.screens = [{"screen": "votes", "min": 0}, {"screen": "excludes", "pattern": "乙|丙|丁|戊"}]
    source.save()
    assert screening.rescreen(source, by=admin) == 2
    assert fate(source) == ["new", "new", "kept", "kept", "kept"]
    screening.screen(source)
    assert fate(source) == ["kept", "excluded", "kept", "kept", "kept"]
    assert Post.objects.get(pk=rescued.pk).rescued_by == admin
    assert AuditEntry.objects.get(action="source_rescreened").detail == {"posts": 2}


def test_a_pair_whose_post_fell_waits_and_comes_back_with_it(admin, reviewer):
    source = make_source(screens=[])
    (post,) = posts(source, ("甲", 9))
    screening.screen(source)
    post.refresh_from_db()
    pair = make_pair(post=post)
    for screens, offered in (([{"screen": "votes", "min": 10}], None), ([], pair)):
        source.screens = screens
        source.save()
        screening.rescreen(source, by=admin)
        screening.screen(source)
        seat = claim(reviewer, source=source)
        assert (seat and seat.pair) == offered


def test_a_post_that_was_reviewed_meanwhile_is_not_dropped(reviewer):
    source = make_source(screens=[{"screen": "votes", "min": 10}])
    (post,) = posts(source, ("甲", 9))
    make_review(make_pair(post=post), by=reviewer)
    screening.screen(source)
    assert fate(source) == ["kept"]


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_compare_as_one_does(monkeypatch):
    monkeypatch.setattr(screening, "BATCH", 7)
    texts = [(f"{CUP[n % 3]}{'甲乙丙丁戊己庚辛壬癸'[n % 10] * 6}", n % 13) for n in range(90)]
    screens = [{"screen": "near_duplicate", "across": False}, {"screen": "best", "count": 4}]
    alone, together = make_source(screens=screens), make_source(screens=screens)
    for source in (alone, together):
        posts(source, *texts)
    screening.screen(alone)

    def work():
        try:
            for _ in range(3):
                screening.screen(together)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fate(together) == fate(alone)
    assert 0 < fate(alone).count("kept") <= 4


@pytest.mark.django_db(transaction=True)
def test_one_worker_screens_a_source_at_a_time(admin):
    source = make_source()
    posts(source, ("甲", 1))
    outcome = []

    def work():
        try:
            outcome.append(screening.screen(source))
            with pytest.raises(screening.StaleState):
                screening.rescreen(source, by=admin)
        finally:
            connection.close()

    with screening.alone(source.pk):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert outcome == [0]
    assert screening.screen(source) == 1


def test_the_one_that_a_person_chose_stays_before_all_others_also_when_all_is_screened_again(admin):
    source = make_source(screens=NEAR)
    chosen, _best, _third = posts(source, (CUP[0], 1), (CUP[1], 9), (CUP[2], 4))
    Post.objects.filter(pk=chosen.pk).update(chosen_by=admin)
    screening.screen(source)
    assert fate(source) == ["kept", "near_duplicate", "near_duplicate"]
    posts(source, (CUP[2] + "？", 99))
    screening.rescreen(source, by=None)
    screening.screen(source)
    assert fate(source) == ["kept", "near_duplicate", "near_duplicate", "near_duplicate"]
    assert set(Post.objects.exclude(drop_value="").values_list("drop_value", flat=True)) == {str(chosen.pk)}


def test_posts_told_apart_are_in_no_cluster_together_and_the_others_go_with_the_one_that_is_more_like_them():
    source = make_source(screens=NEAR)
    one, other, like_other, _unlike = posts(
        source,
        ("保温杯里装冰水，它该保谁的温？", 9),
        ("保温壶里装冰水，它该保谁的温？", 7),
        ("保温壶里装冰水，它该保谁的温呢？", 1),
        ("电梯里装镜子，到底是怕谁看不见谁？", 1),
    )
    screening.screen(source)
    assert fate(source) == ["kept", "near_duplicate", "near_duplicate", "kept"]
    Apart.objects.create(one=one, other=other)
    screening.rescreen(source, by=None)
    screening.screen(source)
    assert fate(source) == ["kept", "kept", "near_duplicate", "kept"]
    like_other.refresh_from_db()
    assert like_other.cluster == other


def test_long_posts_can_be_told_apart_too():
    source = make_source(screens=NEAR)
    text = "".join(f"第{n}天我把闹钟拨快了{n * 7}分钟，醒来发现时间并没有变多。" for n in range(12))
    one, other = posts(source, (text, 2), ("后来" + text, 1))
    screening.screen(source)
    assert fate(source) == ["kept", "near_duplicate"]
    Apart.objects.create(one=one, other=other)
    screening.rescreen(source, by=None)
    screening.screen(source)
    assert fate(source) == ["kept", "kept"]
