"""Threads of which every floor is a row: what becomes of each floor. Pure.

    context   the starter's first floor that has a text, before anybody else's, is the post; the other floors are its context
    posts     every floor is a post
    starter   every floor that the thread's starter wrote is a post: lists that hold one joke a floor
    auto      `starter` when most of the starter's floors begin with a rank number, or the starter wrote very many; else `context`

A row stays one row: it becomes a post, or is left out for a named reason. `context_of_thread` means left out as a post and
kept as context; `taken_context` gives these to whoever writes the batch, with it. What must be remembered from one
batch to the next is `state`, which is written with the batch too and holds no names. So an interrupted import ends like
any other, and an item of context that is there already is not added again.

The starter is who wrote floor 1; where a file begins later (the second page of a dump), who wrote most of its first rows.
Of rows with the same floor number the first is the floor, the others are replies under it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .base import Floor, Importer, PostData, Raw, Rejected

SAMPLE = 500  # rows that `auto` is decided by
MANY = 10  # floors of one author, a third of all or more: a list, whether it is numbered or not
REMEMBERED = 50  # threads at a time: dumps go through them one after the other
CONTEXT = 200  # items of one post
RANK = re.compile(r"^\s*[*＊]?\s*\d{1,4}\s*[、.．丶:：]\s*(?=\S)")  # "151、家电…", "*364.夫人…"
SCORE = re.compile(r"\s*\n\s*(?:评分|得分)\s*[:：]\s*[\d.]{1,8}\s*$")  # the last line of a joke in a scored list

Context = dict[str, list[dict[str, Any]]]  # external id of a post -> items


class Threads:
    """Reads rows through `importer`. `seal` makes of an author what may be remembered."""

    def __init__(self, importer: Importer, mode: str, state: Mapping[str, Any] | None, seal: Callable[[str], str]) -> None:
        self.importer, self.mode, self.seal = importer, mode, seal
        self.state: dict[str, list[Any]] = {thread: list(known) for thread, known in (state or {}).items()}
        self.context: Context = {}

    def taken_context(self) -> Context:
        """What was found since the last time that this was asked."""
        found, self.context = self.context, {}
        return found

    def read(self, row: Raw) -> PostData:
        """Raises Rejected."""
        floor = self.importer.floor(row)
        if floor is None:
            return self.importer.read(row)
        known = self._thread(floor)
        if not known[1] and floor.number != 1:
            known[2] = None
        is_reply, known[1] = floor.number == known[1], floor.number
        post = self.importer.read(row)
        by_starter = self.seal(floor.author) == known[0]
        if self.mode == "context":
            return self._head_or_context(post, floor, known, is_head=by_starter and not is_reply)
        if is_reply:
            raise Rejected("floor_of_a_floor", f"{floor.number}")
        if self.mode == "starter":
            if not by_starter:
                raise Rejected("not_the_starter")
            return replace(post, title=SCORE.sub("", RANK.sub("", post.title, count=1)))
        return post

    def _thread(self, floor: Floor) -> list[Any]:
        """[starter, last floor, external id of the post (None: there is none), items of context]"""
        if floor.thread not in self.state:
            while len(self.state) >= REMEMBERED:
                del self.state[next(iter(self.state))]
            self.state[floor.thread] = [self.seal(floor.author), 0, "", 0]
        return self.state[floor.thread]

    def _head_or_context(self, post: PostData, floor: Floor, known: list[Any], *, is_head: bool) -> PostData:
        if is_head and known[2] in ("", post.external_id):
            known[2] = post.external_id
            return post
        if not known[2]:
            known[2] = None  # a thread that began with images: what its starter says later is not what it is about
            raise Rejected("no_first_post")
        if known[3] >= CONTEXT:
            raise Rejected("context_full", f"> {CONTEXT}")
        known[3] += 1
        self.context.setdefault(known[2], []).append({"floor": floor.number, "text": post.title})
        raise Rejected("context_of_thread", f"{floor.thread}: {floor.number}")


def plan(importer: Importer, rows: Iterable[Raw], wish: str, seal: Callable[[str], str]) -> tuple[str, dict[str, Any]]:
    """How to read a file that begins with `rows`, where the source wishes for `wish`: the mode, and what is known of its threads."""
    floors = [(floor, row) for row in rows if (floor := _floor(importer, row))]
    starters = _starters(floor for floor, _row in floors)
    state = {thread: [seal(author), 0, "", 0] for thread, author in list(starters.items())[:REMEMBERED]}
    return ((wish if wish != "auto" else _recognised(importer, floors, starters)), state)


def _floor(importer: Importer, row: Raw) -> Floor | None:
    try:
        return importer.floor(row)
    except Rejected:
        return None


def _starters(floors: Iterable[Floor]) -> dict[str, str]:
    wrote: dict[str, Counter[str]] = {}
    opened: dict[str, str] = {}
    for floor in floors:
        wrote.setdefault(floor.thread, Counter())[floor.author] += 1
        if floor.number == 1:
            opened.setdefault(floor.thread, floor.author)
    return {thread: opened.get(thread) or count.most_common(1)[0][0] for thread, count in wrote.items()}


def _recognised(importer: Importer, floors: Sequence[tuple[Floor, Raw]], starters: Mapping[str, str]) -> str:
    if not floors:
        return "context"
    seen: set[tuple[str, int]] = set()
    texts: list[str] = []
    for floor, row in floors:
        if (floor.thread, floor.number) in seen:
            continue
        seen.add((floor.thread, floor.number))
        if floor.author == starters[floor.thread]:
            texts.append(_text(importer, row))
    own = sum(bool(text) for text in texts)
    ranked = sum(bool(RANK.match(text)) for text in texts)
    is_list = ranked >= 3 and 2 * ranked >= own
    return "starter" if is_list or (own >= MANY * len(starters) and 3 * own >= len(seen)) else "context"


def _text(importer: Importer, row: Raw) -> str:
    try:
        return importer.read(row).title
    except Rejected:
        return ""
