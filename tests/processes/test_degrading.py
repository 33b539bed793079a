"""A part of the house is away: what people can do meanwhile, what they are told, and that work goes on when it is back."""

import json
import time
import urllib.error
import urllib.request
import uuid

import pytest

from cqia.broker import ASKED_EVERY
from tests.browser import desk
from tests.browser.conftest import chromium
from tests.engines import Postgres, Redis
from tests.house import House, wait_for

__all__ = ["chromium"]  # the fixture

pytestmark = pytest.mark.soak
PATIENCE = 3.0  # seconds: no request may take longer because the broker is away
PEOPLE = """
import json
from accounts.models import ApiToken, User
from sources.models import Source
from tests.browser.desk import cookie_for, make_queue
Source.objects.filter(slug="ruozhiba").delete()
make_queue([f"第{n}问：谁来答？" for n in range(30)])
said = {}
for role in ("admin", "lead", "reviewer"):
    user = User.objects.filter(username=role).first() or User.objects.create(username=role, role=role, password="!")
    said[role] = [ApiToken.issue(user, "x")[1], cookie_for(user, "")["value"]]
print("PEOPLE " + json.dumps(said))
"""


class Town:
    """A house with PostgreSQL and Redis outside of it, and three people."""

    def __init__(self, folder) -> None:
        self.postgres, self.redis = Postgres(folder / "postgres"), Redis(folder / "redis")
        self.postgres.start()
        self.redis.start()
        self.house = House(folder / "var", CQIA_DEMO="0", DATABASE_URL=self.postgres.url, REDIS_URL=self.redis.url)
        self.house.start(seconds=300)
        said = self.house.manage("shell", "-v", "0", "-c", PEOPLE).stdout
        self.people = json.loads(next(line for line in said.splitlines() if line.startswith("PEOPLE "))[7:])

    def api(self, role: str, method: str, path: str, body=None, **headers) -> tuple[int, object, float]:
        begun = time.monotonic()
        status, said = self.house.api(method, path, self.people[role][0], body, **headers)
        return status, said, time.monotonic() - begun

    def page(self, role: str, path: str) -> tuple[int, str, dict, float]:
        headers = {"Cookie": f"sessionid={self.people[role][1]}", "Accept-Language": "en"}
        request = urllib.request.Request(self.house.url + path, headers=headers)
        begun = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, text, headers = answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            status, text, headers = error.code, error.read().decode(), error.headers
        return status, text, headers, time.monotonic() - begun

    def upload(self, rows: int) -> tuple[int, dict, float]:
        lines = "\n".join(json.dumps({"title": f"第{n}个问题{uuid.uuid4().hex}，它该问谁？"}, ensure_ascii=False) for n in range(rows))
        body = f'--b\r\nContent-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\n{lines}\r\n--b--\r\n'.encode()
        headers = {"Authorization": f"Bearer {self.people['admin'][0]}", "Content-Type": "multipart/form-data; boundary=b"}
        request = urllib.request.Request(self.house.url + "/api/v1/sources/ruozhiba/imports/", body, headers)
        begun = time.monotonic()
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read()), time.monotonic() - begun

    def review_one(self) -> float:
        """Claim and decide as a reviewer. Gives the seconds of the slower request."""
        status, seat, claim = self.api("reviewer", "POST", "/assignments/", {})
        assert status == 201, seat
        pair, draft = seat["pair"], seat["drafts"][0]
        body = {"assignment": seat["id"], "token": seat["token"], "verdict": "accept", "draft": draft["id"], "output": draft["output"]}
        body |= {"instruction": pair["instruction"], "input": pair["input"]}
        status, said, submit = self.api("reviewer", "POST", f"/pairs/{pair['id']}/reviews/", body, **{"Idempotency-Key": str(uuid.uuid4())})
        assert status == 201, said
        return max(claim, submit)

    def stop(self) -> None:
        self.house.stop()
        self.postgres.stop()
        self.redis.stop()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    made.stop()


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_without_the_broker_people_go_on_are_told_and_work_is_done_afterwards(town: Town, fault):
    getattr(town.redis, fault)()
    status, run, slowest = town.upload(50)
    assert status == 202
    time.sleep(ASKED_EVERY)  # each web process asks the broker as often as this
    for turn in range(3):
        slowest = max(slowest, town.review_one(), town.upload(2)[2])
        for role, told in (("admin", True), ("lead", True), ("reviewer", False)):
            status, text, _headers, took = town.page(role, "/sources/" if told else "/accounts/password/")
            assert status == 200
            assert ("The broker (Redis) does not answer" in text) == told, (role, turn)
            slowest = max(slowest, took)
    assert slowest < PATIENCE
    assert urllib.request.urlopen(town.house.url + "/healthz", timeout=5).status == 200
    assert town.api("admin", "GET", f"/imports/{run['id']}/")[1]["status"] in ("queued", "running")

    town.redis.start() if fault == "kill" else town.redis.thaw()
    wait_for(lambda: town.api("admin", "GET", f"/imports/{run['id']}/")[1]["status"] == "succeeded", 120)
    wait_for(lambda: "does not answer" not in town.page("admin", "/sources/")[1], 40)


def test_without_the_database_everything_is_503_at_once_and_comes_back(town: Town):
    for role in town.people:  # so that web threads hold connections that die
        assert town.page(role, "/accounts/password/")[0] == 200
    town.postgres.kill()
    try:
        for path in ("/", "/sources/", "/review/", "/datasets/", "/admin/", "/accounts/password/"):
            status, text, headers, took = town.page("admin", path)
            assert (status, headers["Retry-After"], took < 5) == (503, "5", True), path
            assert "<h1>" in text
        status, said, took = town.api("admin", "GET", "/me/")
        assert (status, said["code"], took < 5) == (503, "database_down", True)
        assert urllib.request.urlopen(town.house.url + "/healthz", timeout=5).status == 200
    finally:
        town.postgres.start()
    wait_for(lambda: town.page("admin", "/sources/")[0] == 200, 30)


def test_what_was_typed_while_the_database_was_away_is_kept_and_saved_afterwards(town: Town, chromium):
    context = chromium.new_context(locale="zh-CN")
    context.add_cookies([{"name": "sessionid", "value": town.people["reviewer"][1], "url": town.house.url}])
    page = context.new_page()
    page.goto(town.house.url + "/review/")
    pair = desk.ready(page)
    page.keyboard.press("e")
    town.postgres.kill()
    try:
        desk.write(page, "#output", "数据库不在的时候写下的一段话，一个字也不能少。")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector('#main:not([data-unsent="0"])')
        time.sleep(3)
        assert page.get_attribute("#main", "data-unsent") == "1"
    finally:
        town.postgres.start()
    page.wait_for_selector('#main[data-unsent="0"]', timeout=90_000)
    context.close()
    texts = town.house.sql("SELECT verdict, output FROM annotation_review WHERE pair_id = %s", int(pair))
    assert texts == [("edit", "数据库不在的时候写下的一段话，一个字也不能少。")]
