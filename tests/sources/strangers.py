"""Servers that the fetcher meets: one that plays the open Internet, scripted by bytes, and canaries that nobody may come near."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

OPEN = "127.0.0.2"  # plays a public address: on the loopback, and yet not where the canaries sit
Script = Callable[[socket.socket, str], Any]


class Stranger:
    """A server that does with each connection what its script says. `asked` holds the heads of the requests."""

    def __init__(self, family: int, host: str, script: Script | None = None, port: int = 0) -> None:
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.script, self.met, self.asked, self.sent = script, 0, [], 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.met += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(20)
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(4096)):
                head += more
            self.asked.append(head.decode("latin-1"))
            if self.script:
                said = self.script(connection, head.decode("latin-1").split(" ")[1])
                for piece in [said] if isinstance(said, bytes) else said or ():
                    connection.sendall(piece)
                    self.sent += len(piece)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Names:
    """A resolver of our own. A name has one list of addresses, or one for each time that it is asked (the last stays)."""

    def __init__(self, **names: Any) -> None:
        self.names, self.asked = names, []

    def __call__(self, host: str, seconds: float) -> list[str]:
        assert seconds > 0
        self.asked.append(host)
        answers = self.names[host]
        if answers and isinstance(answers[0], list):
            return answers.pop(0) if len(answers) > 1 else answers[0]
        return answers


def answer(body: bytes = b"", status: str = "200 OK", **headers: Any) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(to: str, status: str = "302 Found") -> bytes:
    return answer(status=status, Location=to, Content_Length=0)


def for_ever(head: bytes, piece: bytes) -> Iterator[bytes]:
    yield head
    while True:
        yield piece
