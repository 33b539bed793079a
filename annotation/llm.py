"""The only module that knows the openai client, and with it every OpenAI-compatible provider (`providers`).

One call is one HTTP request: the client's own retries are off, because a silent retry is a second paid generation.
Retrying is the ledger's business, so an error says what it means for the ledger:

- `RetryLater`: not done, not charged, may work later        - `GiveUp`: this text will never work
- `StopAll`: nothing will work until a person mends it       - `Ambiguous`: it may have been done and charged

The attempt's id travels in the header `X-Attempt-Id`. To api.openai.com alone it also goes as `metadata` with `store`
(refused there one without the other), so that a call of unknown fate can be looked up among the stored completions;
other servers often refuse fields that they do not know.

Keys come from the environment at the moment of the call. They are never stored or logged, and cut out of messages that quote them.
"""

from __future__ import annotations

import email.utils
import json
import re
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2  # what openai 3 speaks HTTP with: its error classes say whether a request got out
from django.conf import settings
from django.utils.functional import SimpleLazyObject

from . import providers
from .prompting import Message, storable

if TYPE_CHECKING:
    import openai
else:  # a second of every process's start, for what only one of them does: imported by the first call
    openai = SimpleLazyObject(lambda: import_module("openai"))

MAX_BYTES = 4 * 1024 * 1024  # of a reply, unpacked
STORING = {"api.openai.com"}  # hosts that take `store` and `metadata`, and list completions by them
KEPT_OPEN = 3.0  # seconds of idleness: servers close theirs after five or more, and a request that crosses such an end is in doubt
PATIENCE = 5.0  # seconds for a provider to say which models it has: somebody waits for the page
MAX_WAIT = 3600.0  # seconds: a provider that asks for more is asked again after this
SECRET = re.compile(r"\b(sk-|zm_|Bearer\s+)[A-Za-z0-9_\-.*]{4,}")
NO_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"}
NO_MODEL = {"model_not_found", "invalid_model", "model_not_exist"}

_making = threading.Lock()
_idle: defaultdict[tuple[str, str, float], list[openai.OpenAI]] = defaultdict(list)  # by address, key and patience


class ProviderError(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, tidy(detail)
        super().__init__(code)


class RetryLater(ProviderError):
    """Not charged. `after` is in seconds, None when the provider did not say."""

    def __init__(self, code: str, detail: str = "", after: float | None = None) -> None:
        super().__init__(code, detail)
        self.after = after


class GiveUp(ProviderError):
    """Not charged, and the same request will fail again."""


class StopAll(ProviderError):
    """Not charged, and every other request will fail too."""


class Ambiguous(ProviderError):
    """The request got out and no whole answer came back: it may be charged."""


@dataclass(frozen=True)
class Request:
    attempt_id: str
    model: str
    messages: Sequence[Message]
    params: dict[str, Any] = field(default_factory=dict)
    provider: str = "openai"


@dataclass(frozen=True)
class Reply:
    """A reply of status 200 as it came, whatever it is: `raw` is its JSON, or {"text": …} of what is none."""

    raw: Any
    request_id: str
    latency_ms: int


def complete(request: Request) -> Reply:
    """Ask once. Raises RetryLater, GiveUp, StopAll or Ambiguous, and nothing else.

    `settings.LLM_TIMEOUT` bounds each wait for bytes; half of it more, checked between them, the whole.
    """
    with vocabulary():
        provider = providers.named(request.provider)
        with client_of(provider) as client:
            began = time.monotonic()
            with client.chat.completions.with_streaming_response.create(**_arguments(request, provider)) as response:
                body = _read(response, began + 1.5 * settings.LLM_TIMEOUT)
                request_id = response.headers.get("x-request-id", "")[:128]
    return Reply(parsed(body), storable(request_id), round(1000 * (time.monotonic() - began)))


def list_models(provider: str) -> list[str]:
    """The models that the provider says it has, so that nobody orders from one that was shut down. Raises as `complete` does,
    within ten seconds: StopAll names what to mend, RetryLater("unreachable") is an address where nobody listens."""
    with vocabulary():
        named = providers.named(provider)
        if named.needs_key and not named.has_key:
            raise StopAll("no_key", named.key_name)
        limits = httpx2.Timeout(PATIENCE, connect=PATIENCE / 2)
        with client_of(named) as client, client.models.with_streaming_response.list(timeout=limits) as response:
            found = parsed(_read(response, time.monotonic() + PATIENCE))
    rows = found.get("data") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise GiveUp("unparseable", "the list of models could not be read")
    return sorted({row["id"][:128] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str) and row["id"]})


def that_store() -> list[str]:
    """The providers that keep what they answered, and can be asked for it."""
    return [provider.name for provider in providers.every() if stores(provider)]


def stores(provider: providers.Provider) -> bool:
    return urlsplit(provider.base_url).hostname in STORING


def stored(provider: str, attempt_id: str) -> Reply | None:
    """The stored completion of an attempt, or None when the provider knows none (yet). Raises as `complete` does."""
    with vocabulary():
        asked: dict[str, Any] = {"metadata": {"attempt": attempt_id}, "limit": 1, "timeout": httpx2.Timeout(PATIENCE, connect=PATIENCE / 2)}
        with (
            client_of(providers.named(provider)) as client,
            client.chat.completions.with_streaming_response.list(**asked) as response,
        ):
            found = parsed(_read(response, time.monotonic() + PATIENCE))
    rows = found.get("data") if isinstance(found, dict) else None
    mine = [row for row in rows or [] if isinstance(row, dict) and (row.get("metadata") or {}).get("attempt") == attempt_id]
    return Reply(mine[0], str(mine[0].get("request_id") or "")[:128], 0) if mine else None


