"""A record: the nine keys of COIG-CQIA, derived from the log. Nothing in it is typed in by anybody.

`metadata` and `copyright` say "unknown" in the words of the published files, so that ours load beside them.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from rapidfuzz.distance import Levenshtein

KEYS = ("instruction", "input", "output", "task_type", "domain", "metadata", "answer_from", "human_verified", "copyright")
ABOUT = KEYS[3:]  # what a record says beside its texts
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
    """What a person decided, and about what."""

    instruction: str
    input: str
    output: str
    task_type: Mapping[str, Any] = field(default_factory=dict)
    domain: Iterable[Any] = ()
    answer_from: str = "human"
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
        decided.answer_from,
        True,  # a person decided, or there would be no record
        decided.licence or NO_COPYRIGHT,
    )
    return dict(zip(KEYS, values, strict=True))


def answer_from(drafts: Sequence[str], output: str) -> str:
    """`llm` when one of a model's drafts (those it may be made from: none for the source's own answer, usually one) is
    still recognisable in the answer, `human` for everything else."""
    known = any(Levenshtein.normalized_distance(draft, output, score_cutoff=REWRITTEN) <= REWRITTEN for draft in drafts)
    return "llm" if known else "human"


def metadata(platform: str, raw: Mapping[str, Any]) -> str:
    """`qid:1, aid:2` and the like. A row that was a record already keeps what it said."""
    if raw.keys() >= set(ABOUT) and isinstance(raw["metadata"], str):
        return raw["metadata"]
    facts = ((name, next(filter(None, (_fact(raw.get(column)) for column in columns)), "")) for name, columns in METADATA.get(platform, ()))
    return ", ".join(f"{name}:{fact}" for name, fact in facts if fact) or NO_METADATA


def line(data: Mapping[str, Any]) -> str:
    """The record as COIG-CQIA publishes it, without the line feed: keys in order, a space after comma and colon, no ASCII
    escapes. (Inside strings a line feed is escaped; U+2028 and the like are not, so readers split at the line feed only.)"""
    return json.dumps({key: data[key] for key in KEYS}, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class Frame:
    """Both spellings of a record around its three texts: most records share all the rest with many others."""

    rest: bytes  # of the line, after the output
    first: bytes  # of the canonical spelling, up to the input
    middle: bytes  # from the instruction to the output
    last: bytes

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Frame":
        """The frame of `data`, whose texts do not matter."""
        mark = "\x00"
        data = {**data, "instruction": mark, "input": mark, "output": mark}
        texts = orjson.dumps(mark)
        first, _instruction, middle, last = canonical(data).split(texts)
        return cls(line(data).encode().split(texts)[3], first, middle, last)

    def spell(self, asked: bytes, context: bytes, output: bytes) -> tuple[bytes, bytes]:
        """`line` and `canonical` of the record with these texts, which are JSON already."""
        spelled = b'{"instruction": %b, "input": %b, "output": %b%b' % (asked, context, output, self.rest)
        return spelled, b'%b%b,"instruction":%b%b%b%b' % (self.first, context, asked, self.middle, output, self.last)


def read_line(text: str) -> Any:
    return orjson.loads(text)


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
