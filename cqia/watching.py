"""Every request has an id, is counted, and its time is taken: a middleware around all others."""

import logging
import re
import time
import uuid

from django.http import HttpRequest, HttpResponse

from . import counters
from .logs import request_id
from .middleware import View

log = logging.getLogger("cqia.access")
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")  # what a proxy may say; anything else could forge lines of a log


class Watching:
    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said = request.headers.get("X-Request-ID", "")
        token = request_id.set(said if PLAIN_ID.fullmatch(said) else uuid.uuid4().hex)
        begun = time.perf_counter()
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = request_id.get()
            self._count(request, response, time.perf_counter() - begun)
            return response
        finally:
            request_id.reset(token)

    @staticmethod
    def _count(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        match = request.resolver_match
        route = (match.view_name or match.route) if match else "none"  # a few hundred at most, whatever strangers ask for
        method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other"
        counters.REQUESTS.labels(method, route, response.status_code).inc()
        counters.SECONDS.labels(route).observe(seconds)
        fields = {"method": method, "route": route, "status": response.status_code, "ms": round(seconds * 1000)}
        log.info("%s %s %s", method, route, response.status_code, extra=fields)
