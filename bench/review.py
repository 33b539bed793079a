"""How fast people can decide: claim and submit over HTTP, at 10,000 and at 1,000,000 pairs. `make bench-review`.

The whole product runs as `make run` starts it: gunicorn, workers, beat, an embedded PostgreSQL with fsync. Reviewers are threads
of this script with a token or a session each and a kept connection. One alone claims and submits, and each is timed; sixteen
at once submit and are given the next item with the answer, as the page is, too. Times are those of the client, so they hold
the server's and more. Beside it stands the physical limit: `UPDATE … SKIP LOCKED` and an INSERT of the same rows, straight on the database.

    --small 10000 --large 1000000 --seconds 20
"""

import argparse
import http.client
import json
import re
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.house import House

REVIEWERS, ALONE = 16, 200
GOALS = {"claim_p95_ms": 25, "submit_p95_ms": 40, "decisions_per_s": 100, "large_to_small": 0.8, "doubled": 0, "lost": 0}
PEOPLE = f"""
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts.sessions import SessionStore
from accounts.models import ApiToken, User
from bench.defaults import set_defaults
from sources.models import ImportRun, Source
set_defaults()
made = []
for n in range({REVIEWERS}):
    user = User.objects.create(username=f"r{{n}}", role="reviewer", password="!")
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    made.append([ApiToken.issue(user, "bench")[1], session.session_key])
ImportRun.objects.create(source=Source.objects.get(slug="ruozhiba"), file_name="x.jsonl", size=1, sha256="x", state="succeeded")
print("PEOPLE " + json.dumps(made))
"""
SENTENCE = "把这句话拆开来看，前半句说的是时间，后半句说的是感觉，两件事用了同一个词，所以听起来像是矛盾。"
# Rows as importing, pairing and drafting leave them: a post, a pair and one draft each, 60 characters in and 240 out.
FILL = (
    """INSERT INTO sources_post (source_id, run_id, row, external_id, url, title, body, answer, author, question_id, context, raw,
       content_hash, status, drop_reason, drop_value, created_at)
       SELECT %(source)s, %(run)s, n, n::text, '', '第' || n || '个问题：保温杯里装冰水，它该保谁的温？', '', '', '', '', '[]', '{}',
       md5(n::text), 'kept', '', '', now() FROM generate_series(%(first)s::int, %(last)s::int) n""",
    """INSERT INTO annotation_pair (post_id, part, source_id, instruction, input, output, task_type, domain, hint, status, failure,
       reviews_wanted, version, created_at, updated_at)
       SELECT id, 0, source_id, title, '', title || repeat(%(text)s, 5), '{"major": [], "minor": []}', '[]', '', 'pending', '', 1, 1,
       now(), now() FROM sources_post WHERE row >= %(first)s ORDER BY id""",
    """INSERT INTO annotation_draft (pair_id, number, model, output, created_at)
       SELECT p.id, 1, '', p.output, now() FROM annotation_pair p JOIN sources_post s ON s.id = p.post_id WHERE s.row >= %(first)s
       ORDER BY p.id""",
    """INSERT INTO annotation_standing (post_id, run_id, source_id, status, reason)
       SELECT id, run_id, source_id, 'pending', '' FROM sources_post WHERE row >= %(first)s""",
    """INSERT INTO annotation_standingtally (run_id, status, reason, n) VALUES (%(run)s, 'pending', '', %(last)s - %(first)s + 1)""",
    """INSERT INTO sources_tally (run_id, status, reason, n) VALUES (%(run)s, 'kept', '', %(last)s - %(first)s + 1)""",
)


