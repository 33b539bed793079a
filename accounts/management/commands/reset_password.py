"""`reset_password NAME`: prints an address at which the person sets a new password. It works once, for 24 hours."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import people, second_factor
from accounts.models import User
from accounts.views import link_address


class Command(BaseCommand):
    help = "Print a link by which a person sets a new password, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("--second-factor-off", action="store_true", help="of somebody who lost the phone and the backup codes")

    def handle(self, *args: Any, name: str, second_factor_off: bool, **options: Any) -> None:
        person = User.objects.filter(username=name, is_active=True).first()
        if not person:
            raise CommandError(f"there is no active user {name}")
        if second_factor_off:
            second_factor.switch_off(person, by=None)
        self.stdout.write(link_address(people.make_reset_link(person, by=None)))
