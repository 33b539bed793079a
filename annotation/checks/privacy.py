"""Personal data that must not leave in a dataset."""

import re
from collections.abc import Iterator

from .base import ERROR, Check, Finding, Texts

# Not inside a longer number, nor after a decimal point. +86 and the usual 3-4-4 grouping are seen through.
MOBILE = re.compile(r"(?<![\d.])(?:(?:\+|00)?86[-\s]?)?1[3-9]\d(?:\d{8}|([-\s])\d{4}\1\d{4})(?![\d])", re.ASCII)
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z\u4e00-\u9fff]{2,24}(?![A-Za-z0-9_])")
EXAMPLES = re.compile(r"@(?:[\w-]+\.)*example\.(?:com|net|org|cn)$", re.IGNORECASE)
FULL_WIDTH = str.maketrans("０１２３４５６７８９＠．－＋", "0123456789@.-+")


class PersonalData(Check):
    """Mobile numbers of mainland China and e-mail addresses, full-width writing included. Domains kept for examples
    (RFC 2606) are nobody's address."""

    name = "personal_data"
    level = ERROR

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field, text in texts.fields():
            plain = text.translate(FULL_WIDTH)  # one character for one: the spans stay right
            if spans := [match.span() for match in MOBILE.finditer(plain)]:
                yield self.found("mobile_number", field, spans)
            if "@" in plain and (spans := [m.span() for m in EMAIL.finditer(plain) if not EXAMPLES.search(m[0])]):
                yield self.found("email_address", field, spans)
