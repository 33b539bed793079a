"""The demo's model provider: speaks OpenAI's chat completions on loopback and answers the demo's posts with replies
written by hand. To anything else it says, in the reply itself, that no model stands behind it.

`python -m cqia.demo_provider --port N`; CQIA_DEMO_DELAY says how many seconds a reply takes. The replies lie
in demo/replies.json, by the title of the post. Any bearer token will do. It prints nothing.
"""

import argparse
import json
import os
import re
import time
import uuid
from collections.abc import Mapping
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from annotation.prompting import NOTE, folded

MODEL = "demo"
REPLIES = Path(__file__).resolve().parent.parent / "demo" / "replies.json"
MAX_BODY = 2 * 1024 * 1024
MAX_UNREAD = 16 * MAX_BODY  # of a body that is too big: read and thrown away, so that its sender gets to hear why
DELAY = 0.3  # seconds: a model takes its time, and the pages should show it
IDLE = 60.0  # seconds: a connection nobody uses, or a body that never comes, ends after this
JSON_LINE = re.compile(r"^[^{\"\n]*([{\"].*[}\"])\s*$", re.MULTILINE)
UNKNOWN = (
    "【演示回复】这段文字不是模型写的。现在没有接入真实模型，回复来自自带的演示服务，它只会回答演示帖子，"
    "而收到的“{excerpt}”不在其中。要得到真正的草稿，请在启动前设置环境变量 `OPENAI_API_KEY` 和 `OPENAI_MODEL`"
    "（不是 OpenAI 官方的服务，再设置 `OPENAI_BASE_URL`），然后重新启动并再次起草。"
)
REWRITE = "【演示回复】现在没有接入真实模型，演示服务不能照要求重写，下面仍是为这个帖子手写的那一篇。\n\n{reply}"


class BadRequest(Exception):
    """The request is refused with `status`, in the words of the API."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


# --- what is answered -------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4)
def load_replies(path: Path = REPLIES) -> dict[str, str]:
    """The written replies, by the folded title of their post; the longest first, so that the closest match wins."""
    written: dict[str, str] = json.loads(path.read_text("utf-8"))
    return {folded(title): written[title] for title in sorted(written, key=len, reverse=True)}


def answer(content: str, replies: Mapping[str, str]) -> str:
    """The reply to a user message, in which a post lies as a line of JSON; a message without any is taken as the post."""
    values = [value for line in JSON_LINE.findall(content) if (value := _loaded(line)) is not None]
    posts = [value for value in values if isinstance(value, dict)]
    post = "\n".join(value for value in posts[0].values() if isinstance(value, str)) if posts else content
    seen = folded(post)
    reply = next((reply for title, reply in replies.items() if title in seen), None)
    if reply is None:
        return UNKNOWN.format(excerpt=_excerpt(post))
    return REWRITE.format(reply=reply) if f"\n{NOTE}" in content else reply


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _excerpt(post: str, limit: int = 24) -> str:
    """The beginning of a post on one line, without what could end the quotation."""
    text = "".join(c if c.isprintable() and c not in "“”`" else " " for c in post[:400])
    text = " ".join(text.split())
    return text[:limit] + ("……" if len(text) > limit else "")


def complete(body: Any, replies: Mapping[str, str]) -> dict[str, Any]:
    """The answer of POST /v1/chat/completions. Raises BadRequest."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise BadRequest(400, "`messages` must be a list of messages")
    if body.get("stream"):
        raise BadRequest(400, "The demo provider does not stream")
    asked = [_content(message) for message in messages if message.get("role") == "user"]
    text = answer(asked[-1] if asked else "", replies)
    tokens_in, tokens_out = sum(len(_content(message)) for message in messages), len(text)  # about one token a character
    return {
        "id": f"chatcmpl-demo-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [
            {"index": 0, "finish_reason": "stop", "logprobs": None, "message": {"role": "assistant", "content": text, "refusal": None}}
        ],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    }


def _content(message: Mapping[str, Any]) -> str:
    """A message's text: a string, or the text parts of a list."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


# --- over HTTP --------------------------------------------------------------------------------------------------------
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    server_version, sys_version = "zhumo-demo", ""
    timeout, delay = IDLE, DELAY
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        try:
            body = self._body()
            self._authorise()
            status, result = 200, self._route(method, self.path.split("?")[0].rstrip("/"), body)
        except BadRequest as refused:
            status, result = (
                refused.status,
                {"error": {"message": str(refused), "type": "invalid_request_error", "param": None, "code": None}},
            )
        self._send(status, json.dumps(result, ensure_ascii=False).encode("utf-8", "replace"))

    def _body(self) -> bytes:
        """Read whatever comes, also of a request that is refused: what is left over would be taken for the next one."""
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdecimal()):
            self.close_connection = True
            raise BadRequest(411, "Send a Content-Length")
        if len(length) > 12 or int(length) > MAX_BODY:
            self.close_connection = True
            self._throw_away(min(MAX_UNREAD, int(length[:12])))
            raise BadRequest(413, f"More than {MAX_BODY} bytes")
        return self.rfile.read(int(length))

    def _throw_away(self, left: int) -> None:
        while left > 0 and (chunk := self.rfile.read(min(left, 1 << 16))):
            left -= len(chunk)

    def _authorise(self) -> None:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise BadRequest(401, "Send any bearer token")

    def _route(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        if path == "/v1/models":
            return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "zhumo"}]}
        if path != "/v1/chat/completions":
            raise BadRequest(404, "Nothing here")
        if method != "POST":
            raise BadRequest(405, "POST it")
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            raise BadRequest(400, "The body is no JSON") from None
        time.sleep(self.delay)
        return complete(asked, load_replies())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-request-id", uuid.uuid4().hex)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing: the ledger of the product says what was asked."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no event."""


def serve(port: int = 0, delay: float = DELAY) -> Server:
    """A server on loopback that listens already; the caller runs it. Port 0: any free one."""
    load_replies()
    return Server(("127.0.0.1", port), type("DelayedHandler", (Handler,), {"delay": delay}))


def main() -> None:
    parser = argparse.ArgumentParser(description="The demo's model provider, on loopback.")
    parser.add_argument("--port", type=int, required=True)
    server = serve(parser.parse_args().port, float(os.environ.get("CQIA_DEMO_DELAY") or DELAY))
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
