"""The wizard in a real browser, with the real processes behind it: cancelled, gone on with, overruled, by keyboard, without script."""

import json
import random
import re
from pathlib import Path

import pytest

from tests.house import ROOT, House, wait_for

pytestmark = pytest.mark.browser
WILD = ROOT.parent / "shared" / "data"
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
    "雨伞",
    "淋湿",
    "电梯",
]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("wizard") / "var", CQIA_DEMO="0")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def open_page(chromium, house: House):
    contexts = []

    def make(**options):
        context = chromium.new_context(**{"locale": "zh-CN", "viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith((house.url, "data:", "blob:")) else page.complaints.append(sent.url))
        page.goto(house.url + "/accounts/login/")
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", house.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/review/**")
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page):
    return open_page()


def title(chance: random.Random) -> str:
    return "".join(chance.choices(WORDS, k=5)) + f"{chance.randrange(10**6)}？"


def made(kind: str, folder: Path) -> Path:
    """A small file as a platform's crawler writes it."""
    chance = random.Random(kind)
    path = folder / {"tieba": "titles.json", "xiaohongshu": "notes.json", "douban": "comments.csv"}[kind]
    if kind == "tieba":
        rows = [{"title": title(chance), "abs": None, "href": f"/p/{n}", "lz": "某", "n_reply": str(n * 3)} for n in range(60)]
    elif kind == "xiaohongshu":
        note = "".join(chance.choices(WORDS, k=120))
        rows = [{"note_id": f"n{n}", "type": "normal", "title": title(chance), "desc": note[n:] + "#穿搭[话题]#", "time": 1710000000000,
                 "liked_count": "1.2万", "note_url": f"https://example.com/{n}"} for n in range(40)]  # fmt: skip
    else:
        lines = [f'{title(chance)},{n % 5 + 1},2019-03-0{n % 9 + 1},{n},"{title(chance)}\n第二行"' for n in range(40)]
        path.write_text("\n".join(["name,star,time,votes,comment", *lines]) + "\n", "utf-8-sig")
        return path
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return path


def send(page, house: House, slug: str, path: Path) -> None:
    page.goto(f"{house.url}/sources/{slug}/import/")
    page.set_input_files("#id_file", str(path))
    page.click("form[enctype] button.go")
    page.wait_for_url("**/sources/dry-runs/**")


def ended(page) -> int:
    """How many posts the import will keep, once the dry run has ended."""
    page.wait_for_selector("#act form", timeout=60_000)
    said = re.search(r"[\d,]+", page.inner_text("#import"))
    return int(said[0].replace(",", "")) if said else 0


def imported(page, house: House) -> int:
    """Press the button that imports, wait until all is read and screened, and give how many posts were kept."""
    page.click("#import")
    page.wait_for_url("**/sources/imports/**")
    run = int(page.url.rstrip("/").rsplit("/", 1)[1])
    page.wait_for_selector("#progress .tag.ok", timeout=60_000)
    wait_for(lambda: house.one("SELECT count(*) FROM sources_post WHERE run_id = %s AND status = 'new'", run) == 0, 60)
    return house.one("SELECT count(*) FROM sources_post WHERE run_id = %s AND status = 'kept'", run)


@pytest.mark.parametrize(
    ("slug", "wild"),
    [
        ("ruozhiba", "tieba/leymore_post_annual.json"),
        ("xiaohongshu", "xhs/mediacrawler_search_contents.json"),
        ("douban", "douban/short_comments.csv"),
    ],
)
def test_files_go_through_the_wizard_and_what_was_said_before_is_what_comes(page, house, tmp_path, slug, wild):
    kind = "tieba" if slug == "ruozhiba" else slug
    files = [made(kind, tmp_path)] + [WILD / wild] * (WILD / wild).exists()
    if len(files) == 1:
        print(f"{WILD / wild} is not there: only a made file goes through")  # noqa: T201 - said aloud
    for path in files:
        send(page, house, slug, path)
        page.wait_for_selector("#reading-box .map")
        assert page.inner_text("#read_importer option:checked").startswith("识别为")
        before = ended(page)
        assert page.inner_text("#said").startswith("试跑完成")
        assert imported(page, house) == before
        send_again = page.goto(f"{house.url}/sources/{slug}/import/")
        assert send_again.status == 200
        page.set_input_files("#id_file", str(path))
        page.click("form[enctype] button.go")
        page.wait_for_url("**/sources/imports/**")
        assert "导入过" in page.inner_text("main")
    assert page.complaints == []


