"""Sessions of people: kept in the database, as Django does.

One ends when it was not used for SESSION_IDLE_HOURS, and at the latest SESSION_MAX_DAYS after the person signed in.
"""

from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from connections.pacing import Pace
from people.sessions import note_use

# Seconds since 1970, in the session.
_SIGNED_IN_AT: Final = "signed_in_at"
# How exact the last use is. Requests in between cost no write.
USE_IS_NOTED_EVERY: Final = timedelta(minutes=5)
_PACE: Final = Pace(count=1, per=USE_IS_NOTED_EVERY)

Content = MutableMapping[str, Any]


def end_of(content: Content, *, now: datetime) -> datetime:
    """Return when a session ends if it is used now for the last time."""
    idle = now + timedelta(hours=settings.SESSION_IDLE_HOURS)
    if _SIGNED_IN_AT not in content:
        return idle
    return min(idle, _signed_in_at(content) + timedelta(days=settings.SESSION_MAX_DAYS))


def begin_anew(content: Content) -> None:
    """Let the time of a session begin with the sign-in that is under way: somebody may sign in again while they are
    signed in."""
    content.pop(_SIGNED_IN_AT, None)


def _signed_in_at(content: Content) -> datetime:
    return datetime.fromtimestamp(content[_SIGNED_IN_AT], UTC)


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """Accept only possible keys. A cookie may contain anything, also a NUL, which PostgreSQL refuses."""
        is_plausible = super()._validate_session_key(key)  # type: ignore[misc]  # missing from the stubs
        return bool(key and is_plausible and key.isascii() and key.isalnum())

    def create_model_instance(self, data: Content) -> AbstractBaseSession:
        """Return the row to store. The cookie lasts longer than it: the row decides."""
        now = timezone.now()
        if SESSION_KEY in data:  # somebody is signed in
            data.setdefault(_SIGNED_IN_AT, now.timestamp())
        row = super().create_model_instance(data)  # type: ignore[arg-type]  # the stubs have it narrower
        row.expire_date = end_of(data, now=now)
        return row


class LastUseMiddleware:
    """Notes that a session is in use. Stands behind the one that reads the user, and asks for nobody who was not asked
    for already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        session = request.session
        if session.accessed and SESSION_KEY in session and request.user.is_authenticated:
            _note_use(request, now=timezone.now())
        return response


def _note_use(request: HttpRequest, *, now: datetime) -> None:
    session, key = request.session, request.session.session_key
    if _SIGNED_IN_AT not in session:  # of the version before
        session[_SIGNED_IN_AT] = now.timestamp()
    is_new = now - _signed_in_at(session) < USE_IS_NOTED_EVERY  # the sign-in was noted
    user = cast("User", request.user)
    if key and not is_new and _PACE.allows(key, now):
        note_use(user=user, session_key=key, ends_at=end_of(session, now=now), now=now)
