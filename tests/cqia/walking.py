"""Every address of the product, and what comes back when each role asks for it by each method."""

from collections.abc import Iterator
from http.cookies import SimpleCookie

from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cqia.world import GROUP, PLACEHOLDER

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("anonymous", "disabled", "viewer", "reviewer", "lead", "admin")
SEEN = {404: "absent", 405: "no such method", 401: "sign in", 403: "refused"}


def routes(patterns: list[URLPattern | URLResolver] | None = None, before: str = "") -> Iterator[str]:
    """The route of every URL pattern, as the matrix spells it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield PLACEHOLDER.sub(r"<\1>", GROUP.sub(r"<\1>", route)).replace("^", "").rstrip("$")


def outcome(response: HttpResponseBase) -> str:
    """in | sign in | refused | absent | no such method | broken."""
    if response.status_code >= 500:
        return "broken"
    if response.status_code == 302 and "/login/?next=" in response.headers["Location"]:
        return "sign in"
    return SEEN.get(response.status_code, "in")


def ask(client: Client, method: str, address: str, **data: str) -> HttpResponseBase:
    """The answer; whatever it changed is undone, the session too."""
    cookies, point = client.cookies.output(header="", sep=";"), transaction.savepoint()
    try:
        return client.generic(method, address, **data) if data else getattr(client, method.lower())(address)
    finally:
        transaction.savepoint_rollback(point)
        client.cookies = SimpleCookie(cookies)
