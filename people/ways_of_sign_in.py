"""The way in which somebody signed in to a session, as allauth notes it there."""

from typing import NamedTuple

from allauth.account.authentication import get_authentication_records
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest


class WayOfSignIn(NamedTuple):
    """`by_provider`: an identity provider vouched, else a password counted. `second_step`: type of the factor that was
    shown, as in allauth's Authenticator; empty if there was no second step."""

    by_provider: bool
    second_step: str


def way_of_sign_in(request: HttpRequest, user: AbstractBaseUser | AnonymousUser) -> WayOfSignIn:
    steps = get_authentication_records(request, user)
    types = [step.get("type", "") for step in steps if step["method"] == "mfa"]
    return WayOfSignIn(any(step["method"] == "socialaccount" for step in steps), types[-1] if types else "")
