"""Pages that belong to no app: the front door, the probes, the error pages."""

import sys

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import broker
from . import metrics as figures
from .context import silent_queues
from .middleware import database_down, is_database_down


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where one works: reviewers review, viewers fetch datasets."""
    if not request.user.is_authenticated:
        return redirect("login")
    return redirect("annotation:review" if request.user.has_role("reviewer") else "datasets:list")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether everything that the product needs answers: 200 with each part's state, or 503."""
    parts = {"database": _database_answers(), "broker": broker.answers()}
    parts["workers"] = parts["database"] and not silent_queues()
    said = {name: "ok" if well else "down" for name, well in parts.items()}
    return JsonResponse(said, status=200 if all(parts.values()) else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: for whoever knows the token; where none is set, for this machine itself and for nobody through a proxy."""
    if not _may_see_figures(request):
        raise Http404
    return HttpResponse(figures.text(), content_type=figures.CONTENT_TYPE_LATEST)


def _may_see_figures(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}")
    through_a_proxy = any(name in request.headers for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via"))
    return not through_a_proxy and request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1", "")


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except (DatabaseError, InterfaceError):
        return False


CODES = {400: "bad_request", 403: "permission_denied", 404: "not_found", 500: "server_error"}


def _error(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status, "code": CODES[status], "detail": text}
        return JsonResponse(problem, status=status, content_type="application/problem+json")
    return render(request, "error.html", {"status": status, "heading": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 400, _("This request makes no sense to us"), _("Go back and try it again. Nothing was changed."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Says who one is, and to the script of a page why it is refused: a token that is too old is 403, too."""
    text = _("An admin can give you access. Nothing was changed.")
    if request.user.is_authenticated:
        who = {"name": request.user.username, "role": request.user.get_role_display()}
        text = _("You are signed in as %(name)s, with the role “%(role)s”.") % who + " " + text
    answer = _error(request, 403, _("This page is not for your role"), text)
    answer["X-Refused"] = "role"
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(request, 403, _("This form is too old"), _("Go back, load the page again and send it once more. Nothing was changed."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404, _("There is nothing here"), _("The address is wrong, or what was here is not for you to see."))


def server_error(request: HttpRequest) -> HttpResponse:
    if is_database_down(error := sys.exc_info()[1]):  # outside of a view: in a middleware, or while an error page was made
        return database_down(request, error)
    return _error(
        request, 500, _("Something broke on our side"), _("What you sent may not be saved. Go back: your text is still in the form.")
    )
