"""Threads of which every floor is a row: as the source wishes, or as the file suggests."""

import json
import zlib

import pytest
from django.utils import timezone

from sources import importing, readers
from sources.importers import IMPORTERS
from sources.importers.threads import CONTEXT, plan
from sources.models import ImportRun, Post
from tests.builders import make_source
from tests.sources.test_importing import Killed, imported, kill_at, outcome, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]
STARTER, OTHER = 1001, 2002


def floor(number, text, by=OTHER, thread=77, **fields):
    """A row as aiotieba dumps it. Its pid is told by what else is in it."""
    row = {
        "pid": zlib.crc32(f"{thread} {number} {text} {by}".encode()),
        "tid": thread,
        "user_name": "某某",
        "user_id": by,
        "text": text,
        "time": 1760586264 + number,
    }
    return row | {"image_links": [], "is_comment": False, "parent_pid": None, "floor": number} | fields


def picture(number, by=OTHER, **fields):
    return floor(number, "", by, image_links=["http://x.example/1.jpg"], **fields)


LIST = [
    picture(1, STARTER),
    floor(2, "前排"),
    *(floor(n, f"{400 - n}.第 {n} 个笑话，杯子问水：谁装着谁？\n评分：3.6", STARTER) for n in range(3, 13)),
    floor(12, "哈哈哈"),
    floor(12, "1.看一楼", STARTER),
    picture(13),
    floor(14, ""),
    floor(15, "*387.最后一个", STARTER),
]
TALK = [
    floor(1, "大家的伞都去哪了？", STARTER),
    floor(2, "被风借走了"),
    floor(2, "楼上的伞在我这"),
    picture(3),
    floor(4, "谢谢", STARTER),
]


