"""SegmentFault: a question of programmers with one answer. Texts are Markdown or HTML; only of HTML is the markup taken away."""

from sources.cleaning import plain, without_markup

from .base import Importer, PostData, Raw, identity, link, number, some, text, when


class SegmentFault(Importer):
    shapes = (frozenset({"title", "body", "answer", "votes", "tags"}),)

    def read(self, row: Raw) -> PostData:
        title, body, answer = (_readable(text(row, field)) for field in ("title", "body", "answer"))
        question = text(row, "question_id")
        return some(PostData(
            identity(text(row, "answer_id", "id"), question, title, body, answer), title, body, answer, url=link(row, "url", "link"),
            votes=number(row, "votes"), posted_at=when(row, "created_at", "created", "time"), author=text(row, "user_id", "author"),
            question_id=question[:200],
        ))  # fmt: skip


def _readable(found: str) -> str:
    """`<div>` within Markdown is what the question is about."""
    return without_markup(found) if found.lstrip().startswith("<") and "```" not in found else plain(found)
