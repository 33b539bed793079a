"""MNBVC: questions with their answer (wikiHow among them), and forum threads of which each is one row.

Much in them is JSON inside a string. Of a thread the topic is the post and the floors are its context; where the topic is
empty, the first floor takes its place.
"""

import json
from typing import Any

from sources.cleaning import plain

from .base import PERSONAL, Importer, PostData, Raw, identity, number, some, text, unpacked, when

FLOORS = 200  # of a thread, as context


class Mnbvc(Importer):
    label = "MNBVC"
    shapes = (frozenset({"问", "答", "元数据"}), frozenset({"主题", "回复", "元数据"}))
    personal = frozenset({"原文"})  # the page as it was, with the names in it

    def read(self, row: Raw) -> PostData:
        return self._thread(row) if "主题" in row else self._question(row)

    def _question(self, row: Raw) -> PostData:
        about = unpacked(row.get("元数据"))
        asked, answered = unpacked(about.get("问题明细")), unpacked(about.get("回答明细"))
        title, reply = plain(text(row, "问") or text(asked, "问题")), plain(text(row, "答") or text(answered, "回答"))
        body = plain(text(asked, "描述", "问题描述", "补充", "正文") if asked else text(about, "问题明细"))
        extra = answered | unpacked(about.get("扩展字段"))
        return some(PostData(
            identity("", row.get("来源"), row.get("id"), title, reply), title, "" if body == title else body, reply,
            votes=number(extra, "点赞数", "赞同数"), posted_at=when(about, "create_time", "发帖时间"),
        ))  # fmt: skip

    def _thread(self, row: Raw) -> PostData:
        about, replies = unpacked(row.get("元数据")), row.get("回复")
        floors = [floor for floor in map(_floor, replies if isinstance(replies, list) else []) if floor["text"]]
        title = plain(text(row, "主题"))
        if not title and floors:
            title = floors.pop(0)["text"]
        extra = about | unpacked(about.get("扩展字段"))
        return some(PostData(
            identity("", row.get("来源"), row.get("ID"), title), title, votes=number(extra, "点赞数"),
            posted_at=when(about, "发帖时间", "create_time"), context=tuple(floors[:FLOORS]),
        ))  # fmt: skip

    def anonymous(self, row: Raw) -> dict[str, Any]:
        left: dict[str, Any] = _opened(super().anonymous(dict(row)), PERSONAL | self.personal)
        return left


def _floor(reply: Any) -> dict[str, Any]:
    reply = reply if isinstance(reply, dict) else {}
    return {"floor": number(reply, "楼ID"), "text": plain(text(reply, "回复"))}


def _opened(value: Any, keys: frozenset[str], depth: int = 0) -> Any:
    """`value`, and the JSON in its strings, without `keys`."""
    if isinstance(value, list):
        return [_opened(item, keys, depth + 1) for item in value]
    if isinstance(value, str) and depth < 20 and (inner := unpacked(value)):
        return json.dumps(_opened(inner, keys, depth + 1), ensure_ascii=False)
    return {key: _opened(item, keys, depth + 1) for key, item in value.items() if key not in keys} if isinstance(value, dict) else value
