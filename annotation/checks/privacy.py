"""Personal data that must not leave in a dataset."""

from collections.abc import Iterator

from sources import personal

from .base import ERROR, Check, Finding, Texts

CODES = {
    "mobile": "mobile_number", "email": "email_address", "id_number": "id_number", "bank_card": "bank_card", "qq": "qq_number",
    "wechat": "wechat_id", "plate": "plate",
}  # fmt: skip


class PersonalData(Check):
    """What an import would mask: numbers of mobiles, identity and bank cards, addresses of e-mail, QQ and WeChat, plates, full-width
    writing included. Domains kept for examples (RFC 2606) are nobody's address."""

    name = "personal_data"
    level = ERROR

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field, text in texts.fields():
            found = list(personal.find(text))
            for kind, code in CODES.items():
                if spans := [(each.start, each.end) for each in found if each.kind == kind]:
                    yield self.found(code, field, spans)
