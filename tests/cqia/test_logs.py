import json
import logging
import sys

import pytest

from cqia.celery import app as celery_app
from cqia.logs import Formatter, JsonFormatter, clean, request_id


def record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, __file__, 1, message, args, None)


@pytest.mark.parametrize("secret", ["sk-abcdef123456", "sk-proj-AbC_dEf-123456", "zm_0123456789abcdefABCDEF"])
def test_a_secret_never_gets_into_the_log(secret):
    line = Formatter().format(record("the provider says: Incorrect API key %s provided", secret))
    assert secret not in line
    assert "Incorrect API key" in line
    assert secret[3:] not in line


@pytest.mark.parametrize("nasty", ["\n", "\r", "\x1b", "\x00", "\x7f", "\u0085", "\u2028", "\u2029"])
def test_what_comes_from_outside_cannot_forge_a_line(nasty):
    line = Formatter().format(record("title: %s", f"弱智吧{nasty}2026-01-01 INFO admin signed in"))
    assert nasty not in line
    assert len(line.splitlines()) == 1
    assert "弱智吧" in line


def test_ordinary_text_stays_as_it_is():
    assert clean("导入 12 行, risk-free, tasks-123456789") == "导入 12 行, risk-free, tasks-123456789"


def test_a_traceback_is_indented_and_clean():
    try:
        raise ValueError("sk-abcdef123456\n2026-01-01 INFO forged")
    except ValueError:
        text = Formatter().formatException(sys.exc_info())
    assert all(line.startswith("    ") for line in text.splitlines())
    assert "abcdef123456" not in text


def test_as_json_a_line_is_one_object_that_names_its_request_and_hides_secrets():
    token = request_id.set("abcdefgh-1")
    try:
        entry = record("title: %s", "弱智吧\n{} sk-abcdef123456")
        entry.status = 409
        line = JsonFormatter().format(entry)
    finally:
        request_id.reset(token)
    said = json.loads(line)
    assert len(line.splitlines()) == 1
    assert (said["level"], said["request_id"], said["status"]) == ("INFO", "abcdefgh-1", 409)
    assert said["message"] == "title: 弱智吧\\n{} sk-***"
    assert "task_id" not in said


def test_a_line_of_a_task_names_the_task():
    @celery_app.task(name="tests.say")
    def say() -> str:
        return JsonFormatter().format(record("at work"))

    said = json.loads(say.apply(task_id="of-this-task").get())
    assert (said["task_id"], said["task"]) == ("of-this-task", "tests.say")
    celery_app.tasks.unregister("tests.say")


def test_a_traceback_in_json_is_clean():
    try:
        raise ValueError("sk-abcdef123456")
    except ValueError:
        entry = record("broke")
        entry.exc_info = sys.exc_info()
    said = json.loads(JsonFormatter().format(entry))
    assert "ValueError" in said["traceback"]
    assert "abcdef123456" not in said["traceback"]
