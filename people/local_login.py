"""Signing in by password. With LOCAL_LOGIN=off one administrator may, for when the identity provider fails."""

from django.conf import settings
from django.contrib.auth.models import User


def may_use_password(user: User) -> bool:
    if settings.LOCAL_LOGIN:
        return True
    return user.is_superuser and user.get_username() == settings.BREAK_GLASS_ADMINISTRATOR
