"""A dry run says, row by row, what the import afterwards does; it writes nothing of the dataset, and can be broken off anywhere."""

import csv
import io
import json
import random
from collections import Counter

import pytest

from accounts.models import AuditEntry
from sources import dry_orders, dry_running, importing, policy, presets, readers, screening
from sources.dry_running import run_dry
from sources.importing import run_import
from sources.models import DryRow, DryRun, ImportRun, Post, RejectedRow, Source
from tests.builders import make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]
WORDS = [
    "影子",
    "会不会",
    "怕黑",
    "保温杯",
    "冰水",
    "该保谁",
    "的温",
    "药一天",
    "吃三次",
    "凉白开",
    "为什么",
    "不叫",
    "凉黑啡",
    "伞",
    "淋湿",
    "晾干",
]
ALL = [
    {"screen": "personal_data"}, {"screen": "duplicate"}, {"screen": "length", "field": "title", "min": 3, "max": 60},
    {"screen": "votes", "min": 5}, {"screen": "excludes", "field": "title", "pattern": "伞"}, {"screen": "language"}, {"screen": "advert"},
    {"screen": "best", "count": 30}, {"screen": "per_question", "most": 2}, {"screen": "near_duplicate", "across": True},
]  # fmt: skip


def preset(slug):
    presets.ensure(slug)
    return Source.objects.get(slug=slug)


def jsonl(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def stored(data, name="x.jsonl"):
    return importing.store(io.BytesIO(data), name)


def tried(source, data, name="x.jsonl", **given):
    dry = dry_orders.order(source, stored(data, name), name=name, by=given.pop("by", None), **given)
    run_dry(dry.pk)
    dry.refresh_from_db()
    return dry


def said(dry):
    """{row: (outcome, reason)} of a dry run."""
    return {row: (outcome, reason) for row, outcome, reason in dry.rows.values_list("row", "outcome", "reason")}


def done(run):
    """The same of an import and the screening after it."""
    posts = {row: ("dropped" if reason else "passed", reason) for row, reason in run.posts.values_list("row", "drop_reason")}
    rejected = {row: ("rejected", reason) for row, reason in RejectedRow.objects.filter(run=run).values_list("row", "reason")}
    return dict.fromkeys(range(1, run.read + 1), ("known", "known")) | posts | rejected


def imported(dry, by):
    run, created = dry_orders.start(dry, by=by)
    assert created
    run_import(run.pk)
    screening.screen(run.source)
    run.refresh_from_db()
    return run


def counts_of(rows):
    counted = Counter(rows.values())
    return {
        "known": counted.pop(("known", "known"), 0),
        "rejected": {reason: n for (outcome, reason), n in counted.items() if outcome == "rejected"},
        "dropped": {reason: n for (outcome, reason), n in counted.items() if outcome == "dropped"},
    }


def agree(dry, by):
    before, counts, through, read = said(dry), dict(dry.counts), dry.through, dry.read
    run = imported(dry, by)
    assert before == done(run)
    assert {key: counts[key] for key in ("known", "rejected", "dropped")} == counts_of(before)
    assert (through, read) == (run.posts.kept().count(), run.read)


class TestAgreement:
    """The numbers before are the numbers afterwards."""

    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("tieba/leymore_post_annual.json", "ruozhiba"),
            ("xhs/mediacrawler_search_contents.json", "xiaohongshu"),
            ("douban/short_comments.csv", "douban"),
            ("zhihu/webtext2019zh_example.jsonl", "zhihu"),
            ("exam/gaokao_geography.json", "exam"),
        ],
    )
    def test_of_real_files_with_the_presets(self, wild, admin, name, slug):
        source = preset(slug)
        dry = tried(source, wild(name).read_bytes(), name.rsplit("/", 1)[1], by=admin)
        assert dry.state == "succeeded", dry_running.describe(dry)
        assert not Post.objects.exists()
        agree(dry, admin)

    def test_of_the_thread_dumps_one_after_the_other(self, wild, admin):
        source = preset("ruozhiba")
        names = sorted(path.name for path in wild("tieba").glob("aiotieba_*.jsonl"))
        assert len(names) > 1
        for name in names[:4]:
            agree(tried(source, wild(f"tieba/{name}").read_bytes(), name, by=admin), admin)

    @pytest.mark.parametrize("seed", range(12))
    def test_of_random_rows_and_settings_into_a_source_that_holds_some(self, admin, monkeypatch, seed):
        """Also across sources, in batches of any size, with rows that are kept all the same and a file that was there before."""
        chance = random.Random(seed)
        for module in (readers, dry_running):
            monkeypatch.setattr(module, "BATCH", chance.choice([3, 7, 50]))
        monkeypatch.setattr(screening, "BATCH", chance.choice([2, 5, 60]))
        source = make_source("mine", screens=_some_screens(chance))
        other = make_source("other", screens=[{"screen": "near_duplicate", "across": True}])
        for into in (source, other):
            run, _ = importing.start_import(into, stored(jsonl(_rows(chance, 40))), name="old.jsonl", by=admin)
            run_import(run.pk)
            screening.screen(into)
        rows, screens = _rows(chance, 120), _some_screens(chance)
        dry = tried(source, jsonl(rows), by=admin, screens=screens)
        keepable = [row.row for row in dry.rows.all() if not dry_orders.why_not_kept(row)]
        for row in chance.sample(keepable, min(3, len(keepable))):
            dry_orders.keep(dry, row)
        dry = dry_orders.again(dry, by=admin)
        run_dry(dry.pk)
        dry.refresh_from_db()
        agree(dry, admin)
        assert policy.change(source, by=admin, screens=screens) == {}, "the settings that were tried are the source's now"