def test_an_import_is_stopped_goes_on_and_is_rolled_back(page, house, tmp_path):
    chance = random.Random(7)
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"title": title(chance), "id": str(n)}, ensure_ascii=False) + "\n" for n in range(25_000)), "utf-8")
    send(page, house, "wikihow", path)
    page.click("summary:has-text('不等试跑')")
    page.click("button:has-text('跳过试跑')")
    page.wait_for_url("**/sources/imports/**")
    run = int(page.url.rstrip("/").rsplit("/", 1)[1])
    wait_for(lambda: house.one("SELECT read FROM sources_importrun WHERE id = %s", run) > 0, 60, every=0.02)
    page.click("button:has-text('停止导入')")
    page.wait_for_selector("button:has-text('继续导入')")
    stopped = house.one("SELECT read FROM sources_importrun WHERE id = %s", run)
    assert 0 < stopped < 25_000
    page.click("button:has-text('继续导入')")
    page.wait_for_selector("#progress .tag.ok", timeout=90_000)
    found = (
        "SELECT read, created, (SELECT count(DISTINCT row) FROM sources_post WHERE run_id = r.id) FROM sources_importrun r WHERE id = %s"
    )
    assert house.sql(found, run) == [(25_000, 25_000, 25_000)]
    wait_for(lambda: house.one("SELECT count(*) FROM sources_post WHERE run_id = %s AND status = 'new'", run) == 0, 120)
    page.reload()
    page.click("summary:has-text('撤回这次导入')")
    page.click("button:has-text('立即撤回')")
    page.wait_for_selector(".notice.ok", timeout=60_000)
    assert house.one("SELECT count(*) FROM sources_post WHERE run_id = %s", run) == 0
    assert page.complaints == []


