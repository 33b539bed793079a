"""Douban: short comments (CSV) and long reviews. The subject (a film, a book) is the title, the comment or review the reply."""

from sources.cleaning import without_markup

from .base import Importer, PostData, Raw, identity, link, number, some, text, when

SUBJECT = ("subject", "movie", "book", "movie_name", "subject_name", "片名", "书名", "source")


class Douban(Importer):
    shapes = (
        frozenset({"star", "votes", "comment"}),
        frozenset({"subject", "title", "content"}),
        frozenset({"subject_name", "content"}),
        frozenset({"movie", "title", "content"}),
        frozenset({"subject", "review"}),
        frozenset({"movie", "review"}),
    )
    personal = frozenset({"name"})

    def read(self, row: Raw) -> PostData:
        reply = without_markup(text(row, "comment", "review", "content"))
        subject = without_markup(text(row, *SUBJECT)).strip("《》")
        posted_at = when(row, "time", "create_time", "created_at", "date")
        headline = without_markup(text(row, "title")) if "comment" not in row else ""
        return some(PostData(
            identity(text(row, "review_id", "comment_id", "id"), subject, reply, posted_at), subject, headline, reply,
            url=link(row, "url", "link"), votes=number(row, "votes", "useful_count", "vote_count"), posted_at=posted_at,
            author=text(row, "user_id", "author", "name"),
        ))  # fmt: skip
