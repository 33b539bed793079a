"""`restore`: a backup becomes this installation. Then migrations are run, and every promise is verified."""

import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cqia.backing_up import Refused
from cqia.invariants import INVARIANTS, broken
from cqia.pg_tools import ToolError
from cqia.restoring import restore


class Command(BaseCommand):
    help = "Make this installation what a backup holds. Web, workers and beat must be stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", type=Path)
        parser.add_argument("--force", action="store_true", help="although this installation is not empty: what is in it is lost")

    def handle(self, *args: Any, backup: Path, force: bool, **options: Any) -> None:
        begun = time.monotonic()
        try:
            said = restore(backup, force=force, say=self.stderr.write)
        except (Refused, ToolError, OSError) as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0, interactive=False)
        findings = list(broken())
        for name, text in findings:
            self.stdout.write(f"{name}: {text}")
        if said["bucket"]:
            self.stdout.write(f"Files of datasets lie in the bucket {said['bucket']}: they are not in the backup.")
        if findings:
            self.stderr.write(f"Restored, but there are {len(findings)} findings")
            sys.exit(1)
        self.stdout.write(f"Restored in {time.monotonic() - begun:.1f} s; all {len(INVARIANTS)} invariants hold.")
