"""What every answer gets, whatever made it."""

import logging
from collections.abc import Callable
from typing import TypeGuard

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

log = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]

# Nothing inline and nothing from elsewhere, so no nonces are needed. Posts are hostile text: this is the second wall.
POLICY = "; ".join(
    f"{name} {value}"
    for name, value in {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "font-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }.items()
)


class ContentSecurityPolicy:
    """Adds the policy to every response, and keeps signed-in pages out of shared caches."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # Where the service is away, nobody can be asked who this is.
        if response.status_code == 503 or (getattr(request, "user", None) and request.user.is_authenticated):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class DatabaseDown:
    """A database that does not answer is 503 with Retry-After, not an error page: nothing was lost, come back in 5 s."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return database_down(request, exception) if is_database_down(exception) else None


def is_database_down(error: BaseException | None) -> TypeGuard[Exception]:
    return isinstance(error, OperationalError | InterfaceError)


def database_down(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("database: %s", error)
    headers = {"Retry-After": "5"}
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "code": "database_down"}
        problem["detail"] = _("The database does not answer. Nothing was done: come back in a moment.")
        return JsonResponse(problem, status=503, content_type="application/problem+json", headers=headers)
    return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
