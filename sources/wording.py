"""Codes as people read them: why a file failed, a row was rejected, a post was dropped. An unknown code is shown as it is."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

# Of rows that did not become posts (RejectedRow.reason).
ROWS: Mapping[str, object] = {
    "bad_json": _("This is not JSON."),
    "not_an_object": _("The row is no JSON object."),
    "cut_short": _("The file breaks off in the middle of this row."),
    "too_long": _("The row is longer than 1 MB."),
    "too_deep": _("The row is nested too deeply."),
    "text_too_long": _("A text in it has more than 200,000 characters."),
    "nul_character": _("It holds a NUL character, which no text has."),
    "lone_surrogate": _("It holds half of a character (a lone surrogate)."),
    "number_out_of_range": _("It holds a number that JSON does not know (NaN or Infinity)."),
    "wrong_number_of_columns": _("It has another number of columns than the header."),
    "unclosed_quote": _("A quotation mark is not closed."),
    "not_a_text": _("A field that should be a text is none."),
    "no_text": _("It has no text."),
    "no_question": _("It has no question."),
    "a_comment": _("It is a comment, not a post."),
    "a_video": _("It is a video, not a text."),
    "image_only": _("It is an image without a text."),
    "not_the_starter": _("Somebody else than the thread's starter wrote this floor."),
    "floor_of_a_floor": _("It is a reply under a floor."),
    "context_of_thread": _("It is no post of its own: it is kept as context of its thread's first post."),
    "context_full": _("Its thread's first post has as much context as it can hold."),
    "no_first_post": _("The first post of its thread has no text or is not in the file."),
    "importer_failed": _("The importer did not expect such a row."),
}

# Of files (ImportRun.error_code).
FILES: Mapping[str, object] = {
    "empty_file": _("The file is empty."),
    "not_text": _("This is no text file, whatever its name says. JSON Lines, JSON, CSV and TSV can be read."),
    "not_utf8": _("The text is not in UTF-8. Save it as UTF-8 and import it again."),
    "unknown_format": _("Files that end in “%(suffix)s” cannot be read. JSON Lines, JSON, CSV and TSV can."),
    "too_large": _("The file is larger than %(limit)s MB. Split it and import the parts."),
    "file_gone": _("The stored file is gone. Import it again."),
    "no_header": _("The first line of the table names no columns."),
    "no_rows": _("The file holds no rows."),
    "no_usable_rows": _("None of the first rows can be read. The first one: %(reason)s"),
    "missing_column": _("Missing columns: %(missing)s. The file has: %(present)s."),
    "unknown_importer": _("There is no importer named “%(importer)s”."),
    "cut_short": _("The file breaks off: nothing after row %(row)s could be read. The rows before it are in."),
    "worker_lost": _("The import broke off three times in a row. The rows up to there are in; the log of the worker says more."),
}

# Of posts that a screen dropped (Post.drop_reason).
POSTS: Mapping[str, object] = {
    "too_short": _("Too short"),
    "too_long": _("Too long"),
    "too_few_votes": _("Too few votes"),
    "duplicate": _("Duplicate"),
}


def row_reason(code: str) -> str:
    return str(ROWS.get(code, code))


def post_reason(code: str) -> str:
    return str(POSTS.get(code, code))


def file_failure(code: str, params: Mapping[str, Any]) -> str:
    """The sentence of a failed (or cut short) import."""
    shown = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in params.items()}
    if code == "no_usable_rows":
        shown["reason"] = row_reason(str(params.get("reason", "")))
    try:
        return str(FILES.get(code, code)) % shown
    except (KeyError, ValueError, TypeError):
        return code
