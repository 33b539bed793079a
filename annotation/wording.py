"""The sentences for what the checks find: the checks themselves are pure and know only codes."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FINDINGS: dict[str, str | Promise] = {
    "mobile_number": _("A mobile number: mask it"),
    "email_address": _("An e-mail address: mask it"),
    "model_phrasing": _("Sounds like a model talking about itself"),
    "injection": _("Reads like orders to a model"),
    "not_chinese": _("Less than half of it is Chinese"),
    "other_script": _("Written in another script"),
    "too_short": _("Very short"),
    "too_long": _("Very long"),
    "unbalanced_brackets": _("A bracket or quotation mark without its other half"),
}
