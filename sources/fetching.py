"""The one module that speaks HTTP to strangers: `Fetcher(limit).open(url)` is a file to read, or Refused. Pure.

Whoever names a URL decides nothing about where we go: each hop's host is resolved, each of its addresses must be public, and
the connection is made to such an address itself, with the host's name in `Host` and for TLS. So neither redirects nor a name
server that answers differently the second time lead inside. There is no switch that turns any of it off, and no proxy from
the environment. Size, speed, headers and hops are limited while the bytes come in; what a server claims counts only against it.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self
from urllib.parse import urljoin

from . import addresses
from .addresses import Address, Refused, parse

__all__ = ["Body", "Fetcher", "Refused", "parse"]

MAX_HEAD = 64 * 1024
MAX_REDIRECTS = 3
MAX_ADDRESSES = 4  # of a host, that are tried
CHUNK = 64 * 1024
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Fetcher:
    """The limits and the three things that a test replaces: who resolves, what is public, whom TLS trusts."""

    limit: int  # bytes, compressed or not
    seconds: float = 15.0  # for all until the body begins, redirects included
    slack: float = 15.0  # and then for the body, beside what it takes at `rate`
    rate: int = 256 * 1024  # bytes a second that a body comes with at least
    resolve: Callable[[str, float], list[str]] = addresses.resolve
    is_public: Callable[[str], bool] = addresses.is_public
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def open(self, url: str) -> Body:
        """The body of what the URL leads to, to be closed. Raises Refused, and so does reading it."""
        deadline, address = monotonic() + self.seconds, parse(url)
        name = address.name
        for _hop in range(MAX_REDIRECTS + 1):
            wire = self._connect(address, deadline)
            try:
                response = _ask(wire, address)
                if response.status not in REDIRECTS:
                    return Body(response, wire, self, name)
                address = _next(address, response)
            except BaseException:
                wire.close()
                raise
            wire.close()
        raise Refused("too_many_redirects", limit=MAX_REDIRECTS)

    def _connect(self, address: Address, deadline: float) -> Wire:
        """To an address of the host that was found public: nobody resolves the name again."""
        ips = self.resolve(address.host, _left(deadline))
        if not ips or not all(self.is_public(ip) for ip in ips):
            raise Refused("address_refused", host=address.host)
        for ip in ips[:MAX_ADDRESSES]:
            bare = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
            try:
                bare.settimeout(_left(deadline, of=2))
                bare.connect((ip, address.port))
                bare.settimeout(_left(deadline))
                return Wire(self._secure(bare, address) if address.scheme == "https" else bare, deadline, self.limit)
            except ssl.SSLError as error:
                bare.close()
                raise Refused("tls_failed", host=address.host, reason=getattr(error, "verify_message", "")) from error
            except OSError:
                bare.close()
            except BaseException:
                bare.close()
                raise
        raise Refused("connection_failed", host=address.host)

    def _secure(self, bare: socket.socket, address: Address) -> ssl.SSLSocket:
        return self.trust().wrap_socket(bare, server_hostname=address.host)


class Wire(io.RawIOBase):
    """A connection that reads until a deadline and so many bytes, in the shape that http.client wants of a socket."""

    def __init__(self, connection: socket.socket, deadline: float, limit: int) -> None:
        self.connection, self.deadline = connection, deadline
        self.received, self.allowed = 0, MAX_HEAD
        self.limit, self.patience = limit, (0.0, 0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 8192)

    def begin_body(self, slack: float, rate: int) -> None:
        """From here on it is size and speed that count: the time allowed grows with what has come."""
        self.allowed = self.received + self.limit + MAX_HEAD  # some more than the body, for what chunks cost
        self.patience = (monotonic() + slack, rate)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        start, rate = self.patience
        try:
            self.connection.settimeout(_left(start + self.received / rate if rate else self.deadline))
            count = self.connection.recv_into(buffer)
        except TimeoutError:
            raise Refused("too_slow") from None
        except OSError:
            raise Refused("broke_off") from None
        self.received += count
        if self.received > self.allowed:
            raise Refused("too_large", limit=self.limit // 2**20) if rate else Refused("headers_too_large")
        return count

    def send(self, data: bytes) -> None:
        try:
            self.connection.settimeout(_left(self.deadline))
            self.connection.sendall(data)
        except OSError:
            raise Refused("broke_off") from None

    def close(self) -> None:
        self.connection.close()
        super().close()


class Body:
    """A file to read from. Closes the connection when it is left."""

    def __init__(self, response: http.client.HTTPResponse, wire: Wire, fetcher: Fetcher, name: str) -> None:
        """Raises Refused when the answer is not the file: http_status, encoding_refused, too_large."""
        self.name, self.size, self._limit = name, 0, fetcher.limit
        self._response, self._wire = response, wire
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if response.status != 200:
            raise Refused("http_status", status=response.status)
        if encoding not in ("identity", "", "gzip", "x-gzip"):
            raise Refused("encoding_refused", encoding="".join(filter(str.isprintable, encoding))[:40])
        self._unpack = _Gunzip() if "gzip" in encoding else None
        if self._unpack:
            self.name = name.removesuffix(".gz")
        self._check_size(response.length or 0)
        wire.begin_body(fetcher.slack, fetcher.rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._wire.close()

    def read(self, _size: int = -1) -> bytes:
        """The next bytes, at most 64 KB; none at the end. Raises Refused (too_large, too_slow, broke_off, not_http)."""
        chunk = self._unpack.more(self._receive) if self._unpack else self._receive()
        self.size += len(chunk)
        self._check_size(self.size)
        return chunk

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise Refused("too_large", limit=self._limit // 2**20)

    def _receive(self) -> bytes:
        try:
            chunk = self._response.read(CHUNK)
        except http.client.IncompleteRead:
            raise Refused("broke_off") from None
        except (http.client.HTTPException, ValueError) as error:
            raise Refused("not_http") from error
        if not chunk and self._response.length:  # fewer bytes than were announced
            raise Refused("broke_off")
        return chunk


class _Gunzip:
    """Unpacks as it reads, never more than a chunk at a time."""

    def __init__(self) -> None:
        self._packed, self._stream, self._is_begun = b"", zlib.decompressobj(wbits=31), False

    def more(self, receive: Callable[[], bytes]) -> bytes:
        while True:
            if self._stream.eof:  # another member may follow
                self._packed, self._stream, self._is_begun = self._stream.unused_data, zlib.decompressobj(wbits=31), False
            self._packed = self._packed or receive()
            if not self._packed:
                if self._is_begun:
                    raise Refused("broke_off")
                return b""
            self._is_begun = True
            try:
                chunk = self._stream.decompress(self._packed, CHUNK)
            except zlib.error:
                raise Refused("not_http") from None
            self._packed = self._stream.unconsumed_tail
            if chunk:
                return chunk


def _left(deadline: float, of: int = 1) -> float:
    """The seconds until then, or a part of them. Raises Refused when there are none."""
    seconds = (deadline - monotonic()) / of
    if seconds <= 0:
        raise Refused("too_slow")
    return seconds


def _ask(wire: Wire, address: Address) -> http.client.HTTPResponse:
    """Send a GET and read the head of the answer. No cookie, no credentials, no referrer: each hop is asked like the first."""
    lines = (
        f"GET {address.target} HTTP/1.1", f"Host: {address.authority}", "User-Agent: Zhumo", "Accept: */*", "Accept-Encoding: identity",
        "Connection: close", "", "",
    )  # fmt: skip
    wire.send("\r\n".join(lines).encode("ascii"))
    response = http.client.HTTPResponse(wire, method="GET")  # type: ignore[arg-type]  # all that it asks of a socket is a file
    try:
        response.begin()
    except http.client.LineTooLong as error:
        raise Refused("headers_too_large") from error
    except (http.client.HTTPException, ValueError) as error:  # http.client says "got more than 100 headers" as HTTPException
        raise Refused("headers_too_large" if "headers" in str(error) else "not_http") from error
    return response


def _next(address: Address, response: http.client.HTTPResponse) -> Address:
    """Where a redirect leads, judged like any address; from TLS never to what is not."""
    location = response.headers.get("Location", "")
    try:
        location = location.encode("latin-1").decode("utf-8")  # http.client reads headers as Latin-1
        url = urljoin(f"{address.scheme}://{address.authority}{address.target}", location)
    except ValueError:
        raise Refused("bad_url") from None
    following = parse(url)
    if address.scheme == "https" and following.scheme != "https":
        raise Refused("downgrade_refused")
    return following
