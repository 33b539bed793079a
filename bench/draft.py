"""Drafting against a loopback server that answers in 200 ms: our worker beside a bare thread pool around the same client.

Both keep 64 calls in flight in the same run, one process each: the goal is judged by that. Beside it, what two of our workers with 32
calls each come to, where the pool still has one process. Ours are real Celery workers, with the ledger, the limits, PostgreSQL and
Redis. Rates are what the server saw, from the first request to the last. Then three workers share a limit of 600 requests a minute
for a good minute: used to 95 % and more, and never above in any 60 seconds. The last line is JSON.
"""

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cqia import embedded  # noqa: E402

IN_FLIGHT, DELAY = 64, 0.2
CALLS, LIMITED_SECONDS, LIMIT = 2_500, 62, 600
GOALS = {"share_of_bare": 0.85, "limit_used": 0.95, "limit_broken": 1.0, "worker_mb": 250}
REPLY = "因为月亮本身不发光，只反射太阳光，所以谈不上给它换灯泡。看到的明暗变化，是它被照亮的一面朝向我们的角度在变。" * 3


# --- the server -------------------------------------------------------------------------------------------------------
class Answers(asyncio.Protocol):
    """HTTP as far as it takes: every POST is answered after DELAY, GET tells when requests came, DELETE forgets them."""

    came: list[float] = []
    body = json.dumps({
        "id": "c", "object": "chat.completion", "created": 0, "model": "bench-1", "usage": {"prompt_tokens": 900, "completion_tokens": 150},
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPLY}}],
    }).encode()  # fmt: skip

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport, self.held = transport, b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            found = re.search(rb"content-length: *(\d+)", head)
            length = int(found.group(1)) if found else 0
            if len(self.held) < end + 4 + length:
                return
            self.held = self.held[end + 4 + length :]
            if head.startswith(b"post"):
                self.came.append(time.time())
                asyncio.get_running_loop().call_later(DELAY, self.send, self.body)
            elif head.startswith(b"delete"):
                self.came.clear()
                self.send(b"{}")
            else:
                self.send(json.dumps(self.came).encode())

    def send(self, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


def came(url: str, method: str = "GET") -> list[float]:
    request = urllib.request.Request(url, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read())


# --- the bare client --------------------------------------------------------------------------------------------------
def bare(url: str, calls: int) -> None:
    """The same requests from a thread pool, and nothing else."""
    import openai

    client = openai.OpenAI(api_key="x", base_url=url, max_retries=0, timeout=60, http_client=openai.DefaultHttpxClient(trust_env=False))
    system = (ROOT / "annotation/prompts/reply_0001.md").read_text("utf-8")
    user = "下面是材料。" * 10

    def ask(_n: int) -> str:
        made = client.chat.completions.create(
            model="bench", max_tokens=2048, messages=[{"role": "system", "content": system}, {"role": "user", "content": user}]
        )
        return made.choices[0].message.content

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(ask, range(calls)))


