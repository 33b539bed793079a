"""The index is made while others write, edit, delete and import, and by more than one at a time."""

import io
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from sources import importing, indexing, search_checks, searching, segmenting, tasks
from sources.indexing import POSTS, catch_up, index_new, progress
from sources.models import Post, SearchChange, SearchIndex, SearchPage, SearchSegment
from sources.searching import Search, find
from tests.builders import make_run, make_source


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(indexing, "FEW", 10)
    monkeypatch.setattr(segmenting, "CHUNK", 16)


def fill(count, run=None, title="天地玄黄", **fields):
    run = run or make_run(make_source(), created=count)
    begin = run.posts.count()
    rows = range(begin, begin + count)
    return Post.objects.bulk_create(
        [Post(source=run.source, run=run, row=n, external_id=str(n), title=f"{title}{n}", content_hash=str(n), **fields) for n in rows]
    )


def found(text):
    return find(Search(POSTS, text), Post.objects.all(), limit=500).ids


@pytest.mark.django_db
class TestWhatIsIndexed:
    def test_few_rows_are_left_to_the_reader(self):
        fill(9)
        assert (index_new(POSTS), SearchSegment.objects.count(), progress(POSTS).is_caught_up) == (0, 0, True)
        assert len(found("玄黄")) == 9

    def test_a_segment_follows_the_other_and_the_background_deepens_them(self, monkeypatch):
        monkeypatch.setattr(indexing, "ROWS", 20)
        posts = fill(50, body="日月盈昃")
        beats = []
        assert index_new(POSTS, lambda: beats.append(1)) == 50
        assert (SearchSegment.objects.filter(is_whole=False).count(), len(beats)) == (3, 3)
        assert SearchIndex.objects.get(kind="posts").settled == posts[-1].pk
        assert (len(found("玄黄")), found("盈昃")) == (50, [])
        assert catch_up(POSTS) is False
        assert not SearchSegment.objects.filter(is_whole=False).exists()
        assert not SearchPage.objects.exclude(segment__in=SearchSegment.objects.all()).exists()
        assert len(found("盈昃")) == 50

    def test_a_segment_too_large_is_deepened_piece_by_piece_and_may_be_left_in_between(self, monkeypatch):
        monkeypatch.setattr(segmenting.make, "__defaults__", (200,))
        fill(60, body="日月盈昃" * 3)
        index_new(POSTS)
        assert indexing.index_long(POSTS)
        state = progress(POSTS)
        assert 0 < state.long < 60
        assert 0 < state.percent < 100
        assert len(found("盈昃")) == 60 - state.long
        while indexing.index_long(POSTS):
            pass
        assert (len(found("盈昃")), progress(POSTS).percent) == (60, 100)
        assert list(search_checks.uncovered(POSTS)) == []

    def test_changed_texts_are_written_down_by_the_database_and_nothing_else_is(self):
        posts = fill(20)
        index_new(POSTS)
        Post.objects.filter(pk=posts[0].pk).update(status="kept", votes=7)
        posts[1].votes = 3
        posts[1].save()
        assert not SearchChange.objects.exists()
        Post.objects.filter(pk=posts[0].pk).update(answer="辰宿列张")
        posts[1].title = "寒来暑往"
        posts[1].save()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE sources_post SET body = '秋收冬藏' WHERE id = %s", [posts[2].pk])
        assert set(SearchChange.objects.values_list("kind", "row")) == {("posts", post.pk) for post in posts[:3]}
        assert [found(text) for text in ("列张", "暑往", "冬藏")] == [[post.pk] for post in posts[:3]]

    def test_small_segments_become_one(self):
        run = make_run(make_source())
        for _ in range(indexing.FAN):
            fill(12, run)
            catch_up(POSTS)
        assert SearchSegment.objects.count() == 1
        assert len(found("玄黄")) == 12 * indexing.FAN
        assert list(search_checks.missed(POSTS)) == []

    def test_rows_that_are_gone_do_no_harm(self):
        posts = fill(30)
        index_new(POSTS)
        Post.objects.filter(pk__in=[post.pk for post in posts[10:]]).delete()
        assert len(found("玄黄")) == 10
        catch_up(POSTS)
        assert len(found("玄黄")) == 10
        assert SearchSegment.objects.get().rows == 10

    def test_what_a_person_does_meanwhile_is_not_lost(self, monkeypatch):
        posts, make = fill(30), segmenting.make

        def slow(what, rows, *limit):
            made = make(what, list(rows), *limit)
            Post.objects.filter(pk=posts[4].pk).update(title="寒来暑往")
            return made

        monkeypatch.setattr(indexing, "make", slow)
        index_new(POSTS)
        assert found("暑往") == [posts[4].pk]
        indexing.index_long(POSTS)
        assert found("暑往") == [posts[4].pk]

    @pytest.mark.parametrize("act", [indexing.index_new, indexing.index_long])
    def test_of_two_who_make_the_same_one_writes_nothing(self, monkeypatch, act):
        fill(30)
        if act is indexing.index_long:
            index_new(POSTS)
        make, busy = segmenting.make, []

        def twice(*args):
            if not busy:
                busy.append(1)
                act(POSTS)
            return make(*args)

        monkeypatch.setattr(indexing, "make", twice)
        act(POSTS)
        assert SearchSegment.objects.count() == 1
        assert not SearchPage.objects.exclude(segment__in=SearchSegment.objects.all()).exists()
        assert len(found("玄黄")) == 30


