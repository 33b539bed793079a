"""From a URL to an import: the job, its pages and its API. Who is fetched from is a server of the test's, on the loopback."""

import json
import socket
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from rest_framework.test import APIClient

from sources import downloading, fetch_wording, tasks
from sources.downloading import Refused, order, run_fetch
from sources.fetching import Fetcher
from sources.importing import run_import
from sources.models import Fetch, ImportRun, Post
from tests.builders import make_source
from tests.sources.strangers import OPEN, Names, Stranger, answer, for_ever

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("uploads")]
ROWS = '{"title": "影子会不会怕黑？", "href": "/p/1"}\n{"title": "闹钟会不会失眠？", "href": "/p/2"}\n'.encode()
URL = "https://files.example/posts.jsonl"


@pytest.fixture
def there():
    """A stranger who gives `there.said`."""
    stranger = Stranger(socket.AF_INET, OPEN, lambda *_: stranger.said)
    stranger.said = answer(ROWS)
    stranger.url = f"http://files.example:{stranger.port}/posts.jsonl"
    yield stranger
    stranger.close()


def fetcher(**limits):
    return Fetcher(**{"limit": 10_000, "resolve": Names(**{"files.example": [OPEN]}), "is_public": lambda ip: ip == OPEN, **limits})


def fetched(there, source=None, **options):
    fetch, _ = order(source or make_source(platform="tieba"), url=there.url, by=None, **options)
    run = run_fetch(fetch.pk, fetcher())
    fetch.refresh_from_db()
    return fetch, run


