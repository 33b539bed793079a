"""How a record is laid out for those who train on it. To add a layout: one class, one line in SCHEMAS, one test. Pure.

Three kinds of rows are laid out:

    records     the nine keys of COIG-CQIA
    ranked      instruction, input, chosen, rejected
    labelled    instruction, input, output, label (whether it is a good answer)
"""

from collections.abc import Mapping
from typing import Any, Protocol

from .records import KEYS

Row = Mapping[str, Any]


class Schema(Protocol):
    kind: str
    label: str
    reader: str  # who reads it

    def row(self, data: Row) -> dict[str, Any]:
        """`data` (its keys in any order) in this layout."""


def asked(data: Row) -> str:
    """Instruction and input joined by a line feed, as trainers do."""
    return "\n".join(text for text in (data["instruction"], data["input"]) if text)


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def turn(who: str, value: str) -> dict[str, str]:
    return {"from": who, "value": value}


class Cqia:
    """COIG-CQIA: nine keys in this order, identical types in every row. Files whose columns differed broke its loading."""

    kind, label, reader = "records", "COIG-CQIA", ""

    def row(self, data: Row) -> dict[str, Any]:
        row = {key: data[key] for key in KEYS}
        return row | {"task_type": {level: data["task_type"][level] for level in ("major", "minor")}}


class Alpaca:
    kind, label, reader = "records", "Alpaca", "LLaMA-Factory"

    def row(self, data: Row) -> dict[str, Any]:
        return {key: data[key] for key in ("instruction", "input", "output")}


class ShareGpt:
    kind, label, reader = "records", "ShareGPT", "LLaMA-Factory"

    def row(self, data: Row) -> dict[str, Any]:
        return {"conversations": [turn("human", asked(data)), turn("gpt", data["output"])]}


class Messages:
    kind, label, reader = "records", "OpenAI messages", "OpenAI, TRL, ms-swift, axolotl"

    def row(self, data: Row) -> dict[str, Any]:
        return {"messages": [said("user", asked(data)), said("assistant", data["output"])]}


class PromptCompletion:
    kind, label, reader = "records", "Prompt and completion", "TRL"

    def row(self, data: Row) -> dict[str, Any]:
        return {"prompt": asked(data), "completion": data["output"]}


class Dpo:
    kind, label, reader = "ranked", "DPO", "LLaMA-Factory"

    def row(self, data: Row) -> dict[str, Any]:
        return {key: data[key] for key in ("instruction", "input", "chosen", "rejected")}


class DpoShareGpt:
    kind, label, reader = "ranked", "DPO, ShareGPT", "LLaMA-Factory"

    def row(self, data: Row) -> dict[str, Any]:
        return {
            "conversations": [turn("human", asked(data))], "chosen": turn("gpt", data["chosen"]), "rejected": turn("gpt", data["rejected"])
        }  # fmt: skip


class DpoOpenAi:
    kind, label, reader = "ranked", "DPO, OpenAI", "OpenAI"

    def row(self, data: Row) -> dict[str, Any]:
        return {
            "input": {"messages": [said("user", asked(data))], "tools": [], "parallel_tool_calls": True},
            "preferred_output": [said("assistant", data["chosen"])],
            "non_preferred_output": [said("assistant", data["rejected"])],
        }


class DpoTrl:
    kind, label, reader = "ranked", "DPO, TRL", "TRL"

    def row(self, data: Row) -> dict[str, Any]:
        return {"prompt": asked(data), "chosen": data["chosen"], "rejected": data["rejected"]}


class DpoSwift:
    kind, label, reader = "ranked", "DPO, ms-swift", "ms-swift"

    def row(self, data: Row) -> dict[str, Any]:
        return {"messages": [said("user", asked(data)), said("assistant", data["chosen"])], "rejected_response": data["rejected"]}


class DpoAxolotl:
    kind, label, reader = "ranked", "DPO, axolotl", "axolotl"

    def row(self, data: Row) -> dict[str, Any]:
        return {
            "messages": [said("user", asked(data))],
            "chosen": said("assistant", data["chosen"]), "rejected": said("assistant", data["rejected"]),
        }  # fmt: skip


class Kto:
    kind, label, reader = "labelled", "KTO", "LLaMA-Factory"

    def row(self, data: Row) -> dict[str, Any]:
        return {"instruction": data["instruction"], "input": data["input"], "output": data["output"], "kto_tag": data["label"]}


class KtoTrl:
    kind, label, reader = "labelled", "KTO, TRL", "TRL"

    def row(self, data: Row) -> dict[str, Any]:
        return {"prompt": asked(data), "completion": data["output"], "label": data["label"]}


class KtoSwift:
    kind, label, reader = "labelled", "KTO, ms-swift", "ms-swift"

    def row(self, data: Row) -> dict[str, Any]:
        return {"messages": [said("user", asked(data)), said("assistant", data["output"])], "label": data["label"]}


SCHEMAS: dict[str, Schema] = {
    "cqia": Cqia(),
    "alpaca": Alpaca(),
    "sharegpt": ShareGpt(),
    "messages": Messages(),
    "prompt-completion": PromptCompletion(),
    "dpo": Dpo(),
    "dpo-sharegpt": DpoShareGpt(),
    "dpo-openai": DpoOpenAi(),
    "dpo-trl": DpoTrl(),
    "dpo-swift": DpoSwift(),
    "dpo-axolotl": DpoAxolotl(),
    "kto": Kto(),
    "kto-trl": KtoTrl(),
    "kto-swift": KtoSwift(),
}


# A row of each kind, whose values have the types of all rows of its kind: what the columns of a file are told from.
EXAMPLES: Mapping[str, Row] = {
    "records": {
        "instruction": "问", "input": "", "output": "答", "task_type": {"major": ["问答"], "minor": ["逻辑问答"]}, "domain": ["通用"],
        "metadata": "", "answer_from": "llm", "human_verified": True, "copyright": "",
    },
    "ranked": {"instruction": "问", "input": "", "chosen": "答", "rejected": "不答"},
    "labelled": {"instruction": "问", "input": "", "output": "答", "label": True},
}  # fmt: skip


def example(name: str) -> dict[str, Any]:
    schema = SCHEMAS[name]
    return schema.row(EXAMPLES[schema.kind])


def keys(name: str) -> list[str]:
    """The columns of a layout, in order."""
    return list(example(name))
