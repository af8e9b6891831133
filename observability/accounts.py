"""Accounts of people: only administrators create them. Sign-ins are checked here, and guessing is limited."""

import threading
import time
from datetime import timedelta
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import filter_users_by_email
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit.models import Verb
from audit.record import Changes, record
from connections.pacing import Pace
from observability import throttle
from observability.sessions import begin_anew
from observability.throttle import Source, Throttled
from people.confirmation import note_confirmed, note_confirmed_at_provider, note_provider_asked
from people.factors import SHOWN
from people.local_login import may_use_password
from people.pending_sign_in import forget_first_step, note_first_step
from people.ways_of_sign_in import WayOfSignIn, way_of_sign_in

# Sign-ins of one process that wait for their turn; each keeps a session of the database.
_MAX_WAITING: Final = 2
_waiting: Final = threading.BoundedSemaphore(_MAX_WAITING)
# Sign-ins that are refused without a look at the password cost nothing, and must not become as many audit entries.
_PACE_OF_THROTTLED: Final = Pace(count=1, per=timedelta(minutes=1))
_PACE_OF_ALL_THROTTLED: Final = Pace(count=10, per=timedelta(minutes=1))


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Refuse sign-up: administrators add people."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Tell whether `next` may lead to this URL. For an invalid URL, such as `http://[`, allauth (65.21) raises an
        error."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the user if the password is right; inactive users, too, because allauth tells them.

        Costs one hash for any name, also an unknown one. Raises ValidationError if too many sign-ins failed.
        """
        login = credentials["username"]
        user = _user_named(login)
        source = throttle.source_of(user, login, self.get_client_ip(request))
        try:
            _wait(throttle.admit(source, now=timezone.now()))
            succeeded = _is_right(user, credentials["password"])
            throttle.conclude(source, succeeded=succeeded, now=timezone.now())
        except Throttled:
            _record_throttled(user, source)
            raise self.validation_error("too_many_login_attempts") from None
        if not succeeded:
            _record_refusal(user, "wrong password" if user else "unknown name")
            throttle.delete_expired(now=timezone.now())
            return None
        if user and not may_use_password(user):
            _record_refusal(user, "passwords are off")
            return None
        return user

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Refuse a deactivated person who knows the password."""
        _record_refusal(user, "deactivated")
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse | None:
        note_first_step(request.session, user)
        at_provider = (options.get("signal_kwargs") or {}).get("sociallogin")
        if at_provider:
            is_again = at_provider.state.get("data") == user.pk
            note_provider_asked(request.session, at_provider.auth_time, is_again=is_again, now=timezone.now())
        response: HttpResponse | None = super().pre_login(request, user, **options)
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign somebody in, after all steps. allauth asks before the second step alone whether they are active."""
        if not user.is_active:
            request.session.flush()
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        with transaction.atomic():
            forget_first_step(request.session)
            way = way_of_sign_in(request, user)
            begin_anew(request.session)
            super().login(request, user)
            if way.by_provider and not way.second_step:
                note_confirmed_at_provider(request.session, now=timezone.now())
            else:
                note_confirmed(request.session, now=timezone.now(), by_factor=bool(way.second_step))
            record(Verb.SIGNED_IN, user, _in_words(way))

    @transaction.atomic
    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            record(Verb.SIGNED_OUT, request.user)
        super().logout(request)


def _in_words(way: WayOfSignIn) -> Changes:
    """Return how somebody signed in, as changes of an entry: nothing for a password alone."""
    by = {"by": (None, "single sign-on")} if way.by_provider else {}
    return {**by, "second step": (None, SHOWN.get(way.second_step, way.second_step))} if way.second_step else by


def _record_refusal(user: User | None, reason: str) -> None:
    """Record a refused sign-in. What was typed as an unknown name is left out: people type passwords there."""
    record(Verb.SIGN_IN_REFUSED, user or User(), {"reason": (None, reason)})


def _record_throttled(user: User | None, source: Source) -> None:
    now = timezone.now()
    if _PACE_OF_THROTTLED.allows(source, now) and _PACE_OF_ALL_THROTTLED.allows(None, now):
        _record_refusal(user, "too many failures")


def _user_named(login: str) -> User | None:
    """Return the user with this name or e-mail address. A name or address of several users is nobody's.

    Always asks all three, so that the time does not tell which names exist.
    """
    found = (
        list(User.objects.filter(username=login)),
        list(User.objects.filter(username__iexact=login)),
        filter_users_by_email(login),
    )
    return next((users[0] for users in found if len(users) == 1), None)


def _is_right(user: User | None, password: str) -> bool:
    if user is None:
        make_password(password)  # takes as long as checking one
        return False
    return user.check_password(password)


def _wait(duration: timedelta) -> None:
    if not duration:
        return
    if not _waiting.acquire(blocking=False):
        raise Throttled
    try:
        time.sleep(duration.total_seconds())
    finally:
        _waiting.release()
