"""弱智吧 and other Tieba forums: the two shapes of Leymore/ruozhiba, the thread dumps of aiotieba, the notes of MediaCrawler."""

import re

from sources.cleaning import plain

from .base import Floor, Importer, PostData, Raw, Rejected, identity, link, number, some, text, when

RANK = re.compile(r"^\s*\d{1,3}(?:\s*[、.．丶]\s*|\s+)(?=\S)")  # "151、家电下乡…", "122 我刚才…", "355.25岁程序员…"
THREAD = re.compile(r"/p/(\d{1,20})")


class Tieba(Importer):
    shapes = (
        frozenset({"title", "href", "n_reply"}),
        frozenset({"content", "l_num", "ctime"}),
        frozenset({"tid", "pid", "text", "floor"}),
        frozenset({"note_id", "title", "tieba_name"}),
    )

    def read(self, row: Raw) -> PostData:
        if "l_num" in row:
            return self._annual(row)
        if "pid" in row:
            return self._floor(row)
        return self._note(row) if "note_id" in row else self._title(row)

    def _title(self, row: Raw) -> PostData:
        """`n_reply` is what this list has for approval: no likes are in it."""
        found = THREAD.search(text(row, "href"))
        thread = found[1] if found else ""
        title, body = plain(text(row, "title")), plain(text(row, "abs"))
        return some(PostData(
            identity(thread, title, body), title, body, url=f"https://tieba.baidu.com/p/{thread}" if thread else "",
            votes=number(row, "likes", "agree", "n_reply"), author=text(row, "lz"),
        ))  # fmt: skip

    def _annual(self, row: Raw) -> PostData:
        content = text(row, "content")
        title = plain(RANK.sub("", content, count=1))
        own = identity("", content, row.get("l_num"), row.get("ctime"))
        return some(PostData(own, title, posted_at=when(row, "ctime"), author=text(row, "author")))

    def floor(self, row: Raw) -> Floor | None:
        """aiotieba's `is_comment` is always false: who replied under a floor is told by the number of that floor."""
        thread, found = text(row, "tid"), number(row, "floor")
        return Floor(thread, found, text(row, "user_id", "user_name")) if "pid" in row and thread and found else None

    def _floor(self, row: Raw) -> PostData:
        if row.get("is_comment"):
            raise Rejected("a_comment")
        if row.get("image_links") and not text(row, "text").strip():
            raise Rejected("image_only")
        post, title = text(row, "pid"), plain(text(row, "text"))
        url = f"https://tieba.baidu.com/p/{row['tid']}?pid={post}" if post.isdecimal() and str(row.get("tid")).isdecimal() else ""
        author = text(row, "user_id", "user_name")
        return some(PostData(identity(post, title), title, url=url, posted_at=when(row, "time"), author=author))

    def _note(self, row: Raw) -> PostData:
        return some(PostData(
            identity(text(row, "note_id")), plain(text(row, "title")), plain(text(row, "desc")), url=link(row, "note_url"),
            votes=number(row, "total_replay_num"), posted_at=when(row, "publish_time"),
            author=text(row, "user_link", "creator_hash", "user_nickname"),
        ))  # fmt: skip
