"""Checks that look at the database, as `manage.py migrate` and `manage.py check --database default` do."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, transaction


@register(Tags.database)
def check_break_glass_administrator(*, databases: Sequence[str] | None, **_: Any) -> list[CheckMessage]:
    """Warn if nobody could sign in while the identity provider fails. Silent before the first migration."""
    if settings.LOCAL_LOGIN or not databases:
        return []
    name = settings.BREAK_GLASS_ADMINISTRATOR
    try:
        with transaction.atomic():
            user = User.objects.filter(username=name, is_active=True, is_superuser=True).first()
    except DatabaseError:
        return []
    if user and user.has_usable_password():
        return []
    words = f"BREAK_GLASS_ADMINISTRATOR: {name!r} is no active administrator with a password."
    hint = "Without one nobody can sign in by password while LOCAL_LOGIN is off."
    return [checks.Warning(words, hint=hint, id="observatory.W001")]
