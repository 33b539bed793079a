"""Exam questions as GAOKAO-Bench writes them, one level down in `example`. The reply is the answer and its explanation.

A passage with questions about it is title and body: the instruction is made of the one, the input of the other.
"""

import re

from sources.cleaning import plain

from .base import Importer, PostData, Raw, Rejected, identity, some, text

FIRST = re.compile(r"^\s*\d{1,3}\s*[．.、]\s*[（(]\s*\d{1,3}\s*分\s*[）)]", re.MULTILINE)  # "3．（4 分）"


class Exam(Importer):
    shapes = (frozenset({"question", "answer", "analysis"}), frozenset({"question", "answer", "year", "category"}))

    def read(self, row: Raw) -> PostData:
        question, passage = plain(text(row, "question")), plain(text(row, "passage", "material", "context"))
        if not question:
            raise Rejected("no_question")
        first = FIRST.search(question)
        if not passage and first and (before := question[: first.start()].strip()):
            passage, question = before, question[first.start() :].strip()
        answer, analysis = plain(text(row, "answer")).replace("\n", "、"), plain(text(row, "analysis", "explanation"))
        reply = "\n\n".join(part for part in (f"答案：{answer}" if answer else "", analysis) if part)
        own = identity(text(row, "id"), passage, question, answer, row.get("year"))
        return some(PostData(own, passage or question, question if passage else "", reply))
