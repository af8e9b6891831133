"""Deactivates a person, for scripts such as one that runs when somebody leaves."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from people.accounts import LastAdministrator, deactivate


class Command(BaseCommand):
    help = (
        "Deactivates a person: ends their sessions, deletes their API tokens, and refuses sign-ins. No error if done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **_options: Any) -> None:
        try:
            deactivate(user=User.objects.get(username=username))
        except User.DoesNotExist:
            raise CommandError(f"There is no user {username!r}.") from None
        except LastAdministrator as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{username} is deactivated.")
