"""Where sessions are kept: in the database, as Django does it."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold anything, a NUL too, which PostgreSQL refuses: what is no key of ours is not looked up."""
        is_plausible = super()._validate_session_key(key)  # type: ignore[misc]  # missing from the stubs
        return bool(key and is_plausible and key.isascii() and key.isalnum())