def _rows(chance, count):
    rows = []
    for n in range(count):
        title = "".join(chance.choices(WORDS, k=chance.randint(1, 6))) + chance.choice(["？", "?", "", "！"])
        if rows and chance.random() < 0.3:
            title = str(chance.choice(rows).get("title", title)) + chance.choice(["", "。", "吗", " 加微信:abcdef123"])
        row = {"title": title, "body": chance.choice(["", "请看 13812345678", "".join(chance.choices(WORDS, k=40))])}
        row |= {"votes": chance.choice([None, 0, 3, 5, 700]), "id": chance.choice(["", str(n), "twice"]), "question_id": "q"}
        rows.append(chance.choice([row] * 8 + [{"title": ["a", {}]}, {"votes": 3}]))
    return rows


def _some_screens(chance):
    return [chance.choice([screen, {**screen, "off": True}]) for screen in chance.sample(ALL, chance.randint(1, len(ALL)))]


class TestWhatItWrites:
    def test_nothing_of_the_dataset(self, admin):
        source = make_source(screens=[{"screen": "votes", "min": 50}])
        dry = tried(source, jsonl([{"title": "影子会不会怕黑？", "votes": 5}, {"title": "保温杯？", "votes": 500}]), by=admin, screens=[])
        assert (dry.state, dry.through) == ("succeeded", 2)
        source.refresh_from_db()
        assert source.screens == [{"screen": "votes", "min": 50}]
        assert {model: model.objects.count() for model in (Post, ImportRun, RejectedRow, AuditEntry)} == dict.fromkeys(
            (Post, ImportRun, RejectedRow, AuditEntry), 0
        )

    def test_a_duplicate_names_the_row_or_the_post_that_it_falls_to(self, admin):
        source = make_source(screens=[{"screen": "duplicate"}, {"screen": "near_duplicate", "across": False}])
        run, _ = importing.start_import(source, stored(jsonl([{"title": "保温杯里装冰水，它该保谁的温？"}])), name="x", by=admin)
        run_import(run.pk)
        screening.screen(source)
        titles = [
            "影子会不会怕黑，天黑了它去哪里？",
            "影子会不会怕黑,天黑了它去哪里",
            "影子会不会怕黑，天黑了它会去哪里？",
            "保温杯里装了冰水，它该保谁的温？",
        ]
        dry = tried(source, jsonl([{"title": title} for title in titles]), by=admin)
        found = dict(dry.rows.lost().values_list("row", "value"))
        assert found == {2: "~1", 3: "~1", 4: str(run.posts.get().pk)}

    def test_it_counts_posts_that_would_give_way(self, admin):
        source = make_source(screens=[{"screen": "best", "count": 1}])
        run, _ = importing.start_import(source, stored(jsonl([{"title": "老的", "votes": 10}])), name="x", by=admin)
        run_import(run.pk)
        screening.screen(source)
        dry = tried(source, jsonl([{"title": "新的", "votes": 20}]), by=admin)
        assert (dry.through, dry.counts["displaced"]) == (1, 1)
        assert Post.objects.get().status == "kept"

    def test_an_author_is_a_pseudonym_and_the_columns_have_examples_without_names(self, admin):
        dry = tried(make_source(), jsonl([{"title": "影子会不会怕黑？", "user_name": "张三", "votes": "1.2万"}]), by=admin)
        assert "张三" not in str(list(dry.rows.values())) + str(dry.columns)
        assert dry.columns == [
            {"name": "title", "example": "影子会不会怕黑？", "field": "title"},
            {"name": "user_name", "example": "…", "field": "author"},
            {"name": "votes", "example": "1.2万", "field": "votes"},
        ]


