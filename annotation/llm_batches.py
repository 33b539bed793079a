"""Batches of an OpenAI-compatible provider: a file of requests, worked off within a day at a lower price."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import providers
from .llm import ProviderError, Reply, Request, RetryLater, client_of, error_of, parsed, stores, vocabulary


@dataclass(frozen=True)
class RemoteBatch:
    """A batch as the provider has it: `status` in its words, `expires_at` in seconds since 1970."""

    id: str
    status: str
    output: str
    errors: str
    expires_at: int | None

    @property
    def is_over(self) -> bool:
        return self.status in {"completed", "expired", "cancelled", "failed"}


def line_of(request: Request) -> bytes:
    """One request as a line of a batch's file; `custom_id` is the attempt's."""
    body = {"model": request.model, "messages": list(request.messages), **request.params}
    if stores(providers.named(request.provider)) and "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
    line = {"custom_id": request.attempt_id, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def upload(provider: str, content: bytes) -> str:
    """The provider's name of the file. Uploading costs nothing. Raises as `complete` does."""
    with vocabulary(), client_of(providers.named(provider)) as client:
        return client.files.create(file=("calls.jsonl", content), purpose="batch").id


def start_batch(provider: str, file_id: str, tag: str) -> RemoteBatch:
    """Have a file worked off within a day. `tag` goes along, to find it again (`find_batch`). Raises as `complete` does."""
    with vocabulary(), client_of(providers.named(provider)) as client:
        made = client.batches.create(
            input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"batch": tag}
        )
        return _remote(made)


def find_batch(provider: str, tag: str) -> RemoteBatch | None:
    """The batch that was started with `tag`, if there is one among the last hundred. Raises as `complete` does."""
    with vocabulary(), client_of(providers.named(provider)) as client:
        listed = client.batches.list(limit=100)
        return next((_remote(each) for each in listed.data if (each.metadata or {}).get("batch") == tag), None)


def look_at_batch(provider: str, remote_id: str) -> RemoteBatch:
    with vocabulary(), client_of(providers.named(provider)) as client:
        return _remote(client.batches.retrieve(remote_id))


def cancel_batch(provider: str, remote_id: str) -> None:
    with vocabulary(), client_of(providers.named(provider)) as client:
        client.batches.cancel(remote_id)


def results(provider: str, file_id: str) -> Iterator[tuple[str, Reply | ProviderError]]:
    """(attempt's id, what came of it) for each line of a batch's output or errors. Raises as `complete` does."""
    with vocabulary(), client_of(providers.named(provider)) as client:
        content = client.files.content(file_id).read()
    for line in content.splitlines():
        row = parsed(line)
        if isinstance(row, dict) and isinstance(row.get("custom_id"), str):
            yield row["custom_id"], _result(row)


def _result(row: dict[str, Any]) -> Reply | ProviderError:
    response, refused = _dict(row.get("response")), _dict(row.get("error"))
    status, body = response.get("status_code"), response.get("body")
    if status == 200:
        return Reply(body, str(response.get("request_id") or "")[:128], 0)
    told = refused or _dict(_dict(body).get("error"))
    code, message = str(told.get("code") or ""), str(told.get("message") or "")
    if not isinstance(status, int):
        return RetryLater("batch_expired" if code == "batch_expired" else "provider_error", f"{code} {message}")
    return error_of(status, code, f"{status}: {message}")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _remote(batch: Any) -> RemoteBatch:
    return RemoteBatch(str(batch.id), str(batch.status), batch.output_file_id or "", batch.error_file_id or "", batch.expires_at)
