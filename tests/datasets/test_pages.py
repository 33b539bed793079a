"""The pages of datasets: what each role sees, and what they say when there is nothing to see."""

import pytest
from django.urls import reverse
from django.utils import translation

from datasets import publishing
from datasets.models import Dataset, Version
from datasets.recipes import OF_THE_RESPONSE
from tests.builders import make_source

from .conftest import accepted, sha

pytestmark = pytest.mark.django_db
PAGE = "/datasets/first/"


@pytest.fixture(autouse=True)
def english(client):
    client.cookies["django_language"] = "en"
    yield
    translation.deactivate()


@pytest.fixture
def sent(monkeypatch):
    ids = []
    monkeypatch.setattr("datasets.act_views.send_hint", lambda task, *args: ids.append((task.name, *args)))
    return ids


def text(client, path=PAGE, status=200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def test_an_empty_house_says_what_to_do(client, admin, viewer):
    client.force_login(admin)
    assert 'href="/datasets/new/"' in text(client, "/datasets/")
    client.force_login(viewer)
    page = text(client, "/datasets/")
    assert "An admin makes datasets" in page
    assert "/datasets/new/" not in page


def test_a_dataset_is_made_by_form(client, admin, source):
    client.force_login(admin)
    assert "段子" in text(client, "/datasets/new/")
    form = {"name": "段子集", "slug": "jokes", "sources": [source.pk], "include_unknown_licence": "on", "test": "10"}
    form |= {"verdicts": ["accept", "edit"], "reasons": list(OF_THE_RESPONSE), f"take-{source.pk}": "5"}
    assert client.post("/datasets/new/", form).url == "/datasets/jokes/"
    dataset = Dataset.objects.get()
    assert (dataset.name, list(dataset.sources.all()), dataset.include_demo) == ("段子集", [source], False)
    assert dataset.recipe == {"include_unknown_licence": True, "splits": {"train": 0.9, "test": 0.1}, "mixture": {"jokes": {"take": 5}}}
    for slug in ("jokes", "new", "Not a slug", ""):
        assert client.post("/datasets/new/", form | {"slug": slug}).status_code == 422
    assert Dataset.objects.count() == 1


def test_without_a_version_the_page_says_what_is_missing(client, admin, viewer, dataset, source, reviewer):
    client.force_login(admin)
    assert reverse("annotation:review") in text(client)
    accepted(source, reviewer)
    page = text(client)
    assert "1 accepted pair waits to be frozen" in page
    assert "It will hold 1 accepted pair." in page
    client.force_login(viewer)
    page = text(client)
    assert "As soon as an admin freezes one" in page
    assert "freeze/" not in page


def test_pairs_that_take_long_to_count_are_counted_when_the_dialog_opens(client, admin, viewer, dataset, source, reviewer, monkeypatch):
    accepted(source, reviewer)
    client.force_login(admin)
    with monkeypatch.context() as patch:
        patch.setattr("datasets.views.preview_within", lambda seconds, recipe: None)
        page = text(client)
        assert "is being counted" in page
        assert 'hx-get="/datasets/first/freeze/offer/"' in page
        assert "too many pairs to count" in text(client, f"{PAGE}freeze/offer/")
    counted = text(client, f"{PAGE}freeze/offer/")
    assert "It will hold 1 accepted pair." in counted
    assert "hx-get" not in counted
    client.force_login(viewer)
    assert client.get(f"{PAGE}freeze/offer/").status_code == 403


def test_the_button_freezes_once_however_often_it_is_pressed(client, admin, dataset, source, reviewer, sent):
    accepted(source, reviewer)
    client.force_login(admin)
    for _ in range(2):
        assert client.post(f"{PAGE}freeze/", {"number": 1}).url == "/datasets/first/versions/1/"
    version = Version.objects.get()
    assert version.by == admin
    assert sent[0] == ("datasets.tasks.build_version", version.pk)
    client.post(f"{PAGE}freeze/", {"number": "x"})
    assert Version.objects.count() == 1


def test_the_page_follows_a_version_that_is_being_built(client, admin, dataset, source, reviewer):
    accepted(source, reviewer)
    version = publishing.freeze(dataset, by=None)
    client.force_login(admin)
    page = text(client)
    assert 'hx-get="/datasets/first/versions/1/progress/"' in page
    assert "freeze/" not in page, "one at a time from the page"
    assert "Waiting for a worker" in text(client, f"{PAGE}versions/1/progress/")
    Version.objects.filter(pk=version.pk).update(state="running", records_count=500, splits={"train": 1200})
    assert "500 of 1,200 pairs written" in text(client, f"{PAGE}versions/1/progress/")
    Version.objects.filter(pk=version.pk).update(state="queued")
    publishing.build(version.pk)
    done = client.get(f"{PAGE}versions/1/progress/")
    assert (done.headers["HX-Refresh"], done.content) == ("true", b"")


def test_a_ready_version_shows_figures_files_and_licences(client, viewer, ready, source, reviewer):
    client.force_login(viewer)
    page = text(client)
    for file in ready.files.all():
        assert f'href="/datasets/first/versions/1/files/{file.name}"' in page
        assert file.sha256 in page
    assert ready.sha256 in page
    assert "CC-BY-4.0" in page
    assert "第2层没有人按铃" in page
    assert "&quot;instruction&quot;" in page
    body = b"".join(client.get(f"{PAGE}versions/1/files/train.cqia.jsonl").streaming_content)
    assert sha(body) == ready.files.get(schema="cqia").sha256


def test_a_second_version_is_compared_with_the_first(client, viewer, ready, dataset, source, reviewer):
    accepted(source, reviewer)
    publishing.build(publishing.freeze(dataset, by=None).pk)
    client.force_login(viewer)
    page = text(client)
    assert "1 more than v1" in page
    assert 'href="/datasets/first/versions/1/"' in page
    assert "1 more than" not in text(client, f"{PAGE}versions/1/")


def test_what_was_left_out_and_what_is_unknown_is_said(client, viewer, dataset, source, reviewer):
    accepted(source, reviewer, model="demo")
    accepted(make_source("nobody-knows", name="来路不明"), reviewer)
    accepted(source, reviewer)
    publishing.build(publishing.freeze(dataset, by=None).pk)
    client.force_login(viewer)
    page = text(client)
    assert "1 pairs: answered by a demo draft" in page
    assert "1 pairs: unknown licence" in page
    assert "来路不明" not in page
    assert "to be checked" not in page
    publishing.build(publishing.freeze(dataset, by=None, include_unknown_licence=True).pk)
    page = text(client)
    assert "1 pair to be checked" in page
    assert "来路不明" in page


def test_demo_content_is_called_by_its_name(client, viewer, admin, source, reviewer):
    accepted(source, reviewer, model="demo")
    demo = publishing.ensure_demo()
    publishing.build(publishing.freeze(demo, by=None).pk)
    client.force_login(viewer)
    assert "This dataset takes demo drafts" in text(client, "/datasets/demo/")
    client.force_login(admin)
    page = text(client, "/datasets/demo/")
    assert 'name="include_demo" checked' in page


def test_an_empty_version_says_why_and_what_to_do(client, admin, dataset, source, reviewer):
    accepted(source, reviewer, model="demo")
    publishing.build(publishing.freeze(dataset, by=None).pk)
    client.force_login(admin)
    page = text(client)
    assert "Version v1 was not made." in page
    assert "Switch on “include demo drafts”" in page
    assert 'name="include_demo" checked' in page


def test_records_are_searched_and_paged(client, viewer, dataset, source, reviewer):
    for n in range(25):
        accepted(source, reviewer, instruction=f"第{n:02}问", draft="100% 是_的" if n == 7 else "答案")
    publishing.build(publishing.freeze(dataset, by=None).pk)
    client.force_login(viewer)
    first, second = text(client), text(client, f"{PAGE}?page=2")
    assert ("第19问" in first, "第20问" in first) == (True, False)
    assert ("第19问" in second, "第24问" in second) == (False, True)
    found = text(client, f"{PAGE}versions/1/?q=0%25+是_")
    assert ("第07问" in found, "第06问" in found.split('id="records"')[1]) == (True, False)
    assert "No record contains" in text(client, f"{PAGE}?q=没有这样的话")
    for odd in ("page=0", "page=-1", "page=x", "page=²", "page=99999999999", "q=%00", "page=999"):
        text(client, f"{PAGE}?{odd}")


def test_hostile_texts_stay_texts(client, viewer, dataset, reviewer):
    evil = "<script>alert(1)</script>\u202e<b hx-get=/x hx-trigger=load>'\"{{ 7*7 }}"
    accepted(make_source("evil", name=evil[:100], licence=evil[:100]), reviewer, instruction=evil, draft=evil, input=evil)
    publishing.build(publishing.freeze(dataset, by=None).pk)
    client.force_login(viewer)
    page = text(client, f"{PAGE}?q=<script>")
    assert "<script>alert" not in page
    assert "<b hx-get" not in page
    assert "{{ 7*7 }}" in page


def test_who_may_come_in(client, viewer, reviewer, lead, admin, ready):
    public = ["/datasets/", PAGE, f"{PAGE}versions/1/", f"{PAGE}versions/1/progress/", f"{PAGE}versions/1/files/train.cqia.jsonl"]
    for path in [*public, "/datasets/new/"]:
        assert client.get(path).url.startswith("/accounts/login/")
    for user in (viewer, reviewer, lead, admin):
        client.force_login(user)
        assert [client.get(path).status_code for path in public] == [200] * len(public)
        assert client.get("/datasets/new/").status_code == (200 if user == admin else 403)
        assert client.post(f"{PAGE}freeze/", {"number": 1}).status_code == (302 if user == admin else 403)
        assert client.get(f"{PAGE}freeze/").status_code == 405
    for path in ("/datasets/nowhere/", f"{PAGE}versions/2/", f"{PAGE}versions/1/files/other", f"{PAGE}versions/1/files/%00"):
        assert client.get(path).status_code == 404


def test_a_missing_file_is_explained_on_the_page(client, viewer, ready):
    from datasets.exporting import path_of

    path_of(ready.files.get(schema="cqia")).unlink()
    client.force_login(viewer)
    page = client.get(f"{PAGE}versions/1/files/train.cqia.jsonl", follow=True)
    assert "not on the server at the moment" in page.content.decode()
