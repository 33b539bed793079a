"""`make test-hosts`: web, three workers, PostgreSQL and Redis as separate hosts on this machine, each in a network namespace of its own
behind one switch. Posts are imported, drafted, reviewed and frozen; in mid-drafting one worker's host is cut off and killed, in
mid-import another. The work ends on the last. Needs root and `ip`.

What separate machines would share by a network file system (CQIA_VAR: uploads and files) is one folder here. What is printed stands in
docs/operations.md.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engines import PASSWORD, Postgres, Redis
from tests.house import ROOT, free_port, wait_for
from tests.processes.conftest import REPLY
from tests.processes.test_main_job import annual

NET, ROWS, DRAFTS = "10.177.0", 12_000, 3_000
HOSTS = {"client": 1, "database": 2, "redis": 3, "web": 4, "model": 5, "worker1": 11, "worker2": 12, "worker3": 13}
BEGUN = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGUN:6.1f} s  {text}", flush=True)


class Network:
    """Namespaces on one switch, which is a namespace too: nothing of the machine's own network is touched."""

    def __init__(self) -> None:
        self.tag = f"z{os.getpid() % 10_000}"
        self._ip("netns", "add", self.name("switch"))
        self._in("switch", "ip", "link", "add", "br0", "type", "bridge")
        self._in("switch", "ip", "link", "set", "br0", "up")
        for host, number in HOSTS.items():
            self._ip("netns", "add", self.name(host))
            self._in("switch", "ip", "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", self.name(host))
            self._in("switch", "ip", "link", "set", host, "master", "br0", "up")
            self._in(host, "ip", "address", "add", f"{NET}.{number}/24", "dev", "eth0")
            self._in(host, "ip", "link", "set", "eth0", "up")
            self._in(host, "ip", "link", "set", "lo", "up")

    def name(self, host: str) -> str:
        return f"{self.tag}-{host}"

    def address(self, host: str) -> str:
        return f"{NET}.{HOSTS[host]}"

    def enter(self, host: str) -> None:
        """This process (before its exec) or thread is on that host from now on."""
        with open(f"/run/netns/{self.name(host)}") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), "setns")

    def cut(self, host: str) -> None:
        self._in("switch", "ip", "link", "set", host, "down")

    def remove(self) -> None:
        for host in [*HOSTS, "switch"]:
            subprocess.run(["ip", "netns", "del", self.name(host)], check=False, capture_output=True)

    def _in(self, host: str, *command: str) -> None:
        self._ip("netns", "exec", self.name(host), *command)

    @staticmethod
    def _ip(*command: str) -> None:
        subprocess.run(["ip", *command], check=True, capture_output=True)


