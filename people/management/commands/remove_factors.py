"""Removes a person's factors, for an administrator who lost theirs and cannot sign in."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from people.factors import remove_factors


class Command(BaseCommand):
    help = (
        "Removes the authenticator app, security keys and recovery codes of somebody who lost them, and signs them out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **_options: Any) -> None:
        try:
            removed = remove_factors(user=User.objects.get(username=username), keep=None)
        except User.DoesNotExist:
            raise CommandError(f"There is no user {username!r}.") from None
        self.stdout.write(f"Removed: {removed}")
