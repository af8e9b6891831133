"""Time at which the person of a session last showed that it is them: by signing in, or by confirming it since."""

from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import Any, Final

# How long a sign-in or a confirmation lets somebody do what is dangerous.
CONFIRMED_FOR: Final = timedelta(minutes=30)
_KEY: Final = "confirmed_at"

# A session of Django, of which only this is used.
Session = MutableMapping[str, Any]


def note_confirmed(session: Session, *, now: datetime) -> None:
    session[_KEY] = now.timestamp()


def is_confirmed(session: Session, *, now: datetime) -> bool:
    """Tell whether the person confirmed within CONFIRMED_FOR. False for a session from before this was noted."""
    at: float = session.get(_KEY, 0)
    return now.timestamp() - at < CONFIRMED_FOR.total_seconds()
