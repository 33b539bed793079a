"""pytest plugin (`-p cqia.testing`): the engines are up before pytest-django reads the settings.

They live in a directory of their own, without fsync, and go when the run ends. With xdist the controller starts them
and the workers inherit the addresses; each worker gets a database of its own from pytest-django.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from cqia import embedded

_engines: embedded.Engines | None = None
_var: Path | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    global _engines, _var
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        os.environ.pop(name, None)  # a key in the developer's shell is never spent by a test
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    _var = Path(tempfile.mkdtemp(prefix="zhumo-test-"))
    os.environ["CQIA_VAR"] = str(_var)
    os.environ["SECRET_KEY"] = "for tests only, and longer than the fifty characters that are asked for"  # noqa: S105
    _engines = embedded.provide(_var, fast=True)


def pytest_unconfigure() -> None:
    global _engines
    if _engines:
        _engines.stop()
        _engines = None
    if _var:
        shutil.rmtree(_var, ignore_errors=True)
