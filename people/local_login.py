"""Signing in by password. With LOCAL_LOGIN=off one administrator may, for when the identity provider fails."""

from django.conf import settings
from django.contrib.auth.models import User


def may_use_password(user: User) -> bool:
    return settings.LOCAL_LOGIN or is_break_glass(user)


def is_break_glass(user: User) -> bool:
    """Tell whether this is the one administrator whose password counts."""
    if settings.LOCAL_LOGIN:
        return False
    return user.is_superuser and user.get_username() == settings.BREAK_GLASS_ADMINISTRATOR
