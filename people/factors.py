"""Factors of people besides their passwords: which they have, who must have one, and their removal.

allauth keeps them: an authenticator app, security keys, and the recovery codes that replace either.
"""

import hashlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction

from audit.models import Verb
from audit.record import record
from people.sessions import end_other_sessions

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Recovery codes alone are no factor: they only replace one.
FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# Names of what a person shows, by its type in allauth's records.
SHOWN: Final = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.WEBAUTHN: "security key",
    Authenticator.Type.RECOVERY_CODES: "recovery code",
}
# Each is read at a sign-in, and nobody carries more.
MOST_SECURITY_KEYS: Final = 20
# Longer than a code of an authenticator app is valid: three periods of 30 s.
_CODES_REMEMBERED_SECONDS: Final = 120


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
def remove_factors(*, user: "User", keep: str | None) -> int:
    """Remove all factors and recovery codes of a person, who then signs in by password alone. Returns how many.

    Ends the person's sessions, but for the one with the key `keep`.
    """
    factors = _locked(user)
    _remove(user, factors)
    end_other_sessions(user=user, keep=keep)
    return len(factors)


@transaction.atomic
def remove_factor(*, factor: Authenticator, keep: str | None) -> None:
    """Remove one factor, if it is still there. Recovery codes go with the last one.

    Ends the person's sessions, but for the one with the key `keep`.
    """
    user, locked = factor.user, _locked(factor.user)
    if factor not in locked:
        return
    others = [one for one in locked if one != factor and one.type in FACTORS]
    _remove(user, [factor] if others else locked)
    end_other_sessions(user=user, keep=keep)


def remove_unreadable_codes(*, user: "User") -> None:
    """Remove the recovery codes of a person if nobody can read them, so that new ones are made with the next factor."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    if codes and not is_readable(codes):
        _remove(user, [codes])


def _locked(user: "User") -> list[Authenticator]:
    """Lock a person's factors and recovery codes until the end of the transaction."""
    return list(Authenticator.objects.select_for_update().filter(user=user).order_by("pk"))


def _remove(user: "User", factors: Iterable[Authenticator]) -> None:
    for factor in factors:
        factor.delete()
        record(Verb.FACTOR_REMOVED, user, {"factor": (factor_name(factor), None)})


def codes_left(codes: Authenticator) -> int:
    """Return how many recovery codes are unused. 0 if they cannot be read."""
    return len(codes.wrap().get_unused_codes()) if is_readable(codes) else 0


def is_readable(codes: Authenticator) -> bool:
    """Tell whether recovery codes can be read: not if SECRET_KEY is another."""
    try:
        codes.wrap().generate_codes()
    except InvalidToken:
        return False
    return True


@transaction.atomic
def use_once(authenticator: Authenticator, code: str) -> None:
    """Note a code of an app as used. Raises ValidationError if it was used before, and DoesNotExist if the app is
    gone. allauth remembers codes in the memory of one process only."""
    now = time.time()
    locked = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
    used: dict[str, float] = locked.data.get("used", {})
    digest = hashlib.sha256("".join(filter(str.isalnum, code)).encode()).hexdigest()
    if digest in used:
        raise get_adapter().validation_error("incorrect_code")
    recent = {one: at for one, at in used.items() if at > now - _CODES_REMEMBERED_SECONDS}
    locked.data["used"] = {**recent, digest: now}
    locked.save(update_fields=["data"])
