"""People who sign in through an identity provider: who is let in, as whom, and with which role."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from audit.models import Verb
from audit.record import record
from people.accounts import DuplicateEmail, LastAdministrator, add_person, change_role, is_login_taken
from people.roles import Role

log: Final = structlog.get_logger(__name__)

# The highest first.
_ROLES: Final = (Role.ADMINISTRATOR, Role.EDITOR, Role.VIEWER)
# In OIDC_ROLE_MAP: any value of the claim, or none.
ANYBODY: Final = "*"
_NOT_IN_NAMES: Final = re.compile(r"[^\w.@+-]+")
_MOST_OF_A_NAME: Final = 140

# In what is kept of an account at the provider: whether its ID token ever had the claim `auth_time`.
STATES_TIME: Final = "states_auth_time"

# Name → value, as the provider signed them.
Claims = Mapping[str, Any]


class NotAdmitted(Exception):
    """The provider knows the person, but they may not sign in here. Its text is for them to read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of who is let in. `role_map`: value of the claim → role. Empty `role_claim`: roles are given by hand."""

    role_claim: str
    role_map: Mapping[str, Role]
    domains: frozenset[str]


def rules_of_settings() -> Rules:
    roles = {value: Role(role) for value, role in settings.OIDC_ROLE_MAP.items()}
    return Rules(settings.OIDC_ROLE_CLAIM, roles, frozenset(settings.OIDC_ALLOWED_DOMAINS))


def states_time(accounts: QuerySet[SocialAccount]) -> bool:
    """Tell whether the provider ever said of one of these accounts when it asked the person for something."""
    return accounts.filter(**{f"extra_data__{STATES_TIME}": True}).exists()


def role_of_claims(claims: Claims, rules: Rules) -> Role | None:
    """Return the highest role that the claim maps to; None where roles are given by hand. Raises NotAdmitted."""
    if not rules.role_claim:
        return None
    found: Any = claims
    for part in rules.role_claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    values = {str(value) for value in (found if isinstance(found, list) else [found])} | {ANYBODY}
    roles = {role for value, role in rules.role_map.items() if value in values}
    role = next((role for role in _ROLES if role in roles), None)
    if role is None:
        raise NotAdmitted("None of your groups has a role in this Observatory. Ask an administrator.")
    return role


def verified_email(claims: Claims, rules: Rules) -> str:
    """Return the person's address if the provider has verified it, else an empty text. Raises NotAdmitted."""
    email = str(claims.get("email") or "")
    is_verified = str(claims.get("email_verified", "")).lower() == "true"
    domain = email.rpartition("@")[2].lower()
    if rules.domains and not (is_verified and domain in rules.domains):
        raise NotAdmitted("Only people with a verified e-mail address of certain domains may sign in here.")
    return email if is_verified else ""


def usernames(claims: Claims, email: str) -> Iterator[str]:
    """Yield user names to try, the best first. One with an @ would be somebody's address, unless it is their own."""
    preferred = str(claims.get("preferred_username") or "")
    own = preferred if "@" not in preferred or preferred.lower() == email.lower() else preferred.partition("@")[0]
    base = _NOT_IN_NAMES.sub("-", own or email or "person")[:_MOST_OF_A_NAME].strip("-") or "person"
    yield base
    for number in range(2, 1000):
        yield f"{base.partition('@')[0]}-{number}"


@transaction.atomic
def person_of(*, known: User | None, claims: Claims, rules: Rules, now: datetime) -> User:
    """Return the person who signs in, with the role that the provider gives them. Raises NotAdmitted.

    `known`: who came with this identity before. Else an account with their verified address is theirs if its domain
    is allowed; else they are added.
    """
    role = role_of_claims(claims, rules)
    email = verified_email(claims, rules)
    if known is None:
        known = _same_address(email, rules) or _add(claims, email, role or Role.VIEWER, now)
        record(Verb.SSO_LINKED, known, {"subject": (None, str(claims["sub"]))})
    if role is not None and known.is_active:
        try:
            change_role(user=known, role=role)
        except LastAdministrator:
            log.warning("last_administrator_keeps_role", user=known.pk, role=role.value)
    return User.objects.get(pk=known.pk)


def _same_address(email: str, rules: Rules) -> User | None:
    if not (email and rules.domains):
        return None
    users = list(User.objects.filter(email__iexact=email)[:2])
    return users[0] if len(users) == 1 else None


def _add(claims: Claims, email: str, role: Role, now: datetime) -> User:
    username = next(name for name in usernames(claims, email) if not is_login_taken(name))
    try:
        return add_person(username=username, email=email, role=role, now=now)
    except DuplicateEmail:
        raise NotAdmitted("Another account has your e-mail address. Ask an administrator.") from None
