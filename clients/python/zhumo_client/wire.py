"""Requests and their answers: who asks, what is sent again and when, and what becomes an exception."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from .errors import Unreachable, error_of

AGAIN = {429, 502, 503, 504}
SAFE = {"GET", "HEAD", "DELETE", "PUT", "PATCH"}  # done twice is done once
LONGEST = 30.0  # seconds between two tries


class Wire:
    def __init__(
        self, address: str, token: str, *, tries: int = 4, timeout: float = 60.0, transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.tries, self.sleep = max(1, tries), sleep
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.http = httpx.Client(base_url=f"{address.rstrip('/')}/api/v1/", headers=headers, timeout=timeout, transport=transport)

    def ask(self, method: str, path: str, **said: Any) -> Any:
        """The JSON of the answer, None where there is none. Raises ApiError and Unreachable."""
        response = self.send(method, path, **said)
        return response.json() if response.content else None

    def send(self, method: str, path: str, *, key: str = "", **said: Any) -> httpx.Response:
        headers = dict(said.pop("headers", {}))
        if method == "POST" and "files" not in said:
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        for left in reversed(range(self.tries)):
            for file in said.get("files", {}).values():
                file[1].seek(0)
            try:
                response = self.http.request(method, path, headers=headers, **said)
            except httpx.TransportError as error:
                if not left:
                    raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error
                self.sleep(self._pause(left, None))
                continue
            if response.status_code in AGAIN and left:
                self.sleep(self._pause(left, _seconds(response)))
                continue
            return check(response)
        raise AssertionError("unreachable")

    def stream(self, path: str) -> Any:
        return self.http.stream("GET", path, headers={"Accept": "*/*"})

    def pages(self, path: str, params: dict[str, Any]) -> Iterator[Any]:
        """Every row of a list, page by page, as long as somebody asks for the next one."""
        page = self.ask("GET", path, params={name: value for name, value in params.items() if value is not None})
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            page = self.ask("GET", page["next"])

    def _pause(self, left: int, asked: float | None) -> float:
        return min(LONGEST, asked if asked is not None else 0.5 * 2 ** (self.tries - 1 - left))


def check(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    raise error_of(response.status_code, problem if isinstance(problem, dict) else {}, _seconds(response))


def _seconds(response: httpx.Response) -> float | None:
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else None
