"""schemathesis against the product in this process: what it finds, as lines. It speaks WSGI, so nothing is mocked but the wire."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connection
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished
from schemathesis.transport.wsgi import WSGITransport

# A description cannot say all that is asked of a body (that a source is there, that a recipe fits): 400 may answer what it allows.
CHECKS = {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", 400, 401, 403, 404, 409, 413, 422, 429]}}
NETWORK = ("max_redirects", "verify", "cert", "proxies")  # what schemathesis 4.32 hands to WSGI when it asks again without a token
send = WSGITransport.send
WSGITransport.send = lambda self, case, **said: send(self, case, **{name: value for name, value in said.items() if name not in NETWORK})
OWN_END = "(tokens_revoke|people_disable_create)$"  # would end the token that it asks with
Wsgi = Callable[..., Any]


@dataclass
class Found:
    statuses: Counter = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)  # one of each kind and operation: how to see it again
    checks: Counter = field(default_factory=Counter)

    def text(self) -> str:
        return "\n\n".join(f"{name}\n{how}" for name, how in sorted(self.failures.items()))


class OneConnection:
    """The engine works in threads of its own; each closes its connection when a request is over, as in production."""

    def __init__(self, application: Wsgi) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        said = self.application(environ, start_response)
        try:
            return [b"".join(said)]
        finally:
            said.close()
            connection.close()


def attack(token: str, *, phases: str, examples: int, seconds: int, seed: int = 1, only: str = "") -> Found:
    """All checks of schemathesis by a person's token. `phases` are among examples, coverage, fuzzing and stateful."""
    off = {name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")}
    generation = {"max-examples": examples, "no-shrink": True}
    config = SchemathesisConfig.from_dict(
        {"seed": seed, "max-time": seconds, "headers": {"Authorization": f"Bearer {token}"}, "phases": off, "generation": generation,
         "continue-on-failure": True, "checks": CHECKS}
    )  # fmt: skip
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", OneConnection(get_wsgi_application()), config=config)
    schema = schema.exclude(operation_id_regex=OWN_END)
    if only:
        schema = schema.include(operation_id_regex=only)
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            found.failures[f"error in {event.label}"] = repr(event.value)
        if isinstance(event, ScenarioFinished):
            _note(event, found)
    return found


def _note(event: ScenarioFinished, found: Found) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            found.statuses[interaction.response.status_code] += 1
        for check in recorder.checks.get(case_id, ()):
            found.checks[check.name] += 1
            if check.failure_info is not None:
                case = recorder.cases[case_id].value
                failure = check.failure_info.failure
                body = interaction.response.content[:300] if interaction.response else b""
                name = f"{check.name}: {case.method} {case.operation.path}: {failure.title}"
                found.failures.setdefault(name, f"{failure.message[:600]}\n{check.failure_info.code_sample[:800]}\n{body!r}")
