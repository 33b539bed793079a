"""`create_token NAME`: makes an API token for a person and prints it, alone on its line. It is never shown again."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import tokens
from accounts.models import Scope, User


class Command(BaseCommand):
    help = "Make an API token for a person and print it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("--label", default="command", help="what the token is for")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.MANAGE, help="never more than the person may")
        parser.add_argument("--days", type=int, default=90, help="after which it ends; 0: never")

    def handle(self, *args: Any, name: str, label: str, scope: str, days: int, **options: Any) -> None:
        user = User.objects.filter(username=name, is_active=True).first()
        if not user:
            raise CommandError(f"there is no active user {name}")
        lives = timedelta(days=days) if days > 0 else None
        self.stdout.write(tokens.issue(user, name=label, scope=scope, lives=lives, by=None))
