"""Writes of API tokens."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from audit.models import Verb
from audit.record import record
from connections.keys import new_key
from connections.names import normalize_name
from connections.unique import save_unless_taken
from people.models import ApiToken, Scope

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TOKEN_PREFIX: Final = "obt_"  # noqa: S105 - public: it is for secret scanners
# Days that a token may live; the second is the default.
LIFETIMES: Final = (30, 90, 365)
DEFAULT_LIFETIME: Final = LIFETIMES[1]
_USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


class DuplicateTokenName(Exception):
    """The person has a token with this name."""

    def __init__(self) -> None:
        super().__init__("You have a token with this name already.")


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """A token just made. Its text is known here and never again."""

    api_token: ApiToken
    text: str = field(repr=False)


def hash_secret(secret: str) -> str:
    """SHA-256, in hexadecimal. The secret is random enough (214 bits) that a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_api_token(
    *, user: "User", name: str, days: int = DEFAULT_LIFETIME, reads_hidden: bool = False, now: datetime
) -> NewApiToken:
    """Create a token that reads what `user` may read, for some days, or until it is deleted or the user deactivated.

    `reads_hidden`: also the parts of events that privacy settings show to `user`, but not to everybody.
    Raises DuplicateTokenName, ValidationError.
    """
    key = new_key(prefix=TOKEN_PREFIX)
    api_token = ApiToken(
        user=user,
        name=normalize_name(name),
        lookup=key.lookup,
        last_characters=key.last_characters,
        secret_hash=hash_secret(key.secret),
        scopes=" ".join([Scope.READ, *([Scope.READ_HIDDEN] if reads_hidden else [])]),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    api_token.clean_fields()
    with transaction.atomic():
        save_unless_taken(api_token, "one_name_a_token_of_a_person", DuplicateTokenName)
        record(Verb.ADDED, api_token, {"expires": (None, api_token.expires_at), "scopes": (None, api_token.scopes)})
    return NewApiToken(api_token=api_token, text=key.text)


@transaction.atomic
def delete_api_token(*, api_token: ApiToken) -> None:
    """Delete a token, if it is still there. From this commit on every process refuses it."""
    deleted, _ = ApiToken.objects.filter(pk=api_token.pk).delete()
    if deleted:
        record(Verb.REMOVED, api_token)


def touch_api_token(*, api_token: ApiToken, now: datetime) -> None:
    """Note that the token was used, with at most one write a minute however many requests come at once."""
    if api_token.last_used_at is not None and now - api_token.last_used_at < _USE_IS_NOTED_EVERY:
        return
    unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _USE_IS_NOTED_EVERY)
    ApiToken.objects.filter(unnoted, pk=api_token.pk).update(last_used_at=now)
