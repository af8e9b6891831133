"""Storage of sessions: in the database, as in Django."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """Accept only possible keys. A cookie may contain anything, also a NUL, which PostgreSQL refuses."""
        is_plausible = super()._validate_session_key(key)  # type: ignore[misc]  # missing from the stubs
        return bool(key and is_plausible and key.isascii() and key.isalnum())
