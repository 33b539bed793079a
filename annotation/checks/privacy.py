"""Personal data that must not leave in a dataset."""

from collections.abc import Iterator

from sources import personal

from .base import ERROR, Check, Finding, Texts

CODES = {"mobile": "mobile_number", "email": "email_address"}


class PersonalData(Check):
    """Mobile numbers of mainland China and e-mail addresses, full-width writing included. Domains kept for examples
    (RFC 2606) are nobody's address."""

    name = "personal_data"
    level = ERROR

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field, text in texts.fields():
            for kind, code in CODES.items():
                if spans := personal.spans(text, kind):
                    yield self.found(code, field, spans)
