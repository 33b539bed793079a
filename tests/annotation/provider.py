"""A provider that misbehaves on command: an OpenAI-compatible server on loopback which keeps what it was sent."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = "因为月亮本身不发光，只反射太阳光，所以谈不上给它换灯泡。"


def reply(content: str | None = GOOD, *, finish: str | None = "stop", model: str = "scripted-1", **message: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 40, "total_tokens": 160},
    }


def error(status: int, code: str = "", message: str = "no", **headers: str) -> Callable[["Handler"], None]:
    return lambda handler: handler.answer(status, {"error": {"message": message, "type": code, "code": code}}, headers)


def reset(handler: "Handler") -> None:
    """The request was taken; then the connection is torn down."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def cut(handler: "Handler") -> None:
    """Half of the reply, although all of it was announced."""
    body = json.dumps(reply()).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def late(seconds: float) -> Callable[["Handler"], None]:
    def answer(handler: "Handler") -> None:
        time.sleep(seconds)
        handler.answer(200, reply())

    return answer


def text(body: str, status: int = 200, kind: str = "text/html") -> Callable[["Handler"], None]:
    return lambda handler: handler.answer(status, body, {"Content-Type": kind})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Provider"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behaviour = self.server.next_for(body, {name.lower(): value for name, value in self.headers.items()})
        try:
            behaviour(self) if callable(behaviour) else self.answer(200, behaviour)
        except OSError:
            self.close_connection = True  # the client did not wait

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "x-request-id": "req-1", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


class Provider(ThreadingHTTPServer):
    """`script` is a list of behaviours taken in turn (then `default`), or `default` alone."""

    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Any] = []
        self.default: Any = reply()
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next_for(self, body: dict[str, Any], headers: dict[str, str]) -> Any:
        with self.lock:
            self.seen.append(body)
            self.headers.append(headers)
            return self.script.pop(0) if self.script else self.default

    def attempts(self) -> list[str]:
        return [headers["x-attempt-id"] for headers in self.headers]
