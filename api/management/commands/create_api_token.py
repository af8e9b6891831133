"""Makes an API token for a person's scripts."""

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from api.actions import create_api_token


class Command(BaseCommand):
    help = "Makes a token that reads the API as this user. It is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--json", action="store_true", help='print {"token": "…"} alone')

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - the framework's signature
        new = create_api_token(user=_user(options["username"]), now=timezone.now())
        self.stdout.write(json.dumps({"token": new.text}) if options["json"] else new.text)


def _user(username: str) -> User:
    """The active user of this name; raises CommandError."""
    user = get_user_model().objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}.")
    if not user.is_active:
        raise CommandError(f"The user {username!r} is not active: a token would be refused.")
    return user
