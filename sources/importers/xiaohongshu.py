"""Xiaohongshu notes as MediaCrawler writes them. The note itself is the reply; its title is what an instruction is made of."""

import re

from sources.cleaning import without_topics

from .base import Importer, PostData, Raw, Rejected, identity, number, some, text, when


class Xiaohongshu(Importer):
    shapes = (frozenset({"note_id", "title", "desc", "liked_count"}),)
    personal = frozenset({"xsec_token"})

    def read(self, row: Raw) -> PostData:
        if row.get("type") == "video":
            raise Rejected("a_video")
        note = text(row, "note_id")
        return some(PostData(
            identity(note), without_topics(text(row, "title")), answer=without_topics(text(row, "desc")),
            url=f"https://www.xiaohongshu.com/explore/{note}" if re.fullmatch(r"\w{1,64}", note) else "",
            votes=number(row, "liked_count"), posted_at=when(row, "time"), author=text(row, "user_id", "creator_hash", "nickname"),
        ))  # fmt: skip
