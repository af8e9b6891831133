"""Strength of SECRET_KEY, without which nobody may be served: it signs sessions and links to reset a password."""

from typing import Final

from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured

# Django's warning about a key that is shorter than 50 characters, has fewer than 5 different ones, or is an example.
_WARNING: Final = "security.W009"


def refuse_weak_secret_key() -> None:
    """Raise ImproperlyConfigured if somebody could guess SECRET_KEY. To Django that is only a warning."""
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    if any(message.id == _WARNING for message in found):
        raise ImproperlyConfigured("SECRET_KEY is too weak: use 50 random characters or more.")