def lines(rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def reasons(run):
    return list(run.rejected_rows.values_list("row", "reason"))


def titles(run):
    return list(run.posts.order_by("row").values_list("title", flat=True))


def test_a_list_of_jokes_becomes_a_post_for_every_floor_of_its_starter():
    run = imported(make_source(platform="tieba"), lines(LIST))
    jokes = [f"第 {n} 个笑话，杯子问水：谁装着谁？" for n in range(3, 13)]
    assert titles(run) == [*jokes, "最后一个"]
    assert reasons(run) == [
        (1, "image_only"), (2, "not_the_starter"), (13, "floor_of_a_floor"), (14, "floor_of_a_floor"), (15, "image_only"), (16, "no_text"),
    ]  # fmt: skip
    assert run.read == run.created + run.rejected == len(LIST)


def test_a_talk_becomes_one_post_with_its_floors_as_context():
    run = imported(make_source(platform="tieba"), lines(TALK))
    post = run.posts.get()
    assert (post.row, post.title) == (1, "大家的伞都去哪了？")
    assert post.context == [{"floor": 2, "text": "被风借走了"}, {"floor": 2, "text": "楼上的伞在我这"}, {"floor": 4, "text": "谢谢"}]
    assert reasons(run) == [(2, "context_of_thread"), (3, "context_of_thread"), (4, "image_only"), (5, "context_of_thread")]
    assert (run.read, run.created, run.rejected) == (5, 1, 4)
    assert "某某" not in str(list(Post.objects.values())) + str(run.cursor)
    assert str(STARTER) not in str(run.cursor)


def test_floors_are_posts_where_the_source_says_so():
    run = imported(make_source(platform="tieba", floors="posts"), lines(TALK))
    assert titles(run) == ["大家的伞都去哪了？", "被风借走了", "谢谢"]
    assert reasons(run) == [(3, "floor_of_a_floor"), (4, "image_only")]
    run = imported(make_source(platform="tieba", floors="starter"), lines(TALK))
    assert titles(run) == ["大家的伞都去哪了？", "谢谢"]
    run = imported(make_source(platform="tieba", floors="context"), lines([floor(1, "3.5 亿人", STARTER), *LIST[1:]]))
    assert (titles(run), len(run.posts.get().context)) == (["3.5 亿人"], 14)


def test_an_admin_says_what_floors_are_on_the_page_and_by_api(client, admin):
    source = make_source(platform="tieba")
    client.force_login(admin)
    form = {"name": "吧", "platform": "tieba", "reply": "model", "reviews_wanted": 1}
    client.post(f"/sources/{source.slug}/edit/", form | {"floors": "starter"})
    source.refresh_from_db()
    assert source.floors == "starter"
    client.post(f"/sources/{source.slug}/edit/", form)
    client.post(f"/sources/{source.slug}/edit/", form | {"floors": "anything"})
    source.refresh_from_db()
    assert source.floors == "starter"
    client.patch(f"/api/v1/sources/{source.slug}/", {"floors": "posts"}, content_type="application/json")
    source.refresh_from_db()
    assert source.floors == "posts"


def test_the_same_thread_crawled_again_later_adds_only_what_is_new():
    source = make_source(platform="tieba")
    imported(source, lines(TALK))
    again = imported(source, lines([*TALK, floor(5, "新来的")]))
    assert (again.read, again.created, again.known, again.rejected) == (6, 0, 1, 5)
    assert [item["floor"] for item in source.posts.get().context] == [2, 2, 4, 5]


def test_a_thread_that_begins_with_a_picture_or_in_the_middle_has_no_first_post():
    run = imported(make_source(platform="tieba"), lines([picture(1, STARTER), floor(2, "好看"), floor(3, "谢谢", STARTER)]))
    assert reasons(run) == [(1, "image_only"), (2, "no_first_post"), (3, "no_first_post")]
    run = imported(make_source(platform="tieba"), lines([picture(1, STARTER), floor(2, "如图，这是什么？", STARTER), floor(3, "桥")]))
    assert (titles(run), run.posts.get().context) == (["如图，这是什么？"], [{"floor": 3, "text": "桥"}])
    run = imported(make_source(platform="tieba"), lines([floor(31, "还有吗", STARTER), floor(32, "有", STARTER)]))
    assert reasons(run) == [(1, "no_first_post"), (2, "no_first_post")]


def test_the_second_page_of_a_list_is_still_its_starters():
    rows = [floor(40, "插眼"), *(floor(n, f"{400 - n}.笑话 {n}", STARTER) for n in range(41, 45))]
    assert titles(imported(make_source(platform="tieba"), lines(rows))) == [f"笑话 {n}" for n in range(41, 45)]


def test_threads_of_one_file_are_told_apart_even_where_they_take_turns():
    other = [floor(1, "第二帖", OTHER, 78), floor(2, "回第二帖", STARTER, 78), floor(2, "再回", OTHER, 78)]
    mixed = [row for pair in zip(TALK, [*other, None, None], strict=True) for row in pair if row]
    run = imported(make_source(platform="tieba"), lines(mixed))
    found = dict(run.posts.values_list("title", "context"))
    assert [item["text"] for item in found["大家的伞都去哪了？"]] == ["被风借走了", "楼上的伞在我这", "谢谢"]
    assert [item["text"] for item in found["第二帖"]] == ["回第二帖", "再回"]


def test_a_long_thread_keeps_as_much_context_as_fits_and_says_so():
    rows = [TALK[0], *(floor(n, f"第 {n} 楼") for n in range(2, CONTEXT + 12))]
    run = imported(make_source(platform="tieba", floors="context"), lines(rows))
    assert len(run.posts.get().context) == CONTEXT
    assert run.rejected_rows.filter(reason="context_full").count() == 10


def test_an_unnumbered_list_is_a_list_and_a_starter_who_answers_everybody_is_none():
    tieba = IMPORTERS["tieba"]()
    jokes = [floor(n, f"笑话{n}", STARTER) for n in range(1, 15)]
    chat = [row for n in range(1, 15) for row in (floor(n, f"问{n}"), floor(n, f"答{n}", STARTER))]
    assert plan(tieba, jokes, "auto", str)[0] == "starter"
    assert plan(tieba, [floor(1, "题", STARTER), *chat[2:]], "auto", str)[0] == "context"
    assert plan(tieba, [picture(n, STARTER) for n in range(1, 30)], "auto", str)[0] == "context"
    assert plan(tieba, [{"pid": 1, "tid": [], "floor": {}}, {"pid": 1}], "auto", str) == ("context", {})


@pytest.mark.parametrize("field", ["tid", "floor", "user_id", "text", "pid", "image_links"])
def test_odd_values_cost_their_row_at_most(field):
    rows = []
    for thread, value in enumerate([None, "", "x", -1, 2**40, [1], {"a": 1}, True], 100):
        talk = [floor(row["floor"], row["text"], row["user_id"], thread) for row in TALK]
        rows += [talk[0], {**talk[1], field: value}, *talk[2:]]
    run = imported(make_source(platform="tieba", floors="context"), lines(rows))
    assert (run.state, run.read, run.rejected_rows.filter(reason="importer_failed").count()) == ("succeeded", len(rows), 0)
    assert run.posts.filter(title=TALK[0]["text"]).count() == 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rows", [TALK, LIST], ids=["context", "starter"])
def test_a_thread_that_is_interrupted_anywhere_ends_like_any_other(monkeypatch, rows):
    monkeypatch.setattr(readers, "BATCH", 2)
    undisturbed = imported(make_source(platform="tieba"), lines(rows))
    run, _ = start(make_source(platform="tieba"), lines(rows))
    write = importing.write
    for number in (1, 2, 1):
        kill_at(monkeypatch, write, number=number)
        with pytest.raises(Killed):
            importing.run_import(run.pk)
        ImportRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())
    monkeypatch.setattr(importing, "write", write)
    importing.run_import(run.pk)
    assert outcome(run) == outcome(undisturbed)
    assert list(run.posts.order_by("row").values_list("context")) == list(undisturbed.posts.order_by("row").values_list("context"))


def test_a_yearly_list_of_ruozhiba_as_it_was_dumped(wild):
    content = wild("tieba/aiotieba_thread_7339397421.jsonl").read_bytes()
    run = imported(make_source(platform="tieba"), content, "thread.jsonl")
    assert (run.read, run.created, run.known, run.rejected) == (2278, 357, 0, 1921)
    assert not run.posts.filter(title__regex=r"^[*]?[0-9]{1,3}[.、]").exclude(title__startswith="1.").exists()
    assert len({post.author for post in run.posts.all()}) == 1
