"""`api_docs`: write docs/api.md (for developers)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cqia import api_docs


class Command(BaseCommand):
    help = "Write docs/api.md from the description of the API."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether it is in step")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        text = api_docs.text()
        if check and api_docs.PATH.read_text("utf-8") != text:
            raise CommandError("docs/api.md is not in step with the code: run manage.py api_docs")
        if not check:
            api_docs.PATH.write_text(text, "utf-8")
