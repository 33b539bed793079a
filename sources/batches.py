"""What the process that reads hands over: some rows, converted and judged, and where they end. Pure.

    4 bytes: length of the head | head, JSON | the lines, each ended by \\n: one for each post, then its signatures

A line is what COPY wants of a post but for what only the parent knows (ids, the author's pseudonym, the verdict's last word).
Nothing in it is believed: lines are split before they are used, so none can smuggle in another.
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import orjson

POST = ("row", "external_id", "url", "title", "body", "answer", "votes", "posted_at", "question_id", "context", "raw", "raw_texts",
        "content_hash", "original")  # fmt: skip
SIGNATURE = ("field", "folded", "minhash")


class Head(NamedTuple):
    """What the parent must know of a post. `asks`: it falls when an earlier post reads the same, before it would fall for `reason`.
    `signatures`: how many."""

    row: int
    external_id: str
    author: str  # as found: nobody but the parent can make a pseudonym of it
    content_hash: str
    asks: bool
    reason: str
    value: str
    signatures: int


@dataclass
class Batch:
    """Rows that follow each other. `end` and `row` are the cursor after them."""

    row: int = 0
    end: int = 0
    read: int = 0
    posts: list[Head] = field(default_factory=list)
    rejected: list[tuple[int, str, str, str]] = field(default_factory=list)  # row, reason, detail, raw
    context: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # external id of a post -> what belongs to its thread
    remembered: dict[str, Any] = field(default_factory=dict)  # of threads, for the next batch
    lines: list[bytes] = field(default_factory=list)

    def packed(self) -> bytes:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "lines"}
        head = orjson.dumps(values | {"posts": [list(post) for post in self.posts]})
        return b"".join((struct.pack(">I", len(head)), head, b"\n".join(self.lines)))

    @classmethod
    def unpacked(cls, frame: bytes) -> Batch:
        """Raises ValueError, TypeError or struct.error for what is none."""
        (length,) = struct.unpack_from(">I", frame)
        said = orjson.loads(frame[4 : 4 + length])
        lines = frame[4 + length :].split(b"\n") if len(frame) > 4 + length else []
        made = cls(**said | {"posts": [Head(*head) for head in said["posts"]], "lines": lines})
        if len(lines) != sum(1 + head.signatures for head in made.posts):
            raise ValueError("lines are missing")
        return made


@dataclass(frozen=True)
class Recipe:
    """How rows become posts. `salt`: for names that must be remembered from row to row. `threads`: as the last batch left them.
    `screens`: None where they cannot be made, and then nothing is judged."""

    importer: str
    mapping: dict[str, str]
    floors: str
    salt: str
    screens: list[dict[str, Any]] | None
    threads: dict[str, Any]

    def packed(self) -> bytes:
        return orjson.dumps(asdict(self))
