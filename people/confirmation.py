"""Time at which the person of a session last showed that it is them: by signing in, or by confirming it since."""

from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import Any, Final

# How long a sign-in or a confirmation lets somebody do what is dangerous.
CONFIRMED_FOR: Final = timedelta(minutes=30)
_KEY: Final = "confirmed_at"
_BY_FACTOR: Final = "confirmed_by_factor_at"
_ASKED: Final = "provider_asked_at"
_UNTIMED: Final = "untimed_sign_in_at"
# How long a sign-in at the provider that did not say when it asked lets somebody begin with a first factor.
FIRST_FACTOR_WITHIN: Final = timedelta(minutes=10)
# How far the provider's clock may be ahead.
_SKEW: Final = timedelta(minutes=1)

# A session of Django, of which only this is used.
Session = MutableMapping[str, Any]


def note_confirmed(session: Session, *, now: datetime, by_factor: bool = False) -> None:
    session[_KEY] = now.timestamp()
    if by_factor:
        session[_BY_FACTOR] = now.timestamp()


def note_provider_asked(session: Session, auth_time: Any, *, is_again: bool, now: datetime) -> None:
    """Keep when the identity provider last asked the person for something, by its claim `auth_time`: seconds, or
    nothing, or whatever it sent. `is_again`: they were signed in, and sent there to confirm that it is them."""
    session.pop(_ASKED, None)
    session.pop(_UNTIMED, None)
    is_number = isinstance(auth_time, int | float) and not isinstance(auth_time, bool)
    if is_number and 0 < auth_time < (now + _SKEW).timestamp():
        session[_ASKED] = auth_time
    elif is_again:
        session[_UNTIMED] = now.timestamp()


def note_confirmed_at_provider(session: Session, *, now: datetime) -> None:
    """Take a sign-in at the provider as a confirmation, of when it asked: it may let people through unasked."""
    if asked_at := session.pop(_ASKED, None):
        session[_KEY] = min(asked_at, now.timestamp())


def came_back_untimed(session: Session, *, now: datetime, within: timedelta = CONFIRMED_FOR) -> bool:
    """Tell whether the person signed in at the provider again, and it did not say when it asked them."""
    at: float = session.get(_UNTIMED, 0)
    return now.timestamp() - at < within.total_seconds()


def is_confirmed(session: Session, *, now: datetime, by_factor: bool = False) -> bool:
    """Tell whether the person confirmed within CONFIRMED_FOR; `by_factor`: by more than a password. False for a
    session from before this was noted."""
    at: float = session.get(_BY_FACTOR if by_factor else _KEY, 0)
    return now.timestamp() - at < CONFIRMED_FOR.total_seconds()
