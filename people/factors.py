"""Factors of people besides their passwords: which they have, who must have one, and their removal.

allauth keeps them: an authenticator app, security keys, and the recovery codes that replace either.
"""

from typing import TYPE_CHECKING, Final

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction

from audit.models import Verb
from audit.record import record

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Recovery codes alone are no factor: they only replace one.
FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_factor(user: "User") -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def must_have_factor(user: "User") -> bool:
    """Tell whether MFA_REQUIRED asks this person for a factor."""
    return settings.MFA_REQUIRED == "all" or (settings.MFA_REQUIRED == "administrators" and user.is_superuser)


def factor_name(authenticator: Authenticator) -> str:
    """Name a factor in words, such as `authenticator app` or `security key “Desk”`."""
    if authenticator.type == Authenticator.Type.WEBAUTHN:
        return security_key_name(str(authenticator))
    return "authenticator app" if authenticator.type == Authenticator.Type.TOTP else "recovery codes"


def security_key_name(name: str) -> str:
    return f"security key \N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"


@transaction.atomic
def remove_factors(*, user: "User") -> int:
    """Remove all factors and recovery codes of a person, who then signs in by password alone. Returns how many."""
    factors = list(Authenticator.objects.select_for_update().filter(user=user).order_by("pk"))
    for factor in factors:
        factor.delete()
        record(Verb.FACTOR_REMOVED, user, {"factor": (factor_name(factor), None)})
    return len(factors)


@transaction.atomic
def remove_factor(*, factor: Authenticator) -> None:
    """Remove one factor, if it is still there. Recovery codes go with the last one."""
    user = factor.user
    locked = list(Authenticator.objects.select_for_update().filter(user=user).order_by("pk"))
    if factor not in locked:
        return
    others = [one for one in locked if one != factor and one.type in FACTORS]
    for removed in [factor] if others else locked:
        removed.delete()
        record(Verb.FACTOR_REMOVED, user, {"factor": (factor_name(removed), None)})


def codes_left(codes: Authenticator) -> int:
    """Return how many recovery codes are unused. 0 if they cannot be read, because SECRET_KEY is another."""
    try:
        return len(codes.wrap().get_unused_codes())
    except InvalidToken:
        return 0
