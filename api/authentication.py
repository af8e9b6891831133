"""`Authorization: Bearer <token>`."""

import hmac
from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from connections.access import hidden_classes
from connections.keys import MalformedKey, parse_key
from connections.models import Connection
from connections.privacy import Audience, PrivacyClass, hidden_from
from people.models import ApiToken, Scope
from people.tokens import TOKEN_PREFIX, hash_secret, touch_api_token

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """A person's API token. Each refusal is a plain 401, which does not say what was wrong with the token."""

    def authenticate(self, request: Request) -> "tuple[User, ApiToken] | None":
        scheme, _, credentials = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() != _SCHEME.lower().encode():
            return None
        # A header that is not ASCII becomes characters that no token has.
        api_token = _find(credentials.strip().decode("latin-1"))
        now = timezone.now()
        if api_token is None or not api_token.user.is_active or api_token.is_expired(now):
            raise AuthenticationFailed("The API token is not valid.")
        touch_api_token(api_token=api_token, now=now)
        return api_token.user, api_token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return _SCHEME


def hidden_from_request(request: Request, connection: Connection) -> frozenset[PrivacyClass]:
    """Return the classes of parts of the connection's events that the answer leaves out.

    A token without the scope `read:hidden` reads what everybody reads, whatever its person may.
    """
    if isinstance(request.auth, ApiToken) and not request.auth.has_scope(Scope.READ_HIDDEN):
        return hidden_from(connection.audiences, [Audience.EVERYONE])
    return hidden_classes(connection, request.user)


def _find(text: str) -> ApiToken | None:
    try:
        key = parse_key(text, prefix=TOKEN_PREFIX)
    except MalformedKey:
        return None
    api_token = ApiToken.objects.select_related("user").filter(lookup=key.lookup).first()
    if api_token is None or not hmac.compare_digest(hash_secret(key.secret), api_token.secret_hash):
        return None
    return api_token
