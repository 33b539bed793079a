"""Data sets of instructions, as others and as we ourselves publish them: COIG-CQIA, Alpaca, BELLE's questions, conversations."""

from typing import Any, ClassVar, NamedTuple

import orjson

from sources.cleaning import plain
from sources.rows import unfit

from .base import Importer, PostData, Raw, Rejected, identity, some, text, unpacked

ASKS, ANSWERS = {"human", "user"}, {"gpt", "assistant", "chatgpt", "bot"}
TURNS = 200  # of a conversation, as context
OPENING = ("{", "[")


class Alpaca(Importer):
    """Also with `chosen` and `rejected` replies, of which the chosen one counts. `history` is what was said before."""

    label = "Alpaca"
    shapes: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"instruction", "output"}), frozenset({"instruction", "chosen"}))

    def read(self, row: Raw) -> PostData:
        title, body, reply = plain(text(row, "instruction")), plain(text(row, "input")), plain(text(row, "output", "chosen"))
        history = row.get("history")
        before = [said for turn in history if isinstance(turn, list) for said in turn] if isinstance(history, list) else []
        context = tuple({"floor": n, "text": plain(said)} for n, said in enumerate(before[:TURNS], 1) if isinstance(said, str))
        return some(PostData(identity("", title, body, reply, before), title, body, reply, context=context))


class Cqia(Alpaca):
    label = "COIG-CQIA"
    shapes = (frozenset({"instruction", "input", "output", "task_type", "domain", "metadata"}),)


class Belle(Importer):
    label = "BELLE"
    shapes = (frozenset({"question", "std_answer"}),)

    def read(self, row: Raw) -> PostData:
        title, reply = plain(text(row, "question")), plain(text(row, "std_answer"))
        return some(PostData(identity("", title, reply), title, answer=reply))


class Turn(NamedTuple):
    asks: bool
    text: str


class Conversations(Importer):
    """The first question and its answer; what follows is their context. A preference file keeps the chosen answer apart."""

    label = "ShareGPT / messages"
    shapes = (
        frozenset({"conversations"}), frozenset({"conversation"}), frozenset({"messages"}), frozenset({"input", "preferred_output"})
    )  # fmt: skip

    def knows(self, row: Raw) -> bool:
        return isinstance(_said(_opened(row)), list)

    def anonymous(self, row: Raw) -> dict[str, Any]:
        return super().anonymous(dict(_opened(row)))

    def read(self, row: Raw) -> PostData:
        row = _opened(row)
        better = row.get("preferred_output")
        chosen = [row.get("chosen"), *(better if isinstance(better, list) else [])]
        turns = [turn for item in _said(row) or [] for turn in _turns(item)]
        turns += [turn for item in chosen for turn in _turns(item) if not turn.asks]
        asked = next((n for n, turn in enumerate(turns) if turn.asks), None)
        if asked is None:
            raise Rejected("no_question")
        answered = asked + 1 if asked + 1 < len(turns) and not turns[asked + 1].asks else None
        reply = turns[answered].text if answered else ""
        rest = [{"floor": n, "text": turn.text} for n, turn in enumerate(turns, 1) if n - 1 not in (asked, answered) and turn.text]
        own = text(row, "conversation_id", "id")
        return some(PostData(
            identity("", own, *(turn.text for turn in turns)), turns[asked].text, answer=reply, context=tuple(rest[:TURNS])
        ))  # fmt: skip


def _opened(row: Raw) -> Raw:
    """With lists and objects, where a table holds them as JSON in its cells."""
    return {key: _value(value) if isinstance(value, str) and value[:1] in OPENING else value for key, value in row.items()}


def _value(cell: str) -> Any:
    try:
        value = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
    return cell if unfit(value) else value


def _said(row: Raw) -> Any:
    if isinstance(asked := row.get("input"), dict):  # as OpenAI wants preferences
        row = asked
    return next((row[key] for key in ("conversations", "conversation", "messages") if isinstance(row.get(key), list)), None)


def _turns(item: Any) -> list[Turn]:
    """Of {from, value}, {role, content} or {human, assistant}. What the system or a tool says is no turn."""
    item = unpacked(item)
    if "human" in item or "assistant" in item:
        return [Turn(key == "human", plain(text(item, key))) for key in ("human", "assistant") if item.get(key)]
    role = item.get("from", item.get("role"))
    if not isinstance(role, str) or role not in ASKS | ANSWERS:
        return []
    return [Turn(role in ASKS, plain(text(item, "value", "content")))]
