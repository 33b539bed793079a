"""Why a URL was not fetched (Fetch.error_code), as people read it. Nothing in it comes from the server that was asked."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

CODES: Mapping[str, object] = {
    "bad_url": _("This is no address of a file. It looks like https://example.org/posts.jsonl."),
    "scheme_refused": _("Only addresses that begin with http:// or https:// are fetched."),
    "userinfo_refused": _("The address holds a name or a password (before the @). Leave them out."),
    "port_refused": _("Port %(port)s is not one of web servers. Nothing is fetched from it."),
    "address_refused": _("%(host)s is no public address. Files in your own network cannot be fetched: upload them."),
    "host_unknown": _("There is no server named %(host)s."),
    "connection_failed": _("%(host)s does not answer."),
    "tls_failed": _("The certificate of %(host)s is not valid, or it does not speak HTTPS. Nothing was fetched."),
    "too_many_redirects": _("The address leads on and on: after %(limit)s redirects it was given up."),
    "downgrade_refused": _("The address leads from https to http. Nothing was fetched."),
    "http_status": _("The server answered %(status)s instead of giving the file."),
    "headers_too_large": _("The answer of the server begins with too much that is not the file."),
    "not_http": _("What the server answered cannot be read."),
    "encoding_refused": _("The server sent the file in a compression that it was not asked for (%(encoding)s)."),
    "too_large": _("The file is larger than %(limit)s MB. Split it and import the parts."),
    "too_slow": _("The server is too slow. Fetch the file some other way and upload it."),
    "broke_off": _("The connection broke off before the file was whole. Nothing was imported."),
    "fetching_off": _("Fetching is switched off on this server (CQIA_FETCH). Upload the file."),
    "worker_lost": _("Fetching broke off three times in a row; the log of the worker says more."),
}


def sentence(code: str, params: Mapping[str, Any]) -> str:
    try:
        return str(CODES.get(code, code)) % params
    except (KeyError, ValueError, TypeError):
        return code
