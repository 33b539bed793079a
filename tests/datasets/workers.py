"""Workers of datasets as processes of their own, at the database of the test."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import sys
import django
django.setup()
from datasets import exporting, freezing, publishing, reading
what, pk, page = sys.argv[1:]
freezing.PAGE = reading.PAGE = int(page)
{"build": publishing.build, "export": exporting.run}[what](int(pk))
"""


def worker(
    what: str, pk: int, var: Path, *, page: int = 2_000, database: str = "", program: str = WORKER, **environment: str
) -> subprocess.Popen:
    """Start one that does `what` (build | export) to the row `pk`; its files lie below `var`."""
    name = database or connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].replace("/zhumo?", f"/{name}?")
    assert name in url
    environment = os.environ | {"DATABASE_URL": url, "CQIA_VAR": str(var), "DJANGO_SETTINGS_MODULE": "cqia.settings"} | environment
    command = [sys.executable, "-c", program, what, str(pk), str(page)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ended_well(process: subprocess.Popen) -> None:
    errors = process.communicate(timeout=300)[1].decode()
    assert process.returncode == 0, errors[-3000:]
