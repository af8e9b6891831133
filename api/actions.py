"""The API's only writes: a person's tokens."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from api.models import ApiToken
from connections.keys import new_key

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TOKEN_PREFIX: Final = "obt_"  # noqa: S105 - public: it is for secret scanners
_USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """A token just made. Its text is known here and never again."""

    api_token: ApiToken
    text: str = field(repr=False)


def hash_secret(secret: str) -> str:
    """SHA-256, in hexadecimal. The secret is random enough (214 bits) that a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_api_token(*, user: "User", now: datetime) -> NewApiToken:
    """A new token that reads what `user` may read, until it is deleted or the user is deactivated."""
    key = new_key(prefix=TOKEN_PREFIX)
    api_token = ApiToken.objects.create(
        user=user, lookup=key.lookup, secret_hash=hash_secret(key.secret), created_at=now
    )
    return NewApiToken(api_token=api_token, text=key.text)


def touch_api_token(*, api_token: ApiToken, now: datetime) -> None:
    """Notes that the token was used, with at most one write a minute however many requests come at once."""
    if api_token.last_used_at is not None and now - api_token.last_used_at < _USE_IS_NOTED_EVERY:
        return
    unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _USE_IS_NOTED_EVERY)
    ApiToken.objects.filter(unnoted, pk=api_token.pk).update(last_used_at=now)