class TestJob:
    def test_the_bytes_become_an_import_like_an_upload(self, there, admin, uploads):
        source = make_source(platform="tieba")
        fetch, created = order(source, url=f"  {there.url}\n", by=admin)
        assert (created, fetch.state, fetch.url) == (True, "queued", there.url)
        run = run_fetch(fetch.pk, fetcher())
        fetch.refresh_from_db()
        assert (fetch.state, fetch.run, fetch.received, fetch.error_code) == ("succeeded", run, len(ROWS), "")
        assert (run.source, run.by, run.file_name, run.size, run.state) == (source, admin, "posts.jsonl", len(ROWS), "queued")
        assert (uploads / run.sha256).read_bytes() == ROWS
        run_import(run.pk)
        assert Post.objects.count() == 2

    def test_format_and_columns_are_those_that_were_asked_for(self, there):
        there.said = answer('{"问": "谁？"}\n'.encode("gb18030"))
        _fetch, run = fetched(there, importer="generic", mapping={"title": "问"}, encoding="gb18030")
        assert (run.importer, run.mapping, run.encoding) == ("generic", {"title": "问"}, "gb18030")
        run_import(run.pk)
        assert Post.objects.get().title == "谁？"

    def test_one_that_is_only_to_be_tried_becomes_a_dry_run_and_nothing_when_it_was_imported_before(self, there):
        source = make_source(platform="tieba")
        fetch, dry = fetched(there, source, dry_run=True)
        assert (fetch.state, fetch.run, fetch.dry_run, dry.file_name, dry.state) == ("succeeded", None, dry, "posts.jsonl", "queued")
        assert not ImportRun.objects.exists()
        _fetch, run = fetched(there, source)
        again, came = fetched(there, source, dry_run=True)
        assert (came, again.run, again.dry_run) == (run, run, None)

    def test_a_cancelled_one_ends_in_the_middle_and_leaves_nothing(self, there, uploads, monkeypatch):
        there.said = answer(ROWS * 4000)
        monkeypatch.setattr(downloading, "EVERY", 0.0)
        fetch, _ = order(make_source(), url=there.url, by=None)
        hold = Fetch.hold

        def cancelled_meanwhile(self, **changes):
            if changes:
                assert downloading.cancel(Fetch.objects.get(pk=self.pk))
            hold(self, **changes)

        monkeypatch.setattr(Fetch, "hold", cancelled_meanwhile)
        assert run_fetch(fetch.pk, fetcher(limit=10_000_000)) is None
        fetch.refresh_from_db()
        assert (fetch.state, fetch.run, list(uploads.iterdir())) == ("cancelled", None, [])
        assert not downloading.cancel(fetch)
        monkeypatch.undo()
        assert order(fetch.source, url=there.url, by=None)[1], "it may be ordered again"

    def test_the_same_bytes_again_are_the_earlier_import(self, there):
        source = make_source()
        (first, run), (second, again) = fetched(there, source), fetched(there, source)
        assert (run, first.pk == second.pk, ImportRun.objects.count()) == (again, False, 1)

    def test_the_same_url_twice_at_a_time_is_one_fetch(self, there):
        source = make_source()
        first, again = order(source, url=there.url, by=None), order(source, url=there.url, by=None)
        assert (first, again) == ((first[0], True), (first[0], False))
        with pytest.raises(IntegrityError), transaction.atomic():
            Fetch.objects.create(source=source, url=there.url)
        assert order(make_source(), url=there.url, by=None)[1]

    def test_a_doubled_hint_asks_nobody_twice(self, there):
        fetch, _run = fetched(there)
        assert run_fetch(fetch.pk, fetcher()) is None
        assert run_fetch(10**9, fetcher()) is None
        assert there.met == 1

    @pytest.mark.parametrize(
        ("said", "code", "words"),
        [(answer(b"x", "404 Not Found"), "http_status", "404"), (answer(b"x" * 9, Content_Length=99), "broke_off", "broke off"),
         (b"x", "not_http", "cannot be read"), (answer(b"x", Content_Encoding="b\0r"), "encoding_refused", "(br)"),
         (answer(b"<script>", Content_Encoding="<script>"), "encoding_refused", "<script>")],
    )  # fmt: skip
    def test_what_a_server_does_wrong_is_told_and_leaves_nothing(self, there, uploads, said, code, words):
        there.said = said
        fetch, run = fetched(there)
        assert (run, fetch.state, fetch.error_code, fetch.run) == (None, "failed", code, None)
        with translation.override("en"):
            assert words in downloading.describe(fetch)
        assert not ImportRun.objects.exists()
        assert not list(uploads.iterdir() if uploads.exists() else [])

    def test_too_much_is_cut_off_and_not_kept(self, there, uploads):
        there.said = for_ever(answer(), bytes(4000))
        fetch, run = fetched(there)
        assert (run, fetch.error_code, list(uploads.iterdir())) == (None, "too_large", [])

    def test_whoever_has_lost_the_lease_writes_nothing(self, there, uploads):
        source = make_source()
        fetch, _ = order(source, url=there.url, by=None)

        def stolen(_host, _seconds):
            Fetch.objects.update(lease_token="00000000-0000-4000-8000-000000000000")
            return [OPEN]

        assert run_fetch(fetch.pk, fetcher(resolve=stolen)) is None
        assert (Fetch.objects.get().state, ImportRun.objects.count()) == ("running", 0)
        assert not uploads.exists()

    def test_a_fetch_whose_workers_die_fails_in_the_end(self, there):
        fetch, _ = order(make_source(), url=there.url, by=None)
        for _ in range(3):
            assert Fetch.claim(fetch.pk)
            Fetch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert run_fetch(fetch.pk, fetcher()) is None
        fetch.refresh_from_db()
        assert (fetch.state, fetch.error_code, there.met) == ("failed", "worker_lost", 0)

    def test_the_lease_is_renewed_while_bytes_come(self, there, monkeypatch):
        monkeypatch.setattr(downloading, "EVERY", 0)
        held = []
        monkeypatch.setattr(Fetch, "hold", lambda self, **changes: held.append(changes))
        fetched(there)
        assert held == [{}, {"received": len(ROWS)}, {"received": len(ROWS)}]

    @pytest.mark.parametrize("url", ["", "file:///etc/passwd", "http://u:p@x/", "http://x:6379/", "http://x/" + "长" * 1000, "http://x/\0"])
    def test_what_is_no_url_is_refused_before_there_is_a_row(self, url):
        with pytest.raises(Refused):
            order(make_source(), url=url, by=None)
        assert not Fetch.objects.exists()

    def test_switched_off_it_takes_no_orders_and_does_not_do_those_that_wait(self, there, settings):
        fetch, _ = order(make_source(), url=there.url, by=None)
        settings.FETCH = False
        with pytest.raises(Refused, match="fetching_off"):
            order(make_source(), url=there.url, by=None)
        run_fetch(fetch.pk, fetcher())
        fetch.refresh_from_db()
        assert (fetch.state, fetch.error_code, there.met) == ("failed", "fetching_off", 0)

    def test_a_real_fetcher_goes_to_no_loopback(self, there):
        fetch, _ = order(make_source(), url=f"http://{OPEN}:{there.port}/", by=None)
        run_fetch(fetch.pk)
        fetch.refresh_from_db()
        assert (fetch.error_code, there.met) == ("address_refused", 0)


