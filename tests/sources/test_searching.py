"""Searching gives exactly the rows that hold a text, whatever the index has and has not reached, and within its time."""

import random

import pytest
from django.db import connection

from sources import grams, indexing, searching, segmenting
from sources.indexing import POSTS
from sources.models import Post, SearchChange, SearchSegment
from sources.searching import Search
from tests.builders import make_post, make_run, make_source

pytestmark = pytest.mark.django_db
LETTERS = "的一是不了人AbC %_"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Everything happens with some hundred rows that otherwise happens with a million."""
    monkeypatch.setattr(indexing, "FEW", 10)
    monkeypatch.setattr(searching, "CHANGES", 20)
    monkeypatch.setattr(indexing, "ROWS", 64)
    monkeypatch.setattr(segmenting, "CHUNK", 16)
    monkeypatch.setattr(segmenting.make, "__defaults__", (600,))
    monkeypatch.setattr(searching, "CHUNK", 8)
    monkeypatch.setattr(searching, "MOST", 32)
    monkeypatch.setattr(searching, "FIRST", 16)
    monkeypatch.setattr(searching, "WINDOW", 40)
    monkeypatch.setattr(searching, "SECONDS", 60)


def texts(rng, longest):
    return "".join(rng.choices(LETTERS, k=rng.randint(0, longest)))


def fill(rng, count, source=None):
    run = make_run(source or make_source(), created=count)
    posts = [
        Post(source=run.source, run=run, row=n, external_id=str(n), title=texts(rng, 6), body=texts(rng, 9), answer=texts(rng, 9))
        for n in range(count)
    ]
    return Post.objects.bulk_create(posts)


def find(text, rows=None, sources=None, outcome=None, **place):
    return searching.find(Search(POSTS, text, sources, outcome or {}), Post.objects.all() if rows is None else rows, **place)


def naive(text, posts=None):
    rows = Post.objects.all() if posts is None else posts
    text = grams.fold(text)
    return [post.pk for post in rows.order_by("pk") if any(text in grams.fold(getattr(post, name)) for name in Post.SEARCHED)]


def by_pages(text, limit=7, backwards=False):
    start = Post.objects.order_by("pk").values_list("pk", flat=True).first() or 1  # other tests have used up many ids
    found, place = [], {"before": 2**62} if backwards else {"after": start - 1}
    for _ in range(1000):
        page = find(text, limit=limit, **place)
        found += page.ids
        if page.reached is None:
            return found
        place = {"before" if backwards else "after": page.reached}
    raise AssertionError("no end")


def agree(rng, times=12):
    for _ in range(times):
        text = texts(rng, 4) or "人"
        want = naive(text)
        assert find(text, limit=10_000).ids == want, text
        assert by_pages(text, limit=rng.randint(3, 60)) == want, text
        assert by_pages(text, limit=rng.randint(3, 60), backwards=True) == want[::-1], text


def edit(rng, posts):
    for post in posts:
        Post.objects.filter(pk=post.pk).update(**{rng.choice(Post.SEARCHED): texts(rng, 8)})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_with_a_plain_filter_at_every_stage_of_the_index(seed):
    rng = random.Random(seed)
    posts = fill(rng, 150)
    agree(rng)
    indexing.catch_up(POSTS)
    assert SearchSegment.objects.filter(is_whole=True).exists()
    agree(rng)
    edit(rng, rng.sample(posts, 8))  # few: looked at one by one
    assert SearchChange.objects.count() > 0
    Post.objects.filter(pk__in=[post.pk for post in rng.sample(posts, 20)]).delete()
    agree(rng)
    edit(rng, rng.sample(posts, 60))  # many: indexed again
    fill(rng, 70)
    indexing.catch_up(POSTS)
    assert SearchChange.objects.count() < indexing.FEW
    agree(rng)
    while indexing.merge(POSTS):
        agree(rng, 4)
    assert indexing.progress(POSTS).is_caught_up


def test_titles_are_found_before_the_background_has_come_by_and_bodies_after_that():
    rng = random.Random(1)
    posts = fill(rng, 100)
    Post.objects.filter(pk=posts[3].pk).update(title="天地玄黄")
    Post.objects.filter(pk=posts[5].pk).update(body="天地玄黄")
    SearchChange.objects.all().delete()
    indexing.index_new(POSTS)
    assert find("地玄").ids == [posts[3].pk]
    before = indexing.progress(POSTS)
    assert (before.is_caught_up, before.long, before.percent) == (False, 100, 0)
    indexing.catch_up(POSTS)
    assert find("地玄").ids == [posts[3].pk, posts[5].pk]
    assert (indexing.progress(POSTS).is_caught_up, indexing.progress(POSTS).percent) == (True, 100)


@pytest.mark.parametrize(
    ("text", "found"),
    [("50%", {"percent"}), ("%", {"percent"}), ("a_b", {"score"}), ("A_B", {"score"}), ("PYTHON", {"latin"}), ("python", {"latin"}),
     ("\\", {"slash"}), ("一\\二", {"slash"}), ("'", set()), ("é", {"latin"}), ("É", set()), ("不在", set()), ("一", {"slash"})],
)  # fmt: skip
@pytest.mark.parametrize("is_indexed", [False, True])
def test_what_is_searched_for_is_taken_letter_by_letter(text, found, is_indexed):
    titles = {"percent": "涨了50%", "score": "a_b", "plain": "axb 50", "latin": "学Python和é", "slash": "一\\二"}
    posts = {name: make_post(title=title).pk for name, title in titles.items()}
    fill(random.Random(1), 30)
    Post.objects.exclude(pk__in=posts.values()).update(title="", body="", answer="")
    if is_indexed:
        indexing.catch_up(POSTS)
        assert SearchSegment.objects.exists()
    assert set(find(text).ids) == {posts[name] for name in found}


@pytest.mark.slow
def test_filters_and_sources_hold():
    rng = random.Random(2)
    here, there = make_source(), make_source()
    fill(rng, 80, here)
    fill(rng, 80, there)
    Post.objects.filter(pk__in=[post.pk for post in Post.objects.filter(source=there)[::3]]).update(
        status="dropped", drop_reason="too_short"
    )
    indexing.catch_up(POSTS)
    for text in ("人", "的一", "不了", "Ab"):
        for outcome in ({}, {"status": "dropped"}, {"status": "dropped", "drop_reason": "too_short"}, {"status": "kept"}):
            rows = Post.objects.filter(source=there)
            want = naive(text, rows.filter(**outcome))
            for sources in (None, [there.pk]):
                assert find(text, rows, sources, outcome, limit=500).ids == want
                assert find(text, rows, sources, outcome, limit=500, before=2**62).ids == want[::-1]
            assert find(text, rows, [here.pk], outcome, limit=500).ids == []


def test_a_post_that_is_given_to_another_source_is_found_there():
    rng = random.Random(2)
    posts, other = fill(rng, 40), make_source()
    indexing.catch_up(POSTS)
    Post.objects.filter(pk=posts[0].pk).update(source=other, run=make_run(other, created=1), title="天地玄黄")
    assert find("天地", sources=[other.pk]).ids == [posts[0].pk]


def test_when_the_time_is_over_a_page_says_where_to_go_on(monkeypatch):
    fill(random.Random(3), 150)
    monkeypatch.setattr(searching, "SECONDS", 0)
    found = find("不存在")
    assert (found.ids, found.is_cut) == ([], True)
    assert found.reached < Post.objects.last().pk
    for text in ("人", "的一", "不存在"):
        assert by_pages(text, limit=1_000) == naive(text)


def test_pages_lead_forwards_and_back():
    fill(random.Random(4), 120)
    indexing.catch_up(POSTS)
    want = naive("人")
    first = searching.page(Search(POSTS, "人"), Post.objects.all(), limit=10)
    assert ([post.pk for post in first.rows], first.before) == (want[:10], None)
    second = searching.page(Search(POSTS, "人"), Post.objects.all(), limit=10, after=first.after)
    assert [post.pk for post in second.rows] == want[10:20]
    back = searching.page(Search(POSTS, "人"), Post.objects.all(), limit=10, before=second.before)
    assert ([post.pk for post in back.rows], back.before) == (want[:10], None)
    again = searching.page(Search(POSTS, "人"), Post.objects.all(), limit=10, after=back.after)
    assert [post.pk for post in again.rows] == want[10:20]


def test_a_segment_that_is_replaced_while_it_is_read_is_read_again(monkeypatch):
    fill(random.Random(5), 100)
    indexing.catch_up(POSTS)
    want, pages, done = naive("的一"), searching.pages_of, []

    def replaced(parts, wanted):
        if not done:
            done.append(1)
            old = SearchSegment.objects.first()
            made = segmenting.make(POSTS, segmenting.between(POSTS, old.first - 1, old.last, POSTS.fields), 10**9)
            segmenting.drop([old.pk])
            segmenting.write(POSTS, made, is_whole=True)
        return pages(parts, wanted)

    monkeypatch.setattr(searching, "pages_of", replaced)
    assert find("的一", limit=500).ids == want
    assert done


def test_the_database_folds_letters_as_the_index_does():
    every = "".join(chr(n) for n in range(1, 0x250)) + "ＡａİıſK"
    with connection.cursor() as cursor:
        cursor.execute('SELECT lower(%s COLLATE "C")', [every])
        assert cursor.fetchone()[0] == grams.fold(every)
