"""Makes an API token for a person's scripts."""

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from people.tokens import DEFAULT_LIFETIME, LIFETIMES, DuplicateTokenName, create_api_token


class Command(BaseCommand):
    # They load every page, which takes longer than all else; `migrate` and the tests run them.
    requires_system_checks = ()
    help = "Makes a token that reads the API as this user. It is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="by which its owner knows it; else its time of creation")
        parser.add_argument("--days", type=int, choices=LIFETIMES, default=DEFAULT_LIFETIME, help="until it expires")
        parser.add_argument(
            "--hidden", action="store_true", help="with the scope read:hidden: hidden parts of events, too"
        )
        parser.add_argument("--json", action="store_true", help='print {"token": "…"} alone')

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - the framework's signature
        now = timezone.now()
        user = _user(options["username"])
        name = options["name"] or f"made on the server, {now:%Y-%m-%d %H:%M:%S.%f}"
        try:
            new = create_api_token(user=user, name=name, days=options["days"], reads_hidden=options["hidden"], now=now)
        except DuplicateTokenName as error:
            raise CommandError(f"{user.get_username()} has a token {name!r} already.") from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(json.dumps({"token": new.text}) if options["json"] else new.text)


def _user(username: str) -> User:
    """The active user of this name; raises CommandError."""
    user = get_user_model().objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}.")
    if not user.is_active:
        raise CommandError(f"The user {username!r} is not active: a token would be refused.")
    return user
