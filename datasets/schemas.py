"""How a record is laid out for those who train on it. To add a layout: one class, one line in SCHEMAS, one test."""

from collections.abc import Mapping
from typing import Any, Protocol

from .records import KEYS


class Schema(Protocol):
    label: str
    keys: tuple[str, ...]

    def row(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The record `data` (nine keys, in any order) in this layout."""


class Cqia:
    """COIG-CQIA: nine keys in this order, identical types in every row. Files whose columns differed broke its loading."""

    label = "COIG-CQIA"
    keys: tuple[str, ...] = KEYS

    def row(self, data: Mapping[str, Any]) -> dict[str, Any]:
        row = {key: data[key] for key in KEYS}
        return row | {"task_type": {level: data["task_type"][level] for level in ("major", "minor")}}


class Alpaca:
    label = "Alpaca"
    keys: tuple[str, ...] = ("instruction", "input", "output")

    def row(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {key: data[key] for key in self.keys}


class Messages:
    """Chat messages; instruction and input are joined by a line feed, as trainers do."""

    label = "OpenAI messages"
    keys: tuple[str, ...] = ("messages",)

    def row(self, data: Mapping[str, Any]) -> dict[str, Any]:
        asked = "\n".join(text for text in (data["instruction"], data["input"]) if text)
        return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": data["output"]}]}


SCHEMAS: dict[str, Schema] = {"cqia": Cqia(), "alpaca": Alpaca(), "messages": Messages()}
