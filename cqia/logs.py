"""One event, one line: what comes from outside cannot forge another."""

import logging
import re

CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
# A key that got into a message all the same (a provider quotes it back in its error) does not get into the log.
SECRET = re.compile(r"\b(sk-|zm_)[A-Za-z0-9_\-]{6,}")


def clean(text: str) -> str:
    """`text` with control characters escaped (tracebacks keep their line ends) and secrets masked."""
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
