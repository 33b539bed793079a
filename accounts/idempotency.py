"""`Idempotency-Key` on any POST of the API: the same request sent again is answered as the first time, and done once.

Reviews keep their keys in the database for ever (`own_keys`); what is an upload is known by its bytes. For all else the answer is kept
for a day in Redis, or, where it shows a secret (`shows_secret`), only that it was given. Whoever sends a key asks for a promise: while
Redis does not answer it cannot be given, and that is said (503).
"""

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from . import remembering

KEPT, WORKING = 24 * 3600, 60  # seconds: an answer, and a request that is being worked on
NOT_KEPT = {401, 403, 429}  # the next try may be another one


class IdempotencyKeys:
    """Middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if kept := getattr(request, "_kept_under", None):
            _keep(kept, _without_secret(response) if request._shows_secret else response)  # type: ignore[attr-defined]
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        key = request.headers.get("Idempotency-Key")
        is_ours = (
            request.path.startswith("/api/") and request.method == "POST" and not getattr(getattr(view, "cls", None), "own_keys", False)
        )
        if key is None or not is_ours or (request.content_type or "").startswith("multipart/"):
            return None
        try:
            uuid.UUID(key)
        except ValueError:
            return _problem(400, "idempotency_key_invalid", _("The Idempotency-Key is not a UUID."))
        request._shows_secret = getattr(getattr(view, "cls", None), "shows_secret", False)  # type: ignore[attr-defined]
        try:
            return _answered(request, key)
        except remembering.Unreachable:
            return _problem(503, "keys_unavailable", _("Idempotency keys cannot be kept at this moment. Nothing was done."), retry=10)


def _answered(request: HttpRequest, key: str) -> HttpResponse | None:
    """The answer that was given before; None: it is for the view to give one, which is kept then."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    who = hashlib.sha256((request.headers.get("Authorization", "") + "\n" + session).encode()).hexdigest()
    name = f"key:{who}:{uuid.UUID(key)}"
    digest = hashlib.sha256(request.get_full_path().encode() + b"\n" + request.body).hexdigest()
    if remembering.ask("set", name, json.dumps({"digest": digest}), nx=True, ex=WORKING):
        request._kept_under = (name, digest)  # type: ignore[attr-defined]
        return None
    said = json.loads(remembering.ask("get", name) or "{}")
    if said.get("digest") != digest:
        return _problem(422, "same_key_other_body", _("This key was used for something else."))
    if "status" not in said:
        return _problem(409, "being_done", _("The same request is being worked on. Come back in a moment."), retry=1)
    return HttpResponse(said["body"], status=said["status"], content_type=said["type"] or None)


def _without_secret(response: HttpResponse) -> HttpResponse:
    """What the same request is answered next time: it was done, and what it showed is shown once."""
    if not 200 <= response.status_code < 300:
        return response
    return _problem(409, "shown_once", _("This was done already, and its secret was shown then. It is not kept: make another one."))


def _keep(kept: tuple[str, str], response: HttpResponse) -> None:
    name, digest = kept
    try:
        if response.status_code >= 500 or response.status_code in NOT_KEPT or response.streaming:
            remembering.ask("delete", name)
            return
        said = {
            "digest": digest,
            "status": response.status_code,
            "body": response.content.decode(),
            "type": response.get("Content-Type", ""),
        }
        remembering.ask("set", name, json.dumps(said), ex=KEPT)
    except remembering.Unreachable:
        pass  # the request that is being worked on is forgotten by itself


def _problem(status: int, code: str, detail: str, retry: int = 0) -> HttpResponse:
    problem = {"type": "about:blank", "title": HttpResponse(status=status).reason_phrase, "status": status, "code": code, "detail": detail}
    headers = {"Retry-After": str(retry)} if retry else {}
    return JsonResponse(problem, status=status, headers=headers, content_type="application/problem+json")