class TestMapping:
    ROWS = [{"问句": "影子会不会怕黑？", "赞": "12", "日子": "2024-05-01"}, {"问句": "保温杯保谁的温？", "赞": "很多", "日子": "昨天"}]

    def test_values_that_say_nothing_in_their_column_are_counted(self, admin):
        dry = tried(make_source(), jsonl(self.ROWS), by=admin, mapping={"title": "问句", "votes": "赞", "posted_at": "日子"})
        assert dry.counts["unread"] == {"votes": [1, "很多"], "posted_at": [1, "昨天"]}
        assert {column["name"]: column["field"] for column in dry.columns} == {"问句": "title", "赞": "votes", "日子": "posted_at"}

    def test_without_a_column_that_it_knows_it_fails_and_says_what_the_file_has(self, admin):
        dry = tried(make_source(), jsonl(self.ROWS), by=admin)
        assert (dry.state, dry.error_code) == ("failed", "missing_column")
        assert [column["name"] for column in dry.columns] == ["问句", "赞", "日子"]

    def test_a_mapping_that_the_source_knows_is_proposed_for_the_same_columns_only(self, admin):
        source = make_source()
        policy.save_mapping(source, columns=["赞", "问句", "日子"], mapping={"title": "问句"}, by=admin)
        dry = tried(source, jsonl(self.ROWS), by=admin)
        assert (dry.state, dry.mapping, dry.importer, dry.through) == ("succeeded", {"title": "问句"}, "generic", 2)
        assert tried(source, jsonl([{**row, "x": 1} for row in self.ROWS]), by=admin).state == "failed"
        agree(dry, admin)

    def test_of_a_platform_it_is_seen_what_is_read_from_where(self, wild, admin):
        dry = tried(make_source(), wild("tieba/leymore_post_annual.json").read_bytes(), "a.json", by=admin)
        assert dry.importer == "tieba"
        assert "title" in {column["field"] for column in dry.columns}


class TestBrokenOff:
    ROWS = [{"title": f"第{n}把伞自己走丢了{n * 7919}回"} for n in range(40)]

    @pytest.mark.parametrize("act", ["pause", "stop"])
    def test_between_two_batches_and_it_goes_on_after_the_last_of_them(self, admin, monkeypatch, act):
        monkeypatch.setattr(dry_running, "BATCH", 10)
        write, calls = dry_running._write_batch, []

        def break_off(dry, *args):
            write(dry, *args)
            calls.append(1)
            if len(calls) == 2:
                assert getattr(dry_orders, act)(DryRun.objects.get(pk=dry.pk))

        monkeypatch.setattr(dry_running, "_write_batch", break_off)
        dry = tried(make_source(), jsonl(self.ROWS), by=admin)
        assert (dry.state, dry.read, dry.rows.count()) == ("paused" if act == "pause" else "stopped", 20, 20)
        assert dry_orders.resume(dry) is (act == "pause")
        run_dry(dry.pk)
        dry.refresh_from_db()
        assert (dry.state, dry.read) == (("succeeded", 40) if act == "pause" else ("stopped", 20))
        if act == "pause":
            agree(dry, admin)

    def test_a_worker_that_dies_between_reading_and_comparing_leaves_it_to_the_next(self, admin, monkeypatch):
        source = make_source(screens=[{"screen": "near_duplicate", "across": False}])
        rows = [*self.ROWS, {"title": self.ROWS[0]["title"] + "呢"}]

        def die(*args):
            raise SystemExit

        monkeypatch.setattr(dry_running, "_compare", die)
        dry = dry_orders.order(source, stored(jsonl(rows)), name="x.jsonl", by=admin)
        with pytest.raises(SystemExit):
            run_dry(dry.pk)
        monkeypatch.undo()
        DryRun.objects.update(lease_until=dry.created_at)
        run_dry(dry.pk)
        dry.refresh_from_db()
        assert dry.state == "succeeded"
        agree(dry, admin)

    def test_three_lost_workers_end_it(self, admin):
        dry = dry_orders.order(make_source(), stored(jsonl(self.ROWS)), name="x.jsonl", by=admin)
        DryRun.objects.update(attempts=3)
        run_dry(dry.pk)
        dry.refresh_from_db()
        assert (dry.state, dry.error_code) == ("failed", "worker_lost")

    def test_bad_files_end_it_with_a_code(self, admin):
        assert tried(make_source(), b"\xff\xfe\x00bad", "x.jsonl", by=admin).state == "failed"
        assert tried(make_source(), b"", "x.jsonl", by=admin).error_code == "empty_file"


