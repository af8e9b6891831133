"""First administrator, created if there is none."""

import os
import secrets
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.models import Verb
from audit.record import record
from quickstart.problem import CannotStart

# Without characters that look alike, because people type the password.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    username: str
    # Generated password, to be shown once; None if the environment gave one.
    password: str | None = field(repr=False)


def ensure_administrator() -> NewAdministrator | None:
    """Create a superuser from DJANGO_SUPERUSER_USERNAME, _PASSWORD and _EMAIL (default: `admin`, generated, none).

    Returns None if there is a superuser already. Raises CannotStart.
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
            record(Verb.ADDED, user, {"role": (None, "administrator")})
    except ValidationError as error:
        raise CannotStart(f"The administrator {username!r} cannot be created: {' '.join(error.messages)}") from None
    return NewAdministrator(username, generated)


def _new_password() -> str:
    """Generate a password: 20 characters, 100 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
