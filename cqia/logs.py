"""One event, one line: what comes from outside cannot forge another. Each line can say which request or task it is of."""

import json
import logging
import os
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery import current_task

from cqia.strictness import secrets_in

CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
# A key that got into a message all the same (a provider quotes it back in its error) does not get into the log.
SECRET = re.compile(r"\b(sk-|zm_)[A-Za-z0-9_\-]{6,}")
request_id: ContextVar[str] = ContextVar("request_id", default="")
FIELDS = ("method", "route", "status", "ms")  # what a record may have besides its message


def clean(text: str) -> str:
    """`text` with control characters escaped (tracebacks keep their line ends) and secrets masked: our own, which need not look like any,
    and whatever looks like one."""
    for secret in secrets_in(os.environ):
        text = text.replace(secret, "***")
    return SECRET.sub(r"\1***", CONTROL.sub(lambda m: repr(m.group())[1:-1], text))


class Formatter(logging.Formatter):
    """`time level logger message`; a traceback follows on its own indented lines."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return clean(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        text = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join("    " + clean(line) for line in text.splitlines())


class JsonFormatter(logging.Formatter):
    """One object a line (CQIA_LOG=json), for whoever collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"), "level": record.levelname,
            "logger": record.name, "message": clean(record.getMessage()),
        }  # fmt: skip
        said |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if of_request := request_id.get():
            said["request_id"] = of_request
        if current_task and current_task.request.id:
            said |= {"task_id": current_task.request.id, "task": current_task.name}
        if record.exc_info:
            said["traceback"] = "\n".join(clean(line) for line in self.formatException(record.exc_info).splitlines())
        return json.dumps(said, ensure_ascii=False, default=str)
