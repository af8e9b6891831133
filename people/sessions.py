"""Sessions of a person: allauth notes each sign-in, Django keeps the sessions."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from audit.models import Verb
from audit.record import record
from people.models import LastUse

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Browsers and systems by a part of the user agent. The first that is found counts: most call themselves Chrome, too.
_BROWSERS: Final = (
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome")),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS")),
    ("Linux", "Linux"),
)


def live_sessions(user: "User", *, now: datetime) -> QuerySet[UserSession]:
    """Return the sessions of a person that have not ended, the latest sign-in first."""
    live = Session.objects.filter(expire_date__gt=now).values("session_key")
    sessions: QuerySet[UserSession] = UserSession.objects.filter(user=user, session_key__in=live)
    return sessions.order_by("-created_at", "pk")


@transaction.atomic
def note_use(*, user: "User", session_key: str, ends_at: datetime, now: datetime) -> None:
    """Note that a session was used: when it ends now, and that its person was here. One that has ended stays so."""
    if Session.objects.filter(session_key=session_key).update(expire_date=ends_at):
        use = LastUse(user=user, at=now)
        LastUse.objects.bulk_create([use], update_conflicts=True, unique_fields=["user"], update_fields=["at"])


def rename_session(*, before: str | None, after: str | None) -> None:
    """Note that a session goes on under another key, as it does after a new password."""
    UserSession.objects.filter(session_key=before).update(session_key=after)


@transaction.atomic
def end_other_sessions(*, user: "User", keep: str | None) -> None:
    """End all sessions of a person but the one with the key `keep`. From this commit on every process refuses them."""
    if ended := delete_sessions(user, keep=keep):
        record(Verb.SESSIONS_ENDED, user, {"sessions": (ended, 0)})


def delete_sessions(user: "User", *, keep: str | None) -> int:
    """Delete all sessions of a person but one, in a transaction of the caller. Returns how many there were."""
    others = UserSession.objects.filter(user=user).exclude(session_key=keep)
    Session.objects.filter(session_key__in=others.values("session_key")).delete()
    deleted: int = others.delete()[0]
    return deleted


def device_of(user_agent: str) -> str:
    """Name a browser and its system, such as `Firefox on Linux`; of other programs the first word of `user_agent`."""
    browser = next((name for part, name in _BROWSERS if part in user_agent), "")
    system = next((name for part, name in _SYSTEMS if part in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent.split("/", maxsplit=1)[0].strip() or "unknown program"
