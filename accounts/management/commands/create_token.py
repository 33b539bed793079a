"""`create_token NAME`: makes an API token for a person and prints it, alone on its line. It is never shown again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import ApiToken, User


class Command(BaseCommand):
    help = "Make an API token for a person and print it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("--label", default="command", help="what the token is for")

    def handle(self, *args: Any, name: str, label: str, **options: Any) -> None:
        user = User.objects.filter(username=name, is_active=True).first()
        if not user:
            raise CommandError(f"there is no active user {name}")
        self.stdout.write(ApiToken.issue(user, label)[1])
