"""Writes of people's accounts. Each is one transaction, and is recorded in the audit."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from audit.models import Verb
from audit.record import record
from connections.access import let_only_view
from connections.unique import save_unless_taken
from people.local_login import is_break_glass
from people.models import ApiToken
from people.roles import Role, give_role, role_of
from people.sessions import delete_sessions


class DuplicateUsername(Exception):
    """Another person has this user name, in whatever case, or signs in with it as their e-mail address."""

    def __init__(self) -> None:
        super().__init__("Another person has this user name, or has it as e-mail address.")


class DuplicateEmail(Exception):
    """Another person has this e-mail address, or has it as user name, so that one of both could not sign in with it."""

    def __init__(self) -> None:
        super().__init__("Another person has this e-mail address, or has it as user name.")


class LastAdministrator(Exception):
    """Refusal of a change that would leave nobody who can manage people."""

    def __init__(
        self, words: str = "This is the last active administrator. Make somebody else administrator first."
    ) -> None:
        super().__init__(words)


class BreakGlassAdministrator(LastAdministrator):
    """Refusal of a change to the administrator who signs in by password when the identity provider fails."""

    def __init__(self) -> None:
        super().__init__("This is the administrator of BREAK_GLASS_ADMINISTRATOR. Change that setting first.")


@transaction.atomic
def add_person(*, username: str, email: str, role: Role, now: datetime) -> User:
    """Add a person without a password: they set one by a link. Raises DuplicateUsername, DuplicateEmail and
    ValidationError."""
    if is_login_taken(username):
        raise DuplicateUsername
    if email and is_login_taken(email):
        raise DuplicateEmail
    user = User(username=username, email=User.objects.normalize_email(email), date_joined=now)
    user.set_unusable_password()
    user.clean_fields()
    save_unless_taken(user, "auth_user_username_key", DuplicateUsername)
    give_role(user, role)
    record(Verb.ADDED, user, {"role": (None, role.value), **({"email": (None, user.email)} if email else {})})
    return user


@transaction.atomic
def change_role(*, user: User, role: Role) -> None:
    """Give a person another role. Who becomes a viewer views only, also as a member of connections.

    Raises LastAdministrator, and User.DoesNotExist if somebody deleted the person meanwhile.
    """
    current = _lock(user)
    before = role_of(current)
    if before is role:
        return
    if before is Role.ADMINISTRATOR:
        require_another_administrator(current)
    give_role(current, role)
    lowered = let_only_view(current) if role is Role.VIEWER else 0
    connections = {"connections changed by them": (lowered, 0)} if lowered else {}
    record(Verb.ROLE_CHANGED, current, {"role": (before.value, role.value), **connections})


@transaction.atomic
def deactivate(*, user: User) -> None:
    """Refuse this person from this commit on: no sign-in, no session, no API token. Raises LastAdministrator."""
    current = _lock(user)
    if not current.is_active:
        return
    require_another_administrator(current)
    current.is_active = False
    current.save(update_fields=["is_active"])
    sessions, tokens = end_sessions_and_tokens(current)
    record(Verb.DEACTIVATED, current, {"sessions": (sessions, 0), "API tokens": (tokens, 0)})


@transaction.atomic
def reactivate(*, user: User) -> None:
    """Let this person sign in again, with the password they had. Their API tokens are gone."""
    current = _lock(user)
    if not current.is_active:
        current.is_active = True
        current.save(update_fields=["is_active"])
        record(Verb.REACTIVATED, current)


def end_sessions_and_tokens(user: User) -> tuple[int, int]:
    """Delete the sessions and API tokens of a person, in a transaction of the caller. Returns how many there were."""
    tokens, _ = ApiToken.objects.filter(user=user).delete()
    return delete_sessions(user, keep=None), tokens


def require_another_administrator(*leaving: User) -> None:
    """Raise LastAdministrator if all active administrators are among those who leave, or BREAK_GLASS_ADMINISTRATOR is.

    Locks the administrators until the transaction of the caller ends, so that two cannot remove each other.
    """
    active = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
    ids = {administrator.pk for administrator in active}
    if ids and ids <= {user.pk for user in leaving}:
        raise LastAdministrator
    if any(is_break_glass(user) for user in active if user.pk in {one.pk for one in leaving}):
        raise BreakGlassAdministrator


def is_login_taken(login: str, *, besides: int = 0) -> bool:
    """Tell whether somebody signs in with this text: as user name or as e-mail address, in whatever case.

    `besides`: the id of the person who wants it; 0 for one who is new.
    """
    names = Q(username__iexact=login) | Q(email__iexact=login)
    is_users = User.objects.filter(names).exclude(pk=besides).exists()
    return is_users or EmailAddress.objects.filter(email__iexact=login).exclude(user=besides).exists()


def _lock(user: User) -> User:
    """Lock the person and all administrators, in one order, and return the person as they are now."""
    locked = User.objects.select_for_update().filter(Q(pk=user.pk) | Q(is_superuser=True)).order_by("pk")
    return next((one for one in locked if one.pk == user.pk), None) or User.objects.get(pk=user.pk)
