"""Any file: columns mapped onto a post's fields, by the person who imports it or by what they are called."""

from sources.cleaning import plain

from .base import Importer, PostData, Raw, identity, link, number, some, text, when

NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "标题", "instruction", "question", "prompt", "问", "问题", "主题"),
    "body": ("body", "content", "input", "desc", "text", "正文", "内容"),
    "answer": ("answer", "output", "response", "reply", "completion", "chosen", "std_answer", "答", "回答", "答案"),
    "votes": ("votes", "likes", "vote", "star", "点赞"),
    "url": ("url", "link"),
    "id": ("id", "external_id"),
    "author": ("author", "user_id", "user_name", "作者"),
    "posted_at": ("posted_at", "created_at", "time", "date"),
}
TEXTS = ("title", "body", "answer")


class Generic(Importer):
    def needed(self) -> tuple[frozenset[str], ...]:
        """All mapped columns; without a mapping, one that is called like a text."""
        if self.mapping:
            return (frozenset(column for column in self.mapping.values() if column),)
        return tuple(frozenset({name}) for field in TEXTS for name in NAMES[field])

    def columns(self, field: str) -> tuple[str, ...]:
        if self.mapping:
            return (self.mapping[field],) if self.mapping.get(field) else ()
        return NAMES[field]

    def read(self, row: Raw) -> PostData:
        title, body, answer = (plain(text(row, *self.columns(field))) for field in TEXTS)
        if not self.mapping and not title:
            title, body = body, ""  # rows of input and output alone
        own, url = text(row, *self.columns("id")), link(row, *self.columns("url"))
        return some(PostData(
            identity(own, title, body, answer, url), title, body, answer, url=url, votes=number(row, *self.columns("votes")),
            posted_at=when(row, *self.columns("posted_at")), author=text(row, *self.columns("author")),
        ))  # fmt: skip