class TestTasks:
    @pytest.fixture
    def hints(self, monkeypatch):
        sent = []
        monkeypatch.setattr(tasks, "send_hint", lambda task, *ids: sent.append((task.name, *ids)))
        monkeypatch.setattr(tasks, "send_hints", lambda task, ids: sent.extend((task.name, pk) for pk in ids))
        return sent

    def test_the_import_is_due_once_the_file_is_here(self, there, hints, monkeypatch):
        monkeypatch.setattr(downloading, "Fetcher", lambda limit: fetcher())
        fetch, _ = order(make_source(), url=there.url, by=None)
        tasks.fetch_url(fetch.pk)
        tasks.fetch_url(fetch.pk)
        assert hints == [("sources.tasks.import_file", ImportRun.objects.get().pk)]

    def test_waiting_ones_are_hinted_at_again(self, there, hints):
        fetch, _ = order(make_source(), url=there.url, by=None)
        tasks.resend_hints()
        assert ("sources.tasks.fetch_url", fetch.pk) in hints


class TestPages:
    @pytest.fixture
    def browser(self, client, admin):
        client.force_login(admin)
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
        return client

    def test_from_the_form_to_the_dry_run(self, browser, there, admin):
        source = make_source("a")
        assert 'action="/sources/a/import/fetch/"' in browser.get("/sources/a/import/").content.decode()
        to = browser.post("/sources/a/import/fetch/", {"url": there.url, "importer": ""}).headers["Location"]
        fetch = Fetch.objects.get()
        assert (to, fetch.by, fetch.source) == (f"/sources/fetches/{fetch.pk}/", admin, source)
        assert 'hx-trigger="every 1s"' in browser.get(to).content.decode()
        assert "HX-Refresh" not in browser.get(f"{to}progress/").headers
        dry = run_fetch(fetch.pk, fetcher())
        assert browser.get(f"{to}progress/").headers["HX-Refresh"] == "true"
        assert browser.get(to).headers["Location"] == f"/sources/dry-runs/{dry.pk}/"

    def test_it_can_be_stopped(self, browser, there):
        make_source("a")
        to = browser.post("/sources/a/import/fetch/", {"url": there.url}).headers["Location"]
        assert "Stop fetching" in browser.get(to).content.decode()
        page = browser.post(f"{to}cancel/", follow=True).content.decode()
        assert Fetch.objects.get().state == "cancelled"
        assert "Nothing of the file was kept" in page
        assert "Stop fetching" not in page

    def test_the_page_of_no_source_asks_for_one(self, browser, there):
        make_source("a")
        source = make_source("b")
        assert browser.get("/sources/import/").content.decode().count('name="source"') == 2
        browser.post("/sources/import/fetch/", {"url": there.url, "source": "b"})
        assert Fetch.objects.get().source == source

    def test_a_file_that_was_here_before_is_said_to_be(self, browser, there):
        source = make_source("a")
        fetched(there, source)
        fetch, run = fetched(there, source)
        page = browser.get(f"/sources/fetches/{fetch.pk}/", follow=True)
        assert (page.context["run"], "imported before" in page.content.decode()) == (run, True)

    @pytest.mark.parametrize("url", ["", "x", "file:///etc/passwd", "http://u:p@x/", "http://x:22/", '"><script>alert(1)</script>'])
    def test_a_bad_address_is_said_beside_it(self, browser, url):
        make_source("a")
        page = browser.post("/sources/a/import/fetch/", {"url": url})
        text = page.content.decode()
        assert page.status_code == 400
        assert 'id="fetch_url_err"' in text
        assert "<script>alert" not in text
        assert not Fetch.objects.exists()

    def test_a_failure_is_a_sentence_and_hostile_text_stays_text(self, browser, there):
        there.said = answer(b"x", Content_Encoding="<script>alert(1)")
        there.url += "?<script>alert(1)</script>"
        fetch, _ = fetched(there)
        text = browser.get(f"/sources/fetches/{fetch.pk}/").content.decode()
        assert "in a compression that it was not asked for (&lt;script&gt;alert(1))" in text
        assert "<script>alert" not in text

    @pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
    def test_it_is_for_admins(self, client, make_user, there, role):
        fetch, _ = fetched(there, make_source("a"))
        client.force_login(make_user(role))
        answers = [
            client.post("/sources/a/import/fetch/", {"url": URL}),
            client.post("/sources/import/fetch/", {"url": URL, "source": "a"}),
            client.get(f"/sources/fetches/{fetch.pk}/"),
            client.get(f"/sources/fetches/{fetch.pk}/progress/"),
            client.post(f"/sources/fetches/{fetch.pk}/cancel/"),
            client.post(f"/api/v1/fetches/{fetch.pk}/cancel/"),
        ]
        assert [answer.status_code for answer in answers] == [403] * 6
        assert Fetch.objects.count() == 1

    def test_switched_off_it_is_not_offered(self, browser, settings):
        settings.FETCH = False
        make_source("a")
        assert "import/fetch/" not in browser.get("/sources/a/import/").content.decode()
        assert browser.post("/sources/a/import/fetch/", {"url": URL}).status_code == 404


