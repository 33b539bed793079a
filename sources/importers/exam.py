"""Exam questions as GAOKAO-Bench writes them, one level down in `example`. The reply is the answer and its explanation."""

from sources.cleaning import plain

from .base import Importer, PostData, Raw, Rejected, identity, some, text


class Exam(Importer):
    shapes = (frozenset({"question", "answer", "analysis"}), frozenset({"question", "answer", "year", "category"}))

    def read(self, row: Raw) -> PostData:
        question, passage = plain(text(row, "question")), plain(text(row, "passage", "material"))
        if not question:
            raise Rejected("no_question")
        answer, analysis = plain(text(row, "answer")).replace("\n", "、"), plain(text(row, "analysis", "explanation"))
        reply = "\n\n".join(part for part in (f"答案：{answer}" if answer else "", analysis) if part)
        own = identity(text(row, "id"), passage, question, answer, row.get("year"))
        return some(PostData(own, passage or question, question if passage else "", reply))