class Town:
    def __init__(self, net: Network, folder: Path) -> None:
        self.lost: set[str] = set()
        self.net, self.folder, self.running = net, folder, {host: [] for host in HOSTS}  # type: dict[str, list[Any]]
        self.postgres, self.redis = Postgres(folder / "postgres", net.address("database")), Redis(folder / "redis", net.address("redis"))
        for host, engine in (("database", self.postgres), ("redis", self.redis)):
            engine.enter = lambda host=host: net.enter(host)  # type: ignore[method-assign]
            engine.start()
        model = free_port()
        self.url, self.model_url = f"http://{net.address('web')}:8000", f"http://{net.address('model')}:{model}"
        self.environment = os.environ | {
            "DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url, "SECRET_KEY": PASSWORD * 5, "CQIA_VAR": str(folder / "shared"),
            "ALLOWED_HOSTS": net.address("web"), "OPENAI_BASE_URL": self.model_url + "/v1", "OPENAI_API_KEY": "sk-of-the-tests",
            "OPENAI_MODEL": "gpt-4o-mini", "CQIA_DEMO": "0", "CQIA_BIND": f"{net.address('web')}:8000",
        }  # fmt: skip
        self.start("model", "llmock.cli", "serve", "--host", net.address("model"), "--port", str(model), "--latency-ms", "150",
                   "--log-level", "error")  # fmt: skip

    def start(self, host: str, *module: str, **more: str) -> None:
        with open(self.folder / f"{host}.log", "ab") as log:
            self.running[host].append(subprocess.Popen(
                [sys.executable, "-m", *module], cwd=ROOT, env=self.environment | more, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=lambda: self.net.enter(host),
            ))  # fmt: skip

    def manage(self, *arguments: str, **more: str) -> str:
        """On the web host."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment | more, capture_output=True, text=True,
            preexec_fn=lambda: self.net.enter("web"), check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"manage.py {arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def workers(self, host: str) -> None:
        for queue in ("work", "draft"):
            self.start(host, "celery", "-A", "cqia", "worker", "--pool", "threads", "-c", "4", "--without-gossip", "--without-mingle",
                       "-Q", queue, "-n", f"{queue}@{host}", CQIA_PROCESS="worker")  # fmt: skip
        self.start(host, "celery", "-A", "cqia", "beat", "--pidfile=", "-s", str(self.folder / f"beat-{host}"), CQIA_PROCESS="worker")

    def kill(self, host: str) -> None:
        for process in self.running[host]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | headers
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method, data=data, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, said = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, said = error.code, error.read()
        try:
            return status, json.loads(said)
        except ValueError:  # lines of a dataset, or nothing
            return status, said

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def busy(self) -> str:
        """The worker host that speaks to the database most."""
        by_address = {self.net.address(host): host for host in HOSTS if host.startswith("worker") and host not in self.lost}
        seen = Counter(dict.fromkeys(by_address, 0))
        for _n in range(30):
            rows = self.sql("SELECT host(client_addr) FROM pg_stat_activity WHERE state <> 'idle' AND client_addr IS NOT NULL")
            seen.update(one for (one,) in rows if one in by_address)
            time.sleep(0.02)
        return by_address[seen.most_common(1)[0][0]]

    def lose(self, host: str) -> None:
        self.lost.add(host)
        self.net.cut(host)
        say(f"{host} is cut off from the network in mid-work")
        time.sleep(3)
        self.kill(host)
        say(f"{host} is killed (kill -9 of all that runs there); nobody was told")

    def stop(self) -> None:
        for host in HOSTS:
            self.kill(host)
        self.postgres.stop()
        self.redis.stop()


def work(town: Town) -> None:
    town.manage("migrate", "-v", "0")
    town.manage("load_demo")
    town.manage("create_user", "admin", "--role", "admin")
    town.token = town.manage("create_token", "admin").splitlines()[-1]
    town.start("web", "gunicorn", "-c", "cqia/gunicorn_config.py", "cqia.wsgi", CQIA_PROCESS="web")
    for host in ("worker1", "worker2", "worker3"):
        town.workers(host)
    wait_for(lambda: is_ready(town), 180, every=1)
    say("web, worker1, worker2, worker3, PostgreSQL and Redis are up: /readyz is 200")
    scenario = json.dumps({"behaviors": [{"type": "reply", "text": REPLY, "times": None}]}).encode()
    request = urllib.request.Request(town.model_url + "/_llmock/scenario", scenario, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).read()
    drafting(town)
    importing(town)
    reviewing(town)
    say("verify: " + town.manage("verify"))


def is_ready(town: Town) -> bool:
    try:
        return urllib.request.urlopen(town.url + "/readyz", timeout=5).status == 200
    except OSError:
        return False


def importing(town: Town) -> None:
    lines = annual(town.folder / "annual.json", ROWS).read_bytes()
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="annual.json"\r\n\r\n' + lines + b"\r\n--b--\r\n"
    status, run = town.api("POST", "/sources/ruozhiba/imports/", body, **{"Content-Type": "multipart/form-data; boundary=b"})
    say(f"import of {ROWS:,} rows ordered: {status}")
    wait_for(lambda: counts(town)["read"] >= 1_500, 120, every=0.02)
    town.lose(town.busy())
    wait_for(lambda: town.api("GET", f"/imports/{run['id']}/")[1]["status"] == "succeeded", 180, every=0.5)
    say(f"import succeeded: {counts(town)}")
    assert counts(town)["created"] == ROWS


def counts(town: Town) -> dict[str, int]:
    read, created, known, rejected = town.sql("SELECT read, created, known, rejected FROM sources_importrun ORDER BY id DESC LIMIT 1")[0]
    return {"read": read, "created": created, "known": known, "rejected": rejected}


def drafting(town: Town) -> None:
    town.manage("import_posts", "ruozhiba", str(annual(town.folder / "first.json", DRAFTS, seed=3)))
    status, run = town.api("POST", "/sources/ruozhiba/draft-runs/", {"force": True})
    say(f"{DRAFTS} drafts ordered: {status} {'' if status == 202 else run}")
    sent = "SELECT count(*) FROM annotation_modelcall WHERE sent_at IS NOT NULL"
    wait_for(lambda: town.sql(sent)[0][0] >= 60, 120, every=0.02)
    town.lose(town.busy())
    assert town.sql("SELECT 1 FROM annotation_pair WHERE status = 'drafting' LIMIT 1"), "all was done before anybody was lost"
    wait_for(lambda: not town.sql("SELECT 1 FROM annotation_pair WHERE status = 'drafting' LIMIT 1"), 240, every=0.5)
    states = dict(town.sql("SELECT state, count(*) FROM annotation_modelcall GROUP BY state"))
    twice = town.sql("SELECT key FROM annotation_modelcall WHERE sent_at IS NOT NULL GROUP BY key HAVING count(*) > 1")
    say(f"no pair waits for a draft any more: calls by state {states}, paid twice {len(twice)}; unknown ones wait for a person's word")
    assert not twice


def reviewing(town: Town) -> None:
    for _turn in range(20):
        _status, seat = town.api("POST", "/assignments/", {"source": "ruozhiba"})
        pair, draft = seat["pair"], seat["drafts"][0]
        body = {"assignment": seat["id"], "token": seat["token"], "verdict": "accept", "draft": draft["id"], "output": draft["output"]}
        body |= {"instruction": pair["instruction"], "input": pair["input"]}
        assert town.api("POST", f"/pairs/{pair['id']}/reviews/", body, **{"Idempotency-Key": str(uuid.uuid4())})[0] == 201
    say("20 pairs reviewed over the web host")
    assert town.api("POST", "/datasets/", {"slug": "first", "name": "第一份", "sources": ["ruozhiba"]})[0] == 201
    assert town.api("POST", "/datasets/first/versions/", {"include_unknown_licence": True})[0] == 202
    wait_for(lambda: (town.api("GET", "/datasets/first/versions/1/")[1] or {}).get("status") == "ready", 120)
    status, said = town.api("GET", "/datasets/first/versions/1/files/train.cqia.jsonl")
    lines = said.splitlines() if isinstance(said, bytes) else [json.dumps(said)]
    say(f"version 1 is ready and was fetched: {status}, {len(lines)} records")


def main() -> None:
    net = Network()
    try:
        net.enter("client")
        with tempfile.TemporaryDirectory(prefix="zhumo-hosts-", dir="/tmp") as folder:
            town = Town(net, Path(folder))
            try:
                work(town)
            finally:
                town.stop()
    finally:
        net.remove()


if __name__ == "__main__":
    main()