# --- ours -------------------------------------------------------------------------------------------------------------
class Workers:
    """Real Celery workers of the drafting queue, and how much memory each of them took at most."""

    def __init__(self, count: int, in_flight: int = IN_FLIGHT) -> None:
        command = [sys.executable, "-m", "celery", "-A", "cqia", "worker", "--pool", "threads", "-c", "4", "-Q", "draft",
                   "--without-gossip", "--without-mingle", "-l", "error"]  # fmt: skip
        environment = os.environ | {"CQIA_PROCESS": "worker", "CQIA_DRAFT_IN_FLIGHT": str(in_flight)}
        self.children = [subprocess.Popen([*command, "-n", f"bench{n}@%h"], cwd=ROOT, env=environment) for n in range(count)]
        self.most = 0

    def look(self) -> None:
        for child in self.children:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{child.pid}/status").read_text())
            self.most = max(self.most, int(found.group(1)) // 1024 if found else 0)

    def stop(self) -> None:
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait(60)


def order(slug: str, posts: int):
    from annotation import drafting
    from sources.models import ImportRun, Post, Source

    source = Source.objects.create(slug=slug, name=slug)
    run = ImportRun.objects.create(source=source, state="succeeded", file_name="x", size=1, sha256=slug, read=posts, created=posts)
    Post.objects.bulk_create([
        Post(source=source, run=run, row=n, external_id=str(n), content_hash=f"{slug}{n}", status="kept", title=f"月亮坏了，找谁修？{n}")
        for n in range(1, posts + 1)
    ], batch_size=1000)  # fmt: skip
    return drafting.order(source, by=None)


def work(run, workers: Workers, seconds: float) -> None:
    """Hint at the run, as the beat would, until it is over or the time is."""
    from annotation.tasks import draft_run

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for _child in workers.children:
            draft_run.apply_async(args=[run.pk])
        time.sleep(1)
        workers.look()
        run.refresh_from_db()
        if run.state not in ("queued", "running"):
            return


def rate(times: list[float]) -> float:
    return (len(times) - 1) / (max(times) - min(times))


def fullest(times: list[float], window: float = 60.0) -> int:
    """The most requests in any `window` seconds."""
    times, first, most = sorted(times), 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def measure(url: str, port: int) -> dict:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from annotation import limits, pricing

    rates: dict[str, list[float]] = {"bare": [], "one": [], "two": []}
    most = 0
    for turn in range(4):
        count = 1 if turn < 2 else 2
        came(url, "DELETE")
        subprocess.run([sys.executable, __file__, "--bare", url, str(CALLS)], check=True)
        rates["bare"].append(rate(came(url)))
        workers, run = Workers(count, IN_FLIGHT // count), order(f"ours{turn}", CALLS)
        time.sleep(10)  # they have started
        came(url, "DELETE")
        work(run, workers, 60)
        workers.stop()
        most = max(most, workers.most)
        assert run.state == "succeeded", (run.state, run.error_code, run.error_detail)
        assert run.calls.filter(state="done", outcome="ok").count() == len(came(url)) == CALLS
        rates["one" if count == 1 else "two"].append(rate(came(url)))
        print(f"bare client {rates['bare'][-1]:.0f} calls/s; {count} of our worker processes {rate(came(url)):.0f}", flush=True)

    pricing.set_limits(provider="openai", model="bench", requests_per_minute=LIMIT, tokens_per_minute=None, by=None)
    limits.forget()
    three, run = Workers(3), order("limited", 2 * LIMIT)
    came(url, "DELETE")
    work(run, three, LIMITED_SECONDS + 4)
    three.stop()
    times = came(url)
    first = min(times)
    used = sum(at - first < 60 for at in times) / LIMIT
    bare_rate, one_rate, two_rate = (max(rates[name]) for name in ("bare", "one", "two"))
    return {
        "bench": "draft", "calls": CALLS, "in_flight": IN_FLIGHT, "theory": IN_FLIGHT / DELAY, "bare": round(bare_rate, 1),
        "one_process": round(one_rate, 1), "two_processes": round(two_rate, 1), "share_of_bare": round(one_rate / bare_rate, 3),
        "share_of_bare_by_two": round(two_rate / bare_rate, 3), "worker_mb": max(most, three.most),
        "limit": LIMIT, "workers": 3, "limit_used": round(used, 3), "limit_broken": round(fullest(times) / LIMIT, 3),
    }  # fmt: skip


def main() -> int:
    if "--serve" in sys.argv:
        asyncio.run(serve(int(sys.argv[-1])))
    if "--bare" in sys.argv:
        bare(sys.argv[-2], int(sys.argv[-1]))
        return 0
    from tests.house import free_port

    var, port = Path(tempfile.mkdtemp(prefix="zhumo-bench-")), free_port()
    url = f"http://127.0.0.1:{port}/v1"
    os.environ |= {
        "CQIA_VAR": str(var), "SECRET_KEY": secrets.token_hex(32), "OPENAI_BASE_URL": url, "OPENAI_MODEL": "bench", "OPENAI_API_KEY": "x",
        "DJANGO_SETTINGS_MODULE": "cqia.settings",
    }  # fmt: skip
    for name in ("DATABASE_URL", "REDIS_URL", "CQIA_PROVIDERS"):
        os.environ.pop(name, None)
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
    engines = embedded.provide(var)
    threading.Event().wait(0.5)
    try:
        result = measure(url, port)
    finally:
        server.kill()
        if engines:
            engines.stop()
        shutil.rmtree(var, ignore_errors=True)
    holds = (result["share_of_bare"] >= GOALS["share_of_bare"] and result["limit_used"] >= GOALS["limit_used"]
             and result["limit_broken"] <= GOALS["limit_broken"] and result["worker_mb"] < GOALS["worker_mb"])  # fmt: skip
    print(f"{result['share_of_bare']:.0%} of the bare client; a worker took {result['worker_mb']} MB; "
          f"three workers used {result['limit_used']:.1%} of {LIMIT} a minute, most {result['limit_broken']:.1%} in any 60 s")  # fmt: skip
    print(json.dumps(result | {"goals": GOALS, "holds": holds}))
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
