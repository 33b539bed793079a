"""Lists that screens read: uploaded once, used by any source, and hostile as all uploads are."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from sources import lists, policy, screening
from sources.models import Post, TextList
from sources.screens import BadScreen
from tests.builders import make_post, make_run, make_source
from tests.sources.test_screen_views import sent
from tests.sources.test_views import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def words(*found, kind="words", name="禁词"):
    return lists.add(io.BytesIO("\n".join(found).encode()), name=name, kind=kind, by=None)


def upload(client, data, kind="words", name="禁词"):
    return client.post("/sources/lists/", {"name": name, "kind": kind, "file": SimpleUploadedFile("x.txt", data)}, follow=True)


def test_a_list_is_uploaded_once_and_named(as_admin, admin):
    page = text_of(upload(as_admin, "\ufeff赌场\r\n\r\n 彩票 \n赌场\n".encode()))
    found = TextList.objects.get()
    assert (found.lines, found.count, found.by, found.kind) == (["赌场", "彩票"], 2, admin, "words")
    assert "with 2 entries" in page
    assert "赌场、彩票" in page
    upload(as_admin, "赌场\n彩票".encode(), name="another name")
    assert TextList.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no lines"), (b"\n \n", "no lines"), ("赌场".encode("gb18030"), "no text in UTF-8"), (b"a\0b", "NUL"),
        (b"x" * 101, "one entry a line"), (b"x\n" * 3_000_000, "larger than 5 MB"),
        ("\n".join(map(str, range(100_001))).encode(), "more than 100,000 lines"), (b"\x89PNG\r\n\x1a\n\0\0", "no text in UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_with_a_reason(as_admin, data, said):
    answer = upload(as_admin, data)
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not TextList.objects.exists()


def test_what_it_holds_is_shown_as_text(as_admin):
    page = upload(as_admin, b"<script>alert(1)</script>", name="<img src=x onerror=alert(1)>").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_several_sources_read_it_beside_words_of_their_own(as_admin):
    found = words("赌场", "彩票")
    for source in (make_source("a"), make_source("b")):
        answer = as_admin.post(f"/sources/{source.slug}/screens/", {**sent([{"screen": "words", "words": ["广告"]}]), "s0-list": found.pk})
        assert answer.status_code == 302, answer.context["error"]
        source.refresh_from_db()
        assert source.screens == [{"screen": "words", "words": ["广告"], "list": found.pk, "field": "all"}]
        run = make_run(source, created=4)
        for row, title in enumerate(["去赌，場", "看广告", "买彩票", "影子"], 1):
            make_post(source, run=run, row=row, title=title)
        screening.screen(source)
        assert list(source.posts.order_by("row").values_list("drop_value", flat=True)) == ["赌场", "广告", "彩票", ""]
    page = text_of(as_admin.get("/sources/lists/"))
    assert '<a href="/sources/a/screens/">a</a>' in page
    as_admin.post(f"/sources/lists/{found.pk}/remove/")
    assert "These sources use the list" in text_of(as_admin.get("/sources/lists/"))
    assert TextList.objects.exists()


def test_a_list_that_nobody_uses_can_be_removed(as_admin):
    found = words("赌场")
    as_admin.post(f"/sources/lists/{found.pk}/remove/")
    assert not TextList.objects.exists()


def test_a_benchmark_that_is_found_again_shows_the_line_and_the_span(admin):
    found = words("保温杯里装冰水的时候它到底保的是谁的温", "电梯里为什么要装一面镜子呢", kind="benchmark")
    source = make_source(screens=[{"screen": "contamination", "list": found.pk}])
    make_post(source, title="转：電梯裏，為什麼要裝一面鏡子呢？有人知道吗")
    screening.screen(source)
    post = Post.objects.get()
    assert (post.drop_reason, post.drop_value) == ("in_benchmark", "100% · 2 · 电梯里为什么要装一面镜子呢")


@pytest.mark.parametrize(
    "setting",
    [{"screen": "words", "list": 999}, {"screen": "words", "list": "1"}, {"screen": "words", "list": True}, {"screen": "length", "list": 1},
     {"screen": "contamination", "list": 0}],
)  # fmt: skip
def test_a_list_that_is_not_there_is_a_bad_screen(setting, admin):
    with pytest.raises(BadScreen):
        lists.make([setting])
    with pytest.raises(policy.BadPolicy):
        policy.change(make_source(), by=admin, screens=[setting])


def test_a_benchmark_is_no_word_list():
    found = words("保温杯里装冰水的时候", kind="benchmark")
    with pytest.raises(BadScreen):
        lists.make([{"screen": "words", "list": found.pk}])


def test_only_admins(client, lead):
    client.force_login(lead)
    assert client.get("/sources/lists/").status_code == 403
    assert client.post("/sources/lists/1/remove/").status_code == 403
