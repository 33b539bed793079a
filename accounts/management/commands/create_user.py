"""`create_user NAME --role ROLE`: makes a person and prints a generated password, alone on its line."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Role, User


class Command(BaseCommand):
    help = "Make a person with a role and print the generated password (for an existing one: a new password)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=Role.values, default=None)
        parser.add_argument("--reset", action="store_true", help="give an existing person a new password")

    def handle(self, *args: Any, name: str, role: str | None, reset: bool, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user and not reset:
            raise CommandError(f"{name} exists already; --reset gives a new password")
        if not user and reset:
            raise CommandError(f"there is no {name}")
        user = user or User(username=name)
        user.role = role or user.role
        user.is_staff = user.is_superuser = user.role == Role.ADMIN
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save()
        self.stdout.write(password)