class TestApi:
    @pytest.fixture
    def api(self, admin):
        client = APIClient()
        client.force_authenticate(admin)
        return client

    def test_a_url_is_taken_and_becomes_an_import(self, api, there):
        make_source("a")
        body = {"url": there.url, "mapping": {"title": "title"}, "encoding": "gb18030"}
        answer = api.post("/api/v1/sources/a/imports/", body, format="json")
        said = answer.json()
        assert (answer.status_code, said["status"], said["source"], said["url"]) == (202, "queued", "a", there.url)
        assert (said["import_id"], said["error"]) == (None, None)
        run = run_fetch(said["id"], fetcher())
        said = api.get(f"/api/v1/fetches/{said['id']}/").json()
        assert (said["status"], said["import_id"], said["received"]) == ("succeeded", run.pk, len(ROWS))
        assert api.get(f"/api/v1/imports/{run.pk}/").json().items() >= {"mapping": {"title": "title"}, "encoding": "gb18030"}.items()

    def test_it_is_only_tried_or_cancelled(self, api, there):
        make_source("a")
        said = api.post("/api/v1/sources/a/imports/", {"url": there.url, "dry_run": True}, format="json").json()
        dry = run_fetch(said["id"], fetcher())
        said = api.get(f"/api/v1/fetches/{said['id']}/").json()
        assert (said["import_id"], said["dry_run_id"]) == (None, dry.pk)
        other = api.post("/api/v1/sources/a/imports/", {"url": there.url}, format="json").json()
        assert api.post(f"/api/v1/fetches/{other['id']}/cancel/").json()["status"] == "cancelled"
        assert run_fetch(other["id"], fetcher()) is None

    def test_while_it_is_under_way_it_is_not_ordered_again(self, api):
        make_source("a")
        answers = [api.post("/api/v1/sources/a/imports/", {"url": URL}, format="json") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 200]
        assert answers[0].json()["id"] == answers[1].json()["id"]

    @pytest.mark.parametrize(
        ("url", "code"), [("file:///etc/passwd", "scheme_refused"), ("http://x:22/", "port_refused"), ("x", "bad_url"),
         ("http://a@b/", "userinfo_refused")]
    )  # fmt: skip
    def test_a_bad_address_is_a_problem_with_a_code(self, api, url, code):
        make_source("a")
        answer = api.post("/api/v1/sources/a/imports/", {"url": url}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert answer.json()["detail"] not in ("", code)

    @pytest.mark.parametrize(
        "body", [{"url": ""}, {"url": None}, {"url": ["x"]}, {"url": URL, "mapping": []}, {"url": URL, "mapping": {"no": "x"}},
                 {"url": URL, "importer": "no"}, {"url": URL, "encoding": "no"}, {}, [], ["url"], "url", 7, None]
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, api, body):
        make_source("a")
        assert api.post("/api/v1/sources/a/imports/", json.dumps(body), content_type="application/json").status_code == 400
        assert not Fetch.objects.exists()

    def test_a_failure_has_a_code_and_a_sentence(self, api, there):
        there.said = answer(b"x", "503 Busy")
        fetch, _ = fetched(there)
        error = api.get(f"/api/v1/fetches/{fetch.pk}/").json()["error"]
        assert (error["code"], "503" in error["detail"]) == ("http_status", True)

    def test_switched_off_it_says_so(self, api, settings):
        settings.FETCH = False
        make_source("a")
        answer = api.post("/api/v1/sources/a/imports/", {"url": URL}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, "fetching_off")

    def test_it_is_for_admins(self, lead, there):
        fetch, _ = fetched(there, make_source("a"))
        client = APIClient()
        client.force_authenticate(lead)
        assert client.post("/api/v1/sources/a/imports/", {"url": URL}, format="json").status_code == 403
        assert client.get(f"/api/v1/fetches/{fetch.pk}/").status_code == 403


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_every_code_is_a_sentence_in_the_readers_language(language):
    params = {"port": 22, "host": "x.example", "limit": 3, "status": 404, "encoding": "br"}
    with translation.override(language):
        for code in fetch_wording.CODES:
            said = fetch_wording.sentence(code, params)
            assert said.endswith("。"), code
            assert "%(" not in said
    assert fetch_wording.sentence("port_refused", {}) == "port_refused"
    assert fetch_wording.sentence("what?", {}) == "what?"
