"""`backup`: the database and every file that it names, in one tar file. It may run while people work."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cqia.backing_up import Refused, back_up
from cqia.metrics import note
from cqia.pg_tools import ToolError


class Command(BaseCommand):
    help = "Write a backup: a tar file with the database, uploads, files of datasets and checksums."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "place", type=Path, help="a file that is not there yet, or a folder, in which the file gets a name with the time"
        )

    def handle(self, *args: Any, place: Path, **options: Any) -> None:
        begun = time.monotonic()
        try:
            made = back_up(place, self.stderr.write)
        except (Refused, ToolError, OSError) as error:
            raise CommandError(str(error)) from error
        note("backup", bytes=made.stat().st_size)
        self.stderr.write(f"{made.stat().st_size / 1e6:,.1f} MB in {time.monotonic() - begun:.1f} s")
        self.stdout.write(str(made))
