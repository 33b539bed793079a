"""Encyclopedias and question sites: baike2018qa, baiduzhidao; wiki2019zh and news2016zh, whose text is the reply to their title."""

from sources.cleaning import without_markup

from .base import Importer, PostData, Raw, identity, link, some, text

ASKED = frozenset({"input", "output"})  # baiduzhidao has these two and nothing else


class Baike(Importer):
    shapes = (
        frozenset({"qid", "category", "title", "answer"}),
        frozenset({"id", "url", "title", "text"}),
        frozenset({"news_id", "keywords", "title", "content"}),
        ASKED,
    )

    def knows(self, row: Raw) -> bool:
        return "title" in row or row.keys() == ASKED

    def read(self, row: Raw) -> PostData:
        title = without_markup(text(row, "title", "input"))
        reply = without_markup(text(row, "answer", "text", "content", "output"))
        if "text" in row:
            reply = reply.removeprefix(title).lstrip()  # an entry begins with its own title
        body = without_markup(text(row, "desc"))
        if body == title or reply.startswith(body[:30]):  # the summary of a news item is how it begins
            body = ""
        own = text(row, "qid", "id", "news_id")
        return some(PostData(identity(own, title, body, reply), title, body, reply, url=link(row, "url")))
