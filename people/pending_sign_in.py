"""Sign-ins that wait for their second step: each ends if the person's password changes meanwhile."""

from typing import Final

from django.contrib.auth.models import User
from django.utils.crypto import constant_time_compare

from people.confirmation import Session

_KEY: Final = "pending_sign_in"


def note_first_step(session: Session, user: User) -> None:
    """Note for which password somebody passed the first step. Django's hash of it, as in sessions."""
    session[_KEY] = user.get_session_auth_hash()


def forget_first_step(session: Session) -> None:
    session.pop(_KEY, None)


def is_first_step_valid(session: Session, user: User) -> bool:
    """Tell whether the password is still that of the first step. A former SECRET_KEY counts as in sessions."""
    noted: str = session.get(_KEY, "")
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(noted, one) for one in hashes)
