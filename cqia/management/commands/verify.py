"""`verify`: every promise of the product that is a query. Prints one line each for what is broken, and then exits with 1."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from cqia.invariants import INVARIANTS, broken
from cqia.metrics import note


class Command(BaseCommand):
    help = "Check all invariants: run it nightly, and after every restore."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(broken())
        for name, text in findings:
            self.stdout.write(f"{name}: {text}")
        note("verify", findings=len(findings))
        if findings:
            self.stderr.write(f"{len(findings)} findings")
            sys.exit(1)
        self.stdout.write(f"All {len(INVARIANTS)} invariants hold.")