@pytest.mark.django_db
class TestImports:
    def test_titles_can_be_searched_when_their_import_is_over(self, uploads):
        rows = "".join(f'{{"title": "寒来暑往，第 {n} 年", "body": "秋收冬藏"}}\n' for n in range(25))
        run, _ = importing.start_import(make_source(), importing.store(io.BytesIO(rows.encode()), "x.jsonl"), name="x.jsonl", by=None)
        importing.run_import(run.pk)
        run.refresh_from_db()
        assert run.state == "succeeded"
        assert SearchSegment.objects.get().rows == 25
        assert (len(found("来暑")), progress(POSTS).long) == (25, 25)

    def test_the_background_waits_while_an_import_runs(self):
        fill(20)
        run = make_run(make_source(), state="running", lease_until=timezone.now() + timedelta(seconds=20))
        assert catch_up(POSTS) is False
        assert (progress(POSTS).is_paused, progress(POSTS).long) == (True, 20)
        type(run).objects.update(lease_until=timezone.now())  # its worker died
        catch_up(POSTS)
        assert (progress(POSTS).is_paused, progress(POSTS).long) == (False, 0)

    def test_it_waits_for_the_comparison_as_well_but_not_for_ever(self):
        fill(20)
        run = make_run(make_source(), state="succeeded", finished_at=timezone.now())
        type(run).objects.update(waiting=20)
        assert catch_up(POSTS) is False
        assert progress(POSTS).long == 20
        type(run).objects.update(finished_at=timezone.now() - timedelta(minutes=2))  # nothing came of it
        catch_up(POSTS)
        assert progress(POSTS).long == 0

    def test_the_beat_asks_for_it_when_there_is_something_to_do(self, monkeypatch):
        sent = []
        monkeypatch.setattr(tasks, "send_hint", lambda task, *ids: sent.append(task.name))
        tasks.resend_hints()
        assert sent == []
        fill(20)
        tasks.resend_hints()
        assert sent == ["sources.tasks.index_posts"]
        tasks.index_posts()
        tasks.resend_hints()
        assert (sent, progress(POSTS).long) == (["sources.tasks.index_posts"], 0)

    def test_a_slice_ends_and_asks_for_the_next(self, monkeypatch):
        sent = []
        monkeypatch.setattr(tasks, "send_hint", lambda task, *ids: sent.append(task.name))
        monkeypatch.setattr(tasks, "catch_up", lambda what: catch_up(what, seconds=0))
        fill(20)
        tasks.index_posts()
        assert sent == ["sources.tasks.index_posts"]


@pytest.mark.django_db(transaction=True)
class TestOthersAtTheSameTime:
    def test_rows_that_are_not_committed_yet_are_waited_for(self, monkeypatch):
        """Two imports: the one with the lower ids is committed last. What is settled must not pass it by."""
        monkeypatch.setattr(segmenting, "PATIENCE", 0.2)
        early, late = make_run(make_source()), make_run(make_source())
        begun, go_on = threading.Event(), threading.Event()

        def write():
            with transaction.atomic():
                fill(15, early)
                begun.set()
                go_on.wait(20)
            connection.close()

        writer = threading.Thread(target=write)
        writer.start()
        assert begun.wait(20)
        fill(15, late)
        assert index_new(POSTS) == 0
        assert len(found("玄黄")) == 15
        go_on.set()
        writer.join()
        assert index_new(POSTS) == 30
        assert len(found("玄黄")) == 30

    def test_reading_and_writing_go_on_while_it_is_made(self, monkeypatch):
        """Four at once make the index, edit, import and search; in the end nothing is missed."""
        monkeypatch.setattr(searching, "SECONDS", 60)  # on a busy machine a page would be given before it is full
        run, stop, errors = make_run(make_source()), threading.Event(), []
        fill(40, run, body="日月盈昃")

        def work(act):
            try:
                for n in range(200):
                    if stop.is_set():
                        break
                    act(n)
            except Exception as error:
                errors.append(error)
            finally:
                connection.close()

        def edit(n):
            Post.objects.filter(row=n % 40).update(body=f"寒来暑往{n % 40}号")

        def look(n):
            assert len(found("玄黄")) >= 40

        acts = [lambda n: catch_up(POSTS, 0), lambda n: catch_up(POSTS, 0), edit, look]
        threads = [threading.Thread(target=work, args=[act]) for act in acts]
        for thread in threads:
            thread.start()
        for _ in range(6):
            fill(12, run)
        threads[2].join(60)
        stop.set()
        for thread in threads:
            thread.join(60)
        assert errors == []
        catch_up(POSTS, 60)
        assert (len(found("玄黄")), len(found("暑往"))) == (40 + 72, 40)
        assert list(search_checks.uncovered(POSTS)) == []
        assert list(search_checks.missed(POSTS)) == []


@pytest.mark.django_db
def test_the_checks_notice_what_is_missing():
    posts = fill(30)
    index_new(POSTS)
    assert list(search_checks.uncovered(POSTS)) == []
    SearchPage.objects.all().delete()
    assert {name for _, name in search_checks.missed(POSTS)} == {"title"}
    SearchSegment.objects.update(first=posts[5].pk, rows=25)
    assert list(search_checks.uncovered(POSTS)) == [post.pk for post in posts[:5]]


@pytest.mark.django_db
def test_the_checks_notice_that_changes_are_not_written_down():
    assert not search_checks.unwatched(POSTS)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sources_post DISABLE TRIGGER sources_post_search")
    assert search_checks.unwatched(POSTS)
