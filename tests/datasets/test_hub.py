"""The Hub: what would be pushed, and what is said when it cannot be."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.management import CommandError, call_command

from datasets import hub, releasing
from datasets.exporting import Refused

pytestmark = pytest.mark.django_db


def test_a_dry_run_writes_the_repository_and_sends_nothing(ready, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    call_command("push_dataset", "first", "v1", "--dry-run", str(tmp_path / "repo"))
    assert {path.name for path in (tmp_path / "repo").iterdir()} >= {"README.md", "data", "SHA256SUMS", "croissant.json"}
    with pytest.raises(CommandError):
        call_command("push_dataset", "first", "1", "--dry-run", str(tmp_path / "repo"))


def test_only_a_released_version_is_pushed_and_only_with_a_token(ready, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(CommandError, match="release it first"):
        call_command("push_dataset", "first", "1", "owner/name")
    releasing.release(ready, by=None)
    with pytest.raises(CommandError, match="HF_TOKEN is not set"):
        call_command("push_dataset", "first", "1", "owner/name")
    with pytest.raises(CommandError, match="which repository"):
        call_command("push_dataset", "first", "1")


class Hub(BaseHTTPRequestHandler):
    """Answers the first call of a push, the making of the repository, with a refusal; keeps what was asked."""

    asked: list[tuple[str, dict, str]] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body, self.headers["Authorization"]))
        said = b'{"error": "You have no right to make this"}'
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *args):
        pass


def test_a_repository_is_asked_for_as_private_and_a_refusal_is_passed_on(ready, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    releasing.release(ready, by=None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(Refused) as refused:
            hub.push(ready, "owner/name", endpoint=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    path, body, authorization = Hub.asked[0]
    assert (path, body["type"], body["name"], body["visibility"]) == ("/api/repos/create", "dataset", "name", "private")
    assert authorization == "Bearer hf_canary"
    assert "hf_canary" not in str(refused.value)
