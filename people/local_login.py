"""Signing in by password, or by an identity provider. With LOCAL_LOGIN=off one administrator may use a password, for
when the provider fails."""

from django.conf import settings
from django.contrib.auth.models import User


def may_use_password(user: User) -> bool:
    return settings.LOCAL_LOGIN or is_break_glass(user)


def has_password(user: User) -> bool:
    """Tell whether the person has a password that counts."""
    return user.has_usable_password() and may_use_password(user)


def provider_name() -> str:
    """Return the name of the identity provider, as buttons show it; empty if there is none."""
    return settings.OIDC_NAME if settings.OIDC_ISSUER else ""


def is_break_glass(user: User) -> bool:
    """Tell whether this is the one administrator whose password counts."""
    if settings.LOCAL_LOGIN:
        return False
    return user.is_superuser and user.get_username() == settings.BREAK_GLASS_ADMINISTRATOR
