"""Encyclopedias: questions with their answer (baike2018qa), and entries (wiki2019zh), whose text is the reply to their title."""

from sources.cleaning import without_markup

from .base import Importer, PostData, Raw, identity, link, some, text


class Baike(Importer):
    shapes = (frozenset({"qid", "category", "title", "answer"}), frozenset({"id", "url", "title", "text"}))

    def read(self, row: Raw) -> PostData:
        title, reply = without_markup(text(row, "title")), without_markup(text(row, "answer", "text"))
        if "text" in row:
            reply = reply.removeprefix(title).lstrip()  # an entry begins with its own title
        body = without_markup(text(row, "desc"))
        own = text(row, "qid", "id")
        return some(PostData(identity(own, title, body, reply), title, "" if body == title else body, reply, url=link(row, "url")))
