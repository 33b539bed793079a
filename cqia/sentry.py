"""Errors go to Sentry where SENTRY_DSN names one: where it broke, and nothing of what people wrote.

The values of exceptions can quote posts, and local variables hold them, so neither leaves. `pip install sentry-sdk` is up to
whoever sets the address; nothing here needs it otherwise.
"""

from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .logs import clean

KEPT_OF_REQUESTS = ("method", "env")


def start(dsn: str, environment: str) -> None:
    try:
        sdk = import_module("sentry_sdk")
    except ImportError as error:
        raise ImproperlyConfigured("SENTRY_DSN is set, but its client is not installed: pip install sentry-sdk") from error
    sdk.init(
        dsn=dsn, environment=environment, send_default_pii=False, include_local_variables=False, max_request_body_size="never",
        max_breadcrumbs=0, traces_sample_rate=0.0, before_send=scrub,
        disabled_integrations=[import_module("sentry_sdk.integrations.stdlib").StdlibIntegration()],  # it tells subprocesses of traces
    )  # fmt: skip


def scrub(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """Leave kinds of errors, places in the code, and the path of the request without its query."""
    for error in (event.get("exception") or {}).get("values") or []:
        error["value"] = ""
        for frame in (error.get("stacktrace") or {}).get("frames") or []:
            frame.pop("vars", None)
    if entry := event.get("logentry"):
        event["logentry"] = {"message": clean(str(entry.get("message", "")))}  # the pattern without what was put into it
    if request := event.get("request"):
        kept = {name: request[name] for name in KEPT_OF_REQUESTS if name in request}
        event["request"] = kept | {"url": str(request.get("url", "")).split("?")[0]}
    for name in ("breadcrumbs", "extra", "user", "modules"):
        event.pop(name, None)
    (event.get("contexts") or {}).pop("celery-job", None)
    return event
