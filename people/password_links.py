"""Links by which a person who is not signed in sets their password. An administrator makes one, and hands it over."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from audit.models import AuditEntry, Verb
from audit.record import record

LINK_LIFETIME: Final = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
_SALT: Final = "password link"
# Each ends the links that were made before it: the next link, a password, other rights, and an account that was closed.
_ENDS_LINKS: Final = (Verb.LINK_MADE, Verb.PASSWORD_CHANGED, Verb.ROLE_CHANGED, Verb.DEACTIVATED)


class LinkTokens:
    """Makes and checks the tokens of links, as Django's views ask for it. A token names the entry of the audit that its
    link was made with, and holds Django's own, which a sign-in and any other password end."""

    def make_token(self, user: User) -> str:
        return signing.dumps([_newest_entry(user), default_token_generator.make_token(user)], salt=_SALT)

    def check_token(self, user: User, token: str | None) -> bool:
        """Tell whether the link still works. `token` is None if the browser's session holds none, or has used it."""
        if token is None:
            return False
        try:
            entry, inner = signing.loads(token, salt=_SALT, max_age=LINK_LIFETIME)
        except signing.BadSignature:
            return False
        return entry == _newest_entry(user) and default_token_generator.check_token(user, inner)


@transaction.atomic
def make_password_link(*, user: User, now: datetime) -> tuple[str, str]:
    """Return the two parts of a link by which a person sets their password: their id, encoded, and a token.

    It works once, for LINK_LIFETIME, as long as they have neither signed in nor got another password, link or role
    since, and were not deactivated.
    """
    record(Verb.LINK_MADE, user, {"valid until": (None, now + LINK_LIFETIME)})
    return urlsafe_base64_encode(force_bytes(user.pk)), LinkTokens().make_token(user)


def _newest_entry(user: User) -> int | None:
    """Return the id of the newest entry that ends links, of those that are young enough to end any."""
    entries = AuditEntry.objects.filter(object="user", object_id=str(user.pk), verb__in=_ENDS_LINKS)
    since = timezone.now() - 2 * LINK_LIFETIME
    return entries.filter(at__gte=since).order_by("-at", "-id").values_list("pk", flat=True).first()