def test_a_dry_run_is_paused_goes_on_and_writes_nothing(page, house, tmp_path):
    chance = random.Random(8)
    path = tmp_path / "slow.jsonl"
    rows = [{"title": title(chance), "body": "".join(chance.choices(WORDS, k=200))} for n in range(8_000)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    posts = house.one("SELECT count(*) FROM sources_post")
    send(page, house, "baike", path)
    page.click("#pause")
    page.wait_for_selector("#pause:has-text('继续')")
    assert page.get_attribute("#import", "aria-disabled") == "true"
    assert page.inner_text(f"#{page.get_attribute('#import', 'aria-describedby')}") == "试跑结束后可用"
    dry = int(page.url.rstrip("/").rsplit("/", 1)[1])
    read = house.one("SELECT read FROM sources_dryrun WHERE id = %s", dry)
    assert read < 8_000
    page.click("#pause")
    ended(page)
    assert house.one("SELECT count(*) FROM sources_dryrow WHERE run_id = %s", dry) == 8_000
    assert house.one("SELECT count(*) FROM sources_post") == posts
    assert page.complaints == []


def test_the_format_is_overruled_and_a_wrong_mapping_is_said_at_its_field(page, house, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("问句,赞,日子\n影子会不会怕黑，天黑了它去哪里？,120,2024-05-01\n保温杯里装冰水，它该保谁的温？,300,昨天\n", "utf-8")
    send(page, house, "segmentfault", path)
    page.wait_for_selector("#read_importer[aria-invalid=true]", timeout=30_000)
    assert "问句" in page.inner_text(f"#{page.get_attribute('#read_importer', 'aria-describedby')}")
    page.click("button[value=columns]")
    page.select_option("#read_column0", "title")
    page.select_option("#read_column1", "title")
    page.click("#reading-box button[value=again]")
    page.wait_for_selector("#read_column1[aria-invalid=true]")
    assert "已经是" in page.inner_text(f"#{page.get_attribute('#read_column1', 'aria-describedby')}")
    page.select_option("#read_column1", "votes")
    page.select_option("#read_column2", "posted_at")
    page.click("#reading-box button[value=again]")
    ended(page)
    page.wait_for_selector("#read_column2[aria-invalid=true]")
    assert "昨天" in page.inner_text("#read_column2_unread")
    page.select_option("#read_importer", "exam")
    page.click("#reading-box button[value=again]")
    page.wait_for_selector("#read_importer[aria-invalid=true]", timeout=30_000)
    assert page.get_attribute("#import", "aria-disabled") == "true"
    assert [each for each in page.complaints if "400" not in each] == []


def tab_to(page, selector: str, most: int = 60) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            shown = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle !== 'none'")
            assert shown, f"the focus on {selector} cannot be seen"
            return
    raise AssertionError(f"{selector} is not reached by {most} tabs")


def test_by_keyboard_alone_with_a_row_kept_and_a_screen_changed(page, house, tmp_path):
    chance = random.Random(9)
    path = tmp_path / "keys.jsonl"
    rows = [{"title": title(chance), "votes": 900} for _ in range(5)] + [
        {"title": "如图", "votes": 900},
        {"title": title(chance), "votes": 3},
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    page.goto(f"{house.url}/sources/ruozhiba/import/")
    tab_to(page, "#id_file")
    page.set_input_files("#id_file", str(path))
    tab_to(page, "form[enctype] button.go")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sources/dry-runs/**")
    assert ended(page) == 5
    tab_to(page, "#keep-6")
    page.keyboard.press("Enter")
    page.wait_for_selector("#import:has-text('6')")
    assert page.evaluate("document.activeElement.id") == "keep-6", "the focus stays where it was"
    tab_to(page, "input[name='s2-on']")
    page.keyboard.press("Space")
    tab_to(page, ".settings section:last-of-type button[value=again]")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    page.wait_for_selector("#import:has-text('7')", timeout=30_000)
    tab_to(page, "#import")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sources/imports/**")
    page.wait_for_selector("#progress .tag.ok", timeout=30_000)
    run = int(page.url.rstrip("/").rsplit("/", 1)[1])
    wait_for(lambda: house.one("SELECT count(*) FROM sources_post WHERE run_id = %s AND status = 'kept'", run) == 7, 30)
    assert house.one("SELECT count(*) FROM sources_post WHERE run_id = %s AND rescued_by_id IS NOT NULL", run) == 1
    assert page.complaints == []


def test_without_script_and_on_a_phone(open_page, house, tmp_path):
    page = open_page(java_script_enabled=False, viewport={"width": 390, "height": 844}, color_scheme="dark")
    path = tmp_path / "phone.jsonl"
    chance = random.Random(10)
    path.write_text("".join(json.dumps({"title": title(chance), "votes": 900}, ensure_ascii=False) + "\n" for _ in range(30)), "utf-8")
    send(page, house, "ruozhiba", path)
    assert ended(page) == 30, "the page comes again by itself until the dry run has ended"
    page.click("#import")
    page.wait_for_url("**/sources/imports/**")
    page.wait_for_selector("#progress .tag.ok", timeout=30_000)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(open_page, house, tmp_path, theme):
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=theme)
    path = tmp_path / f"{theme}.jsonl"
    rows = [
        {"title": "伞" * 300, "a_very_long_column_name_without_any_break_in_it_at_all_" * 3: "x" * 500},
        {"title": "如图"},
        {"no": "t" * 900},
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    send(page, house, "exam", path)
    page.wait_for_selector("#reading-box .map", timeout=30_000)
    wider = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0
    page.goto(f"{house.url}/sources/exam/import/")
    assert page.evaluate(wider) == 0
