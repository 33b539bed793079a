"""What is sent for a call: the request as it goes out, built from nothing but the call's own row, its run and its prompt."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

from . import llm, prompting
from .models import ModelCall, Purpose

FRAME = 64  # bytes around a message, counted generously


def request_of(call: ModelCall) -> llm.Request:
    return llm.Request(str(call.attempt_id), call.model, messages_of(call), call.params, call.provider)


def messages_of(call: ModelCall) -> list[prompting.Message]:
    if call.purpose == Purpose.SCORE:
        return prompting.score_messages(rules=call.prompt.text, material=call.material, marker=marker_of(call))
    texts = {"instruction": "", "input": "", "hint": "", "note": ""} | call.material
    return prompting.messages(
        house_rules=call.prompt.text, source_rules=call.run.system_prompt if call.run else "", marker=marker_of(call),
        canary=canary_of(call), **texts,
    )  # fmt: skip


def bytes_of(call: ModelCall) -> int:
    """At least as many as there are tokens in the request."""
    return sum(len(message["content"].encode()) + FRAME for message in messages_of(call))


def marker_of(call: ModelCall) -> str:
    """Random and of this call alone; made from its id, so that the ledger can show what was sent."""
    return hashlib.sha256(call.attempt_id.bytes).hexdigest()[:20]


def canary_of(call: ModelCall) -> str:
    """Stands in the system message alone: a reply that shows it has let the rules out. One for a run, so that the provider
    can keep the beginning of its requests in its cache."""
    return hmac.new(settings.SECRET_KEY.encode(), f"canary {call.run_id}".encode(), "sha256").hexdigest()[:16]
