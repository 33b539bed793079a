"""Zhihu: a question with one of its answers (webtext2019zh, MediaCrawler), an article, or a question alone (lists of hot ones)."""

import re

from sources.cleaning import without_markup

from .base import Importer, PostData, Raw, Rejected, identity, link, number, some, text, when

QUESTION = re.compile(r"zhihu\.com/question/(\d{1,30})")


class Zhihu(Importer):
    shapes = (
        frozenset({"qid", "title", "star", "content"}),
        frozenset({"content_id", "content_text", "title"}),
        frozenset({"title", "url"}),
    )
    personal = frozenset({"answerer", "answerer_id"})

    def knows(self, row: Raw) -> bool:
        return "qid" in row or "content_id" in row or bool(QUESTION.search(str(row.get("url"))))

    def read(self, row: Raw) -> PostData:
        if "content_id" in row:
            return self._crawled(row)
        return self._webtext(row) if "qid" in row else self._hot(row)

    def _webtext(self, row: Raw) -> PostData:
        question, answer = text(row, "qid"), text(row, "answer_id")
        reply = without_markup(text(row, "content"))
        url = f"https://www.zhihu.com/question/{question}" + (f"/answer/{answer}" if answer.isdecimal() else "")
        return some(PostData(
            identity(answer, question, reply), without_markup(text(row, "title")), without_markup(text(row, "desc")), reply,
            url=url if question.isdecimal() else "", votes=number(row, "star"), author=text(row, "answerer_id", "answerer"),
            question_id=question[:200],
        ))  # fmt: skip

    def _crawled(self, row: Raw) -> PostData:
        if row.get("content_type") == "zvideo":
            raise Rejected("a_video")
        reply = without_markup(text(row, "content_text"))
        return some(PostData(
            identity(text(row, "content_id")), without_markup(text(row, "title")), without_markup(_description(row, reply)), reply,
            url=link(row, "content_url"), votes=number(row, "voteup_count"), posted_at=when(row, "created_time"),
            author=text(row, "user_id", "creator_hash", "user_nickname"), question_id=text(row, "question_id")[:200],
        ))  # fmt: skip

    def _hot(self, row: Raw) -> PostData:
        title, found = without_markup(text(row, "title")), QUESTION.search(text(row, "url"))
        question = found[1] if found else ""
        url = f"https://www.zhihu.com/question/{question}" if question else link(row, "url")
        return some(PostData(identity(question, title), title, url=url, question_id=question))


def _description(row: Raw, reply: str) -> str:
    """MediaCrawler's `desc` is often the beginning of the answer itself: that is no description of the question."""
    found = text(row, "desc")
    return "" if reply.startswith(without_markup(found)[:30]) else found