@contextmanager
def vocabulary() -> Iterator[None]:
    """Whatever the client raises, in our words."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error) from None
    except openai.APIConnectionError as error:
        raise _of_connection(error.__cause__ or error) from None
    except httpx2.HTTPError as error:
        raise _of_connection(error) from None
    except (openai.OpenAIError, httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise StopAll("bad_settings", f"{type(error).__name__}: {error}") from None


def warm(provider: str) -> None:
    """Make the client before the first call is due: that takes a second, in which the call would travel too late for its limit."""
    try:
        with vocabulary(), client_of(providers.named(provider)):
            return
    except ProviderError:
        return  # the call will say so


@contextmanager
def client_of(provider: providers.Provider) -> Iterator[openai.OpenAI]:
    """A client that nobody else uses meanwhile, and with it a connection that stays open for the next. With one for all, 64 threads
    stand in line for its pool, which looks through every connection at every call."""
    idle = _idle[provider.base_url, provider.key, settings.LLM_TIMEOUT]
    try:
        client = idle.pop()
    except IndexError:
        with _making:  # the first loads the library, for a second: not all at once
            client = _client(provider.base_url, provider.key, settings.LLM_TIMEOUT)
    try:
        yield client
    finally:
        idle.append(client)


def _client(url: str, key: str, timeout: float) -> openai.OpenAI:
    """A proxy of the environment is not for loopback."""
    local = (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}
    pool = httpx2.Limits(keepalive_expiry=KEPT_OPEN)
    http = openai.DefaultHttpxClient(verify=_certificates(not local), trust_env=not local, follow_redirects=False, limits=pool)
    limits = httpx2.Timeout(timeout, connect=min(10.0, timeout))
    return openai.OpenAI(api_key=key or "none", base_url=url, timeout=limits, max_retries=0, http_client=http)


@lru_cache
def _certificates(trust_env: bool) -> ssl.SSLContext:
    """Read once: they take longer than all the rest of a client."""
    return httpx2.create_ssl_context(trust_env=trust_env)


def _arguments(request: Request, provider: providers.Provider) -> dict[str, Any]:
    """As `extra_body`, which the client sends as it is. What it is given as arguments it first walks through by their types, and
    for messages of a thousand words that is half of the work of a call (64 at once: 4.9 ms of processor, so 3.7)."""
    body = dict(request.params) | {"messages": list(request.messages)}
    if stores(provider):
        body |= {"store": True, "metadata": {"attempt": request.attempt_id}}
        if "max_tokens" in body:  # the name that its newer models want
            body["max_completion_tokens"] = body.pop("max_tokens")
    headers = {"X-Attempt-Id": request.attempt_id}
    return {"model": request.model, "messages": (), "extra_headers": headers, "extra_body": body}


def _read(response: Any, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if time.monotonic() > deadline:
            raise Ambiguous("timeout", "the reply came too slowly")
        if len(body) > MAX_BYTES:
            raise Ambiguous("reply_too_big", f"more than {MAX_BYTES} bytes")
    return bytes(body)


def parsed(body: bytes) -> Any:
    text = body.decode("utf-8", "replace")
    try:
        return storable(json.loads(text, parse_constant=str))
    except (ValueError, RecursionError):
        return {"text": storable(text[:100_000])}


def _of_connection(error: BaseException) -> ProviderError:
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.UnsupportedProtocol):
        return RetryLater("unreachable", detail)
    return Ambiguous("timeout" if isinstance(error, httpx2.TimeoutException) else "connection_lost", detail)


def _of_status(error: openai.APIStatusError) -> ProviderError:
    after = _retry_after(error.response.headers)
    return error_of(error.status_code, _code(error), f"{error.status_code}: {error.message}", after)


def error_of(status: int, code: str, detail: str, after: float | None = None) -> ProviderError:
    """What an answer of this status means for the ledger."""
    if code in NO_QUOTA or status == 402:
        return StopAll("no_quota", detail)
    if code in NO_MODEL or status in {404, 405} or status < 400:
        return StopAll("model_not_found", detail)
    if status in {401, 403}:
        return StopAll("bad_key" if status == 401 else "forbidden", detail)
    if status in {504, 524}:  # a gateway lost patience; the model behind it may have gone on
        return Ambiguous("timeout", detail)
    if status in {408, 409, 425, 429} or status >= 500:
        return RetryLater("rate_limited" if status == 429 else "provider_error", detail, after)
    if code in {"unsupported_parameter", "unsupported_value", "unknown_parameter"}:
        return StopAll("bad_params", detail)
    if code == "context_length_exceeded" or status == 413:
        return GiveUp("too_long", detail)
    return GiveUp("filtered" if "content" in code and ("filter" in code or "policy" in code) else "bad_request", detail)


def _code(error: openai.APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    names = [str(body.get("code") or ""), str(body.get("type") or "")]
    return next((name for name in names if name in NO_QUOTA), names[0])


def _retry_after(headers: Any) -> float | None:
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(MAX_WAIT, max(0.0, seconds)) if seconds == seconds else None


def tidy(text: str) -> str:
    """A provider's words, fit to be kept: short, on one line, without any key."""
    for provider in providers.every():
        text = text.replace(provider.key, "***") if len(provider.key) >= 4 else text
    text = SECRET.sub(r"\1***", storable(text))
    return re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f\x7f]", " ", text)).strip()[:500]
