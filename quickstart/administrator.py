"""The first administrator, made when there is none."""

import os
import secrets
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from quickstart.problem import CannotStart

# No characters that look alike: people type it.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    username: str
    # What was generated, to be shown once; None where the environment named one.
    password: str | None = field(repr=False)


def ensure_administrator() -> NewAdministrator | None:
    """Makes a superuser from DJANGO_SUPERUSER_USERNAME, _PASSWORD and _EMAIL (`admin`, a generated one, none).

    None: there is a superuser already. Raises CannotStart.
    """
    if User.objects.filter(is_superuser=True).exists():
        return None
    username = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
    generated = None if os.environ.get("DJANGO_SUPERUSER_PASSWORD") else _new_password()
    user = User(username=username, email=os.environ.get("DJANGO_SUPERUSER_EMAIL", ""))
    user.is_staff = user.is_superuser = True
    user.set_password(generated or os.environ["DJANGO_SUPERUSER_PASSWORD"])
    try:
        with transaction.atomic():
            user.full_clean()
            user.save()
    except ValidationError as error:
        raise CannotStart(f"The administrator {username!r} cannot be made: {' '.join(error.messages)}") from None
    return NewAdministrator(username, generated)


def _new_password() -> str:
    """20 characters, 100 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