class Reviewer:
    """One person at one connection."""

    def __init__(self, address: str, token: str, session: str, source: str) -> None:
        self.address, self.token, self.session, self.source = address, token, session, source
        self.line = http.client.HTTPConnection(address, timeout=60)
        self.made: list[int] = []  # pairs that a 2xx said are decided
        self.times: dict[str, list[float]] = {"claim": [], "submit": [], "page": []}
        self.refused: Counter[Any] = Counter()
        self.seat: dict[str, Any] | None = None

    def _ask(self, kind: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        begun = time.perf_counter()
        self.line.request("POST", path, body, headers)
        answer = self.line.getresponse()
        said = answer.read()
        self.times[kind].append((time.perf_counter() - begun) * 1000)
        return answer.status, said

    def decide_by_api(self) -> bool:
        """A claim, and a submit."""
        self.seat = None
        return self.decide_and_go_on(goes_on=False)

    def decide_and_go_on(self, *, goes_on: bool = True) -> bool:
        """A submit that brings the next item; the first time, and where nothing was left, a claim before it."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if not self.seat:
            status, said = self._ask("claim", "/api/v1/assignments/", json.dumps({"source": self.source}).encode(), headers)
            if status != 201:
                self.refused[status] += 1
                return False
            self.seat = json.loads(said)
        seat, self.seat = self.seat, None
        pair = seat["pair"]
        body = {
            "assignment": seat["id"], "token": seat["token"], "verdict": "accept", "draft": seat["drafts"][0]["id"],
            "instruction": pair["instruction"], "input": pair["input"], "output": seat["drafts"][0]["output"], "seconds": 8.0,
            "near": next((check["pair"] for check in seat["checks"] if check["pair"]), 0),  # as the page says it, too
        }  # fmt: skip
        if goes_on:
            body["next"] = {"source": self.source}
        keyed = headers | {"Idempotency-Key": str(uuid.uuid4())}
        status, said = self._ask("submit", f"/api/v1/pairs/{pair['id']}/reviews/", json.dumps(body).encode(), keyed)
        if status == 201:
            self.made.append(pair["id"])
            self.seat = json.loads(said).get("next")
        else:
            self.refused[status] += 1
        return status == 201

    def open_page(self) -> None:
        """The page as a browser loads it; then its items, one after the other, as its script asks for them."""
        self.line.request("GET", f"/review/?source={self.source}", headers={"Cookie": f"sessionid={self.session}"})
        answer = self.line.getresponse()
        html = answer.read().decode()
        self.csrf = re.search(r"csrftoken=(\w+)", answer.headers.get("Set-Cookie", "")).group(1)  # type: ignore[union-attr]
        self.items = [_form(html)]

    def decide_by_page(self) -> bool:
        if not self.items:
            return False
        body = self.items.pop(0) | {"verdict": "accept", "seconds": "8.0", "have": ",".join(item["assignment"] for item in self.items)}
        if self.items:  # the next is on the screen by now
            body |= {"opened": self.items[0]["assignment"], "opened_token": self.items[0]["token"]}
        headers = {
            "Cookie": f"sessionid={self.session}; csrftoken={self.csrf}", "X-CSRFToken": self.csrf, "X-Requested-With": "fetch",
            "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        status, said = self._ask("page", "/review/decide/", urllib.parse.urlencode(body).encode(), headers)
        if status != 200:
            self.refused[status] += 1
            return False
        self.made.append(int(body["pair"]))
        self.items += [_form(item) for item in said.decode().split("<template data-item")[1:]]
        return True


def _form(html: str) -> dict[str, str]:
    """What a browser would send of one item."""
    form = html[html.index('id="decision"') :]
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))
    sent.update(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', html, re.DOTALL))
    return sent


def fill(house: House, first: int, last: int) -> None:
    ((source, run),) = house.sql("SELECT source_id, id FROM sources_importrun")
    with psycopg.connect(json.loads((house.var / "engines.json").read_text())["database"], autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # a million rows at once: what triggers count is written above
        for statement in FILL:
            connection.execute(statement, {"source": source, "run": run, "first": first, "last": last, "text": SENTENCE})
        connection.execute("VACUUM (ANALYZE) annotation_pair, annotation_draft, sources_post, annotation_standing")
        connection.execute("CHECKPOINT")  # what the filling left to be written is not what is measured


def together(reviewers: list[Reviewer], act: Callable[[Reviewer], bool], seconds: float) -> float:
    """All at once for so long. Gives decisions per second."""
    before = sum(len(one.made) for one in reviewers)
    end = time.perf_counter() + seconds

    def work(one: Reviewer) -> None:
        while time.perf_counter() < end:
            act(one)

    threads = [threading.Thread(target=work, args=(one,)) for one in reviewers]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (sum(len(one.made) for one in reviewers) - before) / (time.perf_counter() - begun)


BARE = """
    UPDATE bare_pair SET status = 'decided', lease_by = %(by)s WHERE id = (
        SELECT id FROM bare_pair WHERE status = 'pending' ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id"""
BARE_LOG = """
    INSERT INTO bare_review (pair_id, by_id, verdict, instruction, input, output, before, op_id, at)
    SELECT id, %(by)s, 'accept', instruction, input, output, '{}', gen_random_uuid(), now() FROM bare_pair WHERE id = %(pair)s"""


def bare(house: House, seconds: float) -> float:
    """The limit: the same rows, one UPDATE and one INSERT each in a transaction, 16 connections, no web."""
    address = json.loads((house.var / "engines.json").read_text())["database"]
    with psycopg.connect(address, autocommit=True) as one:
        one.execute("CREATE TABLE bare_pair AS SELECT id, status, instruction, input, output, 0 AS lease_by FROM annotation_pair")
        one.execute("ALTER TABLE bare_pair ADD PRIMARY KEY (id)")
        one.execute("CREATE INDEX ON bare_pair (id) WHERE status = 'pending'")
        one.execute(
            "CREATE TABLE bare_review (id bigserial PRIMARY KEY, pair_id bigint, by_id bigint, verdict text, instruction text, input text,"
            " output text, before jsonb, op_id uuid UNIQUE, at timestamptz)"
        )
        one.execute("VACUUM ANALYZE bare_pair")
    done, end = [0] * REVIEWERS, time.perf_counter() + seconds

    def work(n: int) -> None:
        with psycopg.connect(address) as connection:
            while time.perf_counter() < end:
                with connection.transaction():
                    if not (row := connection.execute(BARE, {"by": n}).fetchone()):
                        break
                    connection.execute(BARE_LOG, {"by": n, "pair": row[0]})
                done[n] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(REVIEWERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg.connect(address, autocommit=True) as one:
        one.execute("DROP TABLE bare_pair, bare_review")
    return sum(done) / seconds


def p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=20)[-1], 1)


def measure(house: House, people: list[list[str]], seconds: float) -> dict[str, Any]:
    address = urllib.parse.urlsplit(house.url).netloc
    reviewers = [Reviewer(address, token, session, "ruozhiba") for token, session in people]
    alone = reviewers[0]
    for _n in range(20):
        alone.decide_by_api()
    alone.times = {"claim": [], "submit": [], "page": []}
    for _n in range(ALONE):
        alone.decide_by_api()
    alone.open_page()
    for _n in range(ALONE):
        alone.decide_by_page()
    figures: dict[str, Any] = {f"{kind}_p95_ms": p95(times) for kind, times in alone.times.items()}
    figures |= {f"{kind}_p50_ms": round(statistics.median(times), 1) for kind, times in alone.times.items()}
    figures["decisions_per_s"] = round(together(reviewers, Reviewer.decide_and_go_on, seconds), 1)
    for one in reviewers:
        one.open_page()
    figures["page_decisions_per_s"] = round(together(reviewers, Reviewer.decide_by_page, seconds), 1)
    figures |= judged(house, reviewers)
    figures["bare_per_s"] = round(bare(house, seconds / 2), 1)
    figures["ratio_to_bare"] = round(figures["decisions_per_s"] / figures["bare_per_s"], 3)
    return figures


told: list[int] = []


def judged(house: House, reviewers: list[Reviewer]) -> dict[str, Any]:
    """What the database says against what the reviewers were told."""
    told.extend(pair for one in reviewers for pair in one.made)
    kept = Counter(pair for (pair,) in house.sql("SELECT pair_id FROM annotation_review"))
    refused = sum((one.refused for one in reviewers), Counter())
    return {
        "doubled": sum(n > 1 for n in kept.values()) + len(told) - len(set(told)),
        "lost": len(set(told) - set(kept)), "decided": len(told), "refused": dict(refused),
    }  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--small", type=int, default=10_000)
    asked.add_argument("--large", type=int, default=1_000_000)
    asked.add_argument("--seconds", type=float, default=15)
    sizes = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder) / "var", CQIA_DEMO="0")
        house.start()
        said = house.manage("shell", "-v", "0", "-c", PEOPLE).stdout
        people = json.loads(next(line for line in said.splitlines() if line.startswith("PEOPLE "))[7:])
        figures = {}
        for name, first, last in (("small", 1, sizes.small), ("large", sizes.small + 1, sizes.large)):
            begun = time.monotonic()
            fill(house, first, last)
            print(f"{last:,} pairs, filled in {time.monotonic() - begun:.0f} s", flush=True)
            figures[name] = measure(house, people, sizes.seconds)
            print(f"  {figures[name]}", flush=True)
        house.stop()
    large = figures["large"]
    large["large_to_small"] = round(large["decisions_per_s"] / figures["small"]["decisions_per_s"], 3)
    most = {"claim_p95_ms", "submit_p95_ms", "doubled", "lost"}
    held = {name: large[name] <= goal if name in most else large[name] >= goal for name, goal in GOALS.items()}
    print(json.dumps({"bench": "review", **large, "small": figures["small"], "goals": GOALS, "held": held}))


if __name__ == "__main__":
    main()
