"""A record: the nine keys of COIG-CQIA, derived from the log. Nothing in it is typed in by anybody.

`metadata` and `copyright` say "unknown" in the words of the published files, so that ours load beside them.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from rapidfuzz.distance import Levenshtein

KEYS = ("instruction", "input", "output", "task_type", "domain", "metadata", "answer_from", "human_verified", "copyright")
NO_METADATA = "暂无元数据信息"
NO_COPYRIGHT = "暂无版权及作者信息"
REWRITTEN = 0.5  # of the characters changed: from here on the answer is the editor's and no longer the model's

# What the published files say about a text: the name there, and the columns that hold it in the files we read.
METADATA: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "zhihu": (("qid", ("qid", "question_id")), ("aid", ("answer_id", "content_id"))),
    "exam": (("year", ("year",)), ("score", ("score",))),
}
FACT = re.compile(r"[\w.\-]{1,40}")  # an id or a number; anything longer is a text and does not belong here


@dataclass(frozen=True)
class Decided:
    """What a person decided, and about what. `drafts` are a model's texts that it may be made from: none for the source's
    own answer, usually one."""

    instruction: str
    input: str
    output: str
    task_type: Mapping[str, Any] = field(default_factory=dict)
    domain: Iterable[Any] = ()
    drafts: Sequence[str] = ()
    licence: str = ""
    platform: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)


def compose(decided: Decided) -> dict[str, Any]:
    """The record of a decision: nine keys in order, the same types in every record."""
    values = (
        decided.instruction,
        decided.input,
        decided.output,
        {level: _words(decided.task_type.get(level)) for level in ("major", "minor")},
        _words(decided.domain),
        metadata(decided.platform, decided.raw),
        answer_from(decided.drafts, decided.output),
        True,  # a person decided, or there would be no record
        decided.licence or NO_COPYRIGHT,
    )
    return dict(zip(KEYS, values, strict=True))


def answer_from(drafts: Sequence[str], output: str) -> str:
    """`llm` when a model's draft is still recognisable in the answer, `human` for everything else."""
    known = any(Levenshtein.normalized_distance(draft, output, score_cutoff=REWRITTEN) <= REWRITTEN for draft in drafts)
    return "llm" if known else "human"


def metadata(platform: str, raw: Mapping[str, Any]) -> str:
    """`qid:1, aid:2` and the like. A row that was a record already keeps what it said."""
    if raw.keys() >= set(KEYS) and isinstance(raw["metadata"], str):
        return raw["metadata"]
    facts = ((name, next(filter(None, (_fact(raw.get(column)) for column in columns)), "")) for name, columns in METADATA.get(platform, ()))
    return ", ".join(f"{name}:{fact}" for name, fact in facts if fact) or NO_METADATA


def canonical(data: Mapping[str, Any]) -> bytes:
    """The one spelling of a record that checksums are made of: JSON in UTF-8, keys sorted, no spaces, ended by a line feed."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(data)).hexdigest()


def _words(values: Any) -> list[str]:
    values = [values] if isinstance(values, str) else values
    return [str(value) for value in values or ()]


def _fact(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    return str(value) if FACT.fullmatch(str(value)) else ""