class TestKeeping:
    def test_a_dropped_row_is_kept_and_the_import_records_who_did_it(self, admin):
        source = make_source(screens=[{"screen": "length", "field": "title", "min": 6}])
        dry = tried(source, jsonl([{"title": "如图"}, {"title": "影子会不会怕黑？"}]), by=admin)
        dry_orders.keep(dry, 1)
        run = imported(dry, admin)
        assert list(run.posts.order_by("row").values_list("status", "rescued_by")) == [("kept", admin.pk), ("kept", None)]
        entry = AuditEntry.objects.get(action="rows_kept")
        assert (entry.by, entry.subject, entry.detail) == (admin, f"import {run.pk}", {"rows": {"1": "too_short 2"}})

    def test_and_is_given_up_again(self, admin):
        source = make_source(screens=[{"screen": "length", "field": "title", "min": 6}])
        dry = tried(source, jsonl([{"title": "如图"}]), by=admin)
        dry_orders.keep(dry, 1)
        dry_orders.keep(dry, 1, is_kept=False)
        assert dry.kept == []
        assert not imported(dry, admin).posts.kept().exists()

    @pytest.mark.parametrize(
        ("row", "code"), [(1, "not_dropped"), (2, "personal_data"), (3, "personal_data"), (4, "not_dropped"), (9, "no_such_row")]
    )
    def test_not_what_is_no_post_and_not_what_holds_personal_data(self, admin, row, code):
        source = make_source(screens=[{"screen": "length", "field": "title", "max": 20}, {"screen": "personal_data", "drop": True}])
        rows = [{"title": "影子会不会怕黑？"}, {"title": "我的手机 13812345678"}, {"title": "伞" * 30 + "13812345678"}, {"x": 1}]
        dry = tried(source, jsonl(rows), by=admin)
        with pytest.raises(dry_orders.NotPossible) as refused:
            dry_orders.keep(dry, row)
        assert refused.value.code == code


class TestStarting:
    def test_not_before_the_end_unless_somebody_skips_it_knowingly(self, admin):
        dry = dry_orders.order(make_source(), stored(jsonl([{"title": "影子会不会怕黑？"}])), name="x.jsonl", by=admin)
        with pytest.raises(dry_orders.NotPossible):
            dry_orders.start(dry, by=admin)
        run, created = dry_orders.start(dry, by=admin, is_skipping=True)
        dry.refresh_from_db()
        assert (created, dry.state, dry.run_id) == (True, "stopped", run.pk)
        run_dry(dry.pk)
        assert not DryRow.objects.exists()

    def test_its_screens_are_saved_with_an_entry_in_the_log_and_its_rows_go(self, admin):
        source = make_source()
        dry = tried(source, jsonl([{"title": "影子会不会怕黑？"}]), by=admin, screens=[{"screen": "duplicate"}])
        run = imported(dry, admin)
        source.refresh_from_db()
        assert source.screens == [{"screen": "duplicate"}]
        assert AuditEntry.objects.filter(action="source_changed").count() == 1
        assert not DryRow.objects.exists()
        assert dry_orders.imported_before(source, run.sha256) == run
        with pytest.raises(dry_orders.NotPossible):
            dry_orders.again(DryRun.objects.get(), by=admin)

    def test_what_nobody_came_back_to_is_forgotten(self, admin):
        dry = tried(make_source(), jsonl([{"title": "影子会不会怕黑？"}]), by=admin)
        dry_orders.forget_old()
        assert DryRun.objects.exists()
        DryRun.objects.update(created_at=dry.created_at - 2 * dry_orders.FORGOTTEN_AFTER)
        dry_orders.forget_old()
        assert not DryRow.objects.exists()


def test_csv_and_other_formats_are_tried_like_they_are_imported(admin):
    text = io.StringIO()
    csv.writer(text).writerows([["title", "votes"], ["影子会不会\n怕黑？", "1.2万"], ["少一栏"]])
    agree(tried(make_source(), text.getvalue().encode("utf-8-sig"), "x.csv", by=admin), admin)
