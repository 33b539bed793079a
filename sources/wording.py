"""Codes as people read them: why a file failed, a row was rejected, a post was dropped. An unknown code is shown as it is."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# Of rows that did not become posts (RejectedRow.reason).
ROWS: Mapping[str, object] = {
    "bad_json": _("This is not JSON."),
    "not_an_object": _("The row is no JSON object."),
    "cut_short": _("The file breaks off in the middle of this row."),
    "too_long": _("The row is longer than 1 MB."),
    "too_deep": _("The row is nested too deeply."),
    "too_many_columns": _("The row has more than 200 columns."),
    "bad_value": _("It holds a value that is no text, no number and no date."),
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
    "not_text": _(
        "This is no file of rows, whatever its name says. JSON Lines, JSON, CSV, TSV, Excel (xlsx) and Parquet can be read, also packed "
        "as gz, zst or zip."
    ),
    "not_utf8": _("The text is not in UTF-8. Save it as UTF-8, or say what encoding it has when you import it."),
    "not_in_encoding": _("The text is not in %(encoding)s, as was said when it was imported. Import it again without that."),
    "unknown_encoding": _("The encoding “%(encoding)s” is not known here."),
    "unknown_format": _("Files that end in “%(suffix)s” cannot be read. JSON Lines, JSON, CSV, TSV, Excel (xlsx) and Parquet can."),
    "old_workbook": _("This is a workbook of an old Excel, or one with a password. Save it as xlsx without a password."),
    "broken_file": _("The file is damaged: it begins like a workbook or Parquet, but cannot be read."),
    "broken_archive": _("The archive is damaged, or breaks off."),
    "encrypted": _("The file is encrypted. Import it without a password."),
    "nested_archive": _("There is an archive in the archive (%(member)s). Unpack it and import what it holds."),
    "link_in_archive": _("The archive holds a link (%(member)s). Only plain files can be imported."),
    "unsafe_name": _("The archive holds a file that would leave its folder (%(member)s). Nothing of it was read."),
    "unknown_compression": _("The zip archive uses a compression other than the usual one. Pack it again."),
    "mixed_archive": _("The archive holds files of several formats (%(kinds)s). Import them one format at a time."),
    "too_many_members": _("The archive holds more than %(limit)s files."),
    "unpacked_too_large": _("Unpacked, the file is larger than %(limit)s MB. Split it and import the parts."),
    "bomb": _("The file unpacks to more than %(limit)s times its size, which no file of posts does. It was not read further."),
    "entities_in_xml": _("The workbook holds XML that refers to other things (entities). Save it again with a spreadsheet program."),
    "too_many_columns": _("The table has more than %(limit)s columns."),
    "too_many_rows": _("The file has more than %(limit)s rows. Split it and import the parts."),
    "too_much_memory": _("Reading the file takes more memory than a file may. Split it, or save it as JSON Lines."),
    "too_slow": _("Reading the file takes longer than a file of its size may."),
    "reader_died": _("The process that read the file ended twice in the same place. The rows up to there are in."),
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
    "near_duplicate": _("Near-duplicate"),
    "not_among_best": _("Not among the best"),
    "enough_answers": _("Enough answers to the question"),
    "no_match": _("Pattern not found"),
    "excluded": _("Pattern to leave out"),
    "listed_word": _("Word on the list"),
    "not_chinese": _("Not in Chinese"),
    "mixed_scripts": _("Traditional and simplified mixed"),
    "advert": _("Advert"),
    "leftover": _("Leftover of its page"),
    "residue": _("Remains of markup"),
    "statement": _("Asks nothing"),
    "personal_data": _("Personal data"),
    "in_benchmark": _("Part of a benchmark"),
    "unscored": _("Waits for a score"),
    "low_score": _("Score too low"),
    "rolled_back": _("Its import was rolled back"),
}

# Of screens (Source.screens): what they are called, and their settings.
SCREENS: Mapping[str, object] = {
    "duplicate": _("No duplicates of earlier posts"),
    "length": _("Length"),
    "votes": _("Votes"),
    "matches": _("Must match a pattern"),
    "excludes": _("Must not match a pattern"),
    "words": _("No words of a list"),
    "language": _("Chinese, in one script"),
    "advert": _("No adverts"),
    "residue": _("No remains of HTML and emoji codes"),
    "statement": _("Titles that ask something"),
    "personal_data": _("Personal data masked or left out"),
    "contamination": _("Nothing of a benchmark"),
    "best": _("The best by votes"),
    "per_question": _("Some answers per question"),
    "near_duplicate": _("No near-duplicates"),
    "score": _("Scored by a model"),
}
SETTINGS: Mapping[str, object] = {
    "on": pgettext_lazy("screen", "On"),
    "field": _("Field"),
    "min": _("At least"),
    "max": _("At most"),
    "required": _("Posts with unknown votes fall, too"),
    "pattern": _("Regular expression"),
    "words": _("Words, one a line"),
    "list": _("Uploaded list"),
    "min_han": _("Share of Chinese characters (0 to 1)"),
    "no_mix": _("Not traditional and simplified mixed"),
    "convert": _("Convert to simplified"),
    "leftovers": _("Also what a page left behind (谢邀, 题主, 更新)"),
    "most": _("At most"),
    "clean": _("Take them out first"),
    "drop": _("Leave the post out instead of masking"),
    "texts": _("Texts of the benchmark, one a line"),
    "overlap": _("Share that is found again (0 to 1)"),
    "count": _("How many"),
    "like": _("Likeness of short texts (0 to 1)"),
    "across": _("Across sources"),
}
FIELDS: Mapping[str, object] = {"title": _("Title"), "body": _("Body"), "answer": _("Answer"), "all": _("All fields")}


# Of posts, as a column of a file may be mapped onto them (importers.generic.NAMES).
POST_FIELDS: Mapping[str, object] = {
    "title": _("Title"),
    "body": _("Body"),
    "answer": _("Answer"),
    "votes": _("Votes"),
    "url": _("Link"),
    "id": _("Id on the platform"),
    "author": _("Author, as a pseudonym"),
    "posted_at": _("Posted at"),
}


def post_field(name: str) -> str:
    return str(POST_FIELDS.get(name, name))


def row_reason(code: str) -> str:
    return str(ROWS.get(code, code))


def post_reason(code: str) -> str:
    return str(POSTS.get(code, code))


def screen_name(name: str) -> str:
    return str(SCREENS.get(name, name))


def setting_name(name: str) -> str:
    return str(SETTINGS.get(name, name))


def field_name(name: str) -> str:
    return str(FIELDS.get(name, name))


def file_failure(code: str, params: Mapping[str, Any]) -> str:
    """The sentence of a failed (or cut short) import."""
    shown = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in params.items()}
    if code == "no_usable_rows":
        shown["reason"] = row_reason(str(params.get("reason", "")))
    try:
        return str(FILES.get(code, code)) % shown
    except (KeyError, ValueError, TypeError):
        return code
