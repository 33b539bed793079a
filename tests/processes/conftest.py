"""A house of real processes for each test that asks for one, and a model provider that we have not written."""

import json
import subprocess
import sys
import urllib.request

import pytest

from tests.house import House, free_port, wait_for

REPLY = "这句话把两件事混在了一起。先说事实：前半句成立，后半句只是说法相近，推不出结论。照实说就是：两者没有关系，可以分开来看。"


@pytest.fixture
def house(tmp_path):
    """Not started yet. Without the demo's content; whatever is left running at the end is ended."""
    made = House(tmp_path / "var", CQIA_DEMO="0")
    yield made
    made.stop()
    wait_for(lambda: not made.pids(), 20)


class Provider:
    """llmock: answers in Chinese, after `latency` milliseconds, and remembers every request."""

    def __init__(self, latency: int, options: list[str] | None = None, script: list[dict] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable,
            "-m",
            "llmock.cli",
            "serve",
            "--port",
            str(self.port),
            "--latency-ms",
            str(latency),
            "--log-level",
            "error",
            *(options or []),
        ]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(self.answers, 30)
        self.post("/_llmock/scenario", {"behaviors": [*(script or []), {"type": "reply", "text": REPLY, "times": None}]})

    def answers(self) -> bool:
        try:
            return urllib.request.urlopen(self.url + "/health", timeout=2).status == 200
        except OSError:
            return False

    def post(self, path: str, body: object) -> None:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=5).read()

    def requests(self) -> list[dict]:
        said = json.loads(urllib.request.urlopen(self.url + "/_llmock/requests", timeout=5).read())
        rows = said if isinstance(said, list) else said["requests"]
        return [row for row in rows if "chat/completions" in row.get("path", "")]

    def environment(self) -> dict[str, str]:
        return {"OPENAI_BASE_URL": self.url + "/v1", "OPENAI_API_KEY": "sk-of-the-tests", "OPENAI_MODEL": "gpt-4o-mini"}


@pytest.fixture
def provider():
    made = Provider(latency=150)
    yield made
    made.process.terminate()
    made.process.wait(10)
