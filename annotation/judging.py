"""Pure: the reply of a judge, read strictly. Whatever is not exactly a score is none: it fails closed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from . import prompting

KEYS = {"score", "reason"}
LONGEST = 500  # characters of a reason
HALVES = {Decimal(n) / 2 for n in range(2, 21)}  # 1, 1.5, … 10


def read_score(raw: Any) -> tuple[str, Decimal | None]:
    """(outcome, score): `ok` and a number from 1 to 10 in halves, or why there is none:

    refused | filtered | truncated | unparseable | empty | bad_score

    The reply must be one JSON object with `score`, a number, and `reason`, a text, and nothing else. Neither a number in a text,
    nor two objects, nor a second key of the same name, nor JSON in a fence counts.
    """
    outcome, text = prompting.content_of(raw)
    if outcome != "ok":
        return outcome, None
    try:
        said = json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "unparseable", None
    if not isinstance(said, dict) or set(said) != KEYS:
        return "unparseable", None
    score, reason = said["score"], said["reason"]
    if isinstance(score, bool) or not isinstance(score, int | Decimal) or Decimal(score) not in HALVES:
        return "bad_score", None
    if not isinstance(reason, str) or not reason.strip() or len(reason) > LONGEST:
        return "unparseable", None
    return "ok", Decimal(score)


def reason_of(raw: Any) -> str:
    """The sentence beside a score that was read before."""
    _outcome, text = prompting.content_of(raw)
    try:
        said = json.loads(text)
    except ValueError:
        return ""
    return str(said.get("reason", ""))[:LONGEST] if isinstance(said, dict) else ""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _value in pairs}) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def family(model: str) -> str:
    """Who made a model, as far as its name tells: `gpt-5-mini` and `openai/o3` are kin, `Qwen/Qwen3-8B` and `qwen-max` too. A name
    that tells nothing is a family of its own."""
    name = model.casefold()
    for maker, signs in FAMILIES.items():
        if any(sign in name for sign in signs) or name.rsplit("/", 1)[-1].startswith(STARTS.get(maker, ())):
            return maker
    return name


FAMILIES: dict[str, tuple[str, ...]] = {
    "openai": ("gpt", "chatgpt", "davinci"),
    "deepseek": ("deepseek",),  # before those whose weights some of its small models were made from
    "qwen": ("qwen", "qwq", "qvq", "tongyi"),
    "glm": ("glm", "zhipu"),
    "moonshot": ("kimi", "moonshot"),
    "doubao": ("doubao", "seed-oss"),
    "ernie": ("ernie", "wenxin"),
    "hunyuan": ("hunyuan",),
    "yi": (),
    "baichuan": ("baichuan",),
    "minimax": ("minimax", "abab"),
    "internlm": ("internlm",),
    "claude": ("claude",),
    "gemini": ("gemini", "gemma"),
    "llama": ("llama",),
    "mistral": ("mistral", "mixtral", "ministral"),
    "grok": ("grok",),
}
STARTS: dict[str, tuple[str, ...]] = {"openai": ("o1", "o3", "o4"), "yi": ("yi-",)}


def is_kin(one: str, other: str) -> bool:
    """Whether two models come of one family: such a judge is partial, and is marked wherever its number shows."""
    return bool(one and other) and family(one) == family(other)
