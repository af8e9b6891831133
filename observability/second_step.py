"""The second step of signing in, and confirmation by a factor: limits on guessing, codes that work once, the audit."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.models import Verb
from audit.record import record
from connections.forms import NameField
from connections.pacing import Pace
from observability import throttle
from observability.throttle import Throttled
from people.factors import use_once

if TYPE_CHECKING:
    from django.forms import Form
else:
    Form = object

Checked = TypeVar("Checked")

_WITH_CODES: Final = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
# Refusals without a look at the code cost nothing, and must not become as many audit entries.
_PACE_OF_THROTTLED: Final = Pace(count=1, per=timedelta(minutes=1))
UNREADABLE: Final = "SECRET_KEY was changed, so your factors cannot be read. Ask an administrator to remove them."
# What reading the answer of a security key raises that somebody made up.
_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Keeps secrets of factors encrypted in the database, and names a person by their user name."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This is wrong, or was used before. A code of an app works once: wait for the next one.",
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises InvalidToken if neither SECRET_KEY nor a former value encrypted the text."""
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002, ARG002 - allauth's
        """Propose no name for a security key: its owner knows where they keep it."""
        return ""

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}


class _Code(Form):
    """Mixin for a form with a code of an authenticator app, or a recovery code."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        self.authenticator = _check_limited(self.user, lambda: _factor_with(code, self.user))
        return code


class _SecurityKey(Form):
    """Mixin for a form with the answer of a security key."""

    user: User

    def clean_credential(self) -> Authenticator:
        return _check_limited(self.user, super().clean_credential)  # type: ignore[misc]


class AddSecurityKeyForm(AddWebAuthnForm):  # type: ignore[misc]
    name = NameField(label="Name", help_text="Where you keep it, for example laptop.")

    def clean(self) -> Any:
        try:
            return super().clean()
        except _MALFORMED:
            raise ValidationError("The browser sent no security key. Try again.") from None


class CodeForm(_Code, AuthenticateForm):  # type: ignore[misc]
    """The second step by code."""


class SecurityKeyForm(_SecurityKey, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second step by security key."""


class ConfirmingCodeForm(_Code, ReauthenticateForm):  # type: ignore[misc]
    """Confirmation by code, of somebody who is signed in."""


class ConfirmingSecurityKeyForm(_SecurityKey, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Confirmation by security key, of somebody who is signed in."""


def _check_limited(user: User, check: Callable[[], Checked]) -> Checked:
    """Return what `check` returns, unless too many attempts failed. Raises ValidationError, as `check` does.

    The sender knows the password already, so no address is trusted: attempts are refused, not made to wait.
    """
    source = throttle.source_of_second_step(user, get_adapter().get_client_ip(context.request))
    try:
        throttle.admit(source, now=timezone.now())
        try:
            checked = check()
        except (ValidationError, InvalidToken, Authenticator.DoesNotExist, *_MALFORMED) as error:
            throttle.conclude(source, succeeded=False, now=timezone.now())
            record(Verb.SECOND_STEP_FAILED, user)
            if isinstance(error, InvalidToken):
                raise ValidationError(UNREADABLE) from None
            raise get_mfa_adapter().validation_error("incorrect_code") from None
        throttle.conclude(source, succeeded=True, now=timezone.now())
    except Throttled:
        if _PACE_OF_THROTTLED.allows(source, timezone.now()):
            record(Verb.SECOND_STEP_FAILED, user, {"reason": (None, "too many failures")})
        raise get_adapter().validation_error("too_many_login_attempts") from None
    return checked


def _factor_with(code: str, user: User) -> Authenticator:
    """Return the factor, of the app and the recovery codes, that the code is right for. A factor that cannot be read
    hides no other. Raises ValidationError, and InvalidToken if none fits and one cannot be read."""
    unreadable: InvalidToken | None = None
    for factor in Authenticator.objects.filter(user=user, type__in=_WITH_CODES).order_by("pk"):
        try:
            is_right = factor.wrap().validate_code(code)
        except InvalidToken as error:
            unreadable = error
            continue
        if is_right:
            if factor.type == Authenticator.Type.TOTP:  # allauth marks a recovery code itself, in the database
                use_once(factor, code)
            return factor
    raise unreadable or get_mfa_adapter().validation_error("incorrect_code")


def _cipher() -> MultiFernet:
    return MultiFernet([_fernet(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _fernet(secret: Any) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"secrets of factors").derive(str(secret).encode())
    return Fernet(base64.urlsafe_b64encode(derived))
