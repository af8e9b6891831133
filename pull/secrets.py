"""Secrets of sources, encrypted at rest with SECRETS_KEY.

An encrypted text belongs to one source at one host: in another row, or with another address beside it, it is not
decrypted. So nobody sends a stored password to a host of their own.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_AGAIN: Final = "Enter it again."


class SecretUnreadable(Exception):
    """The stored secret cannot be used. Its text says what to do."""


class NoSecretsKey(Exception):
    """SECRETS_KEY is not set. Its text is for the person who wants to."""

    def __init__(self) -> None:
        super().__init__("Observatory cannot keep passwords: whoever operates it has to set SECRETS_KEY.")


def can_encrypt() -> bool:
    return bool(settings.SECRETS_KEY)


def encrypt(source_id: UUID, url: str, secret: Mapping[str, str]) -> str:
    """Encrypt a secret for one source at the host of `url`. Raises NoSecretsKey."""
    if not can_encrypt():
        raise NoSecretsKey
    text = msgspec.json.encode({"source": str(source_id), "host": _host(url), "secret": dict(secret)}, order="sorted")
    return _fernet().encrypt(text).decode()


def decrypt(source_id: UUID, url: str, text: str) -> dict[str, str]:
    """Raises SecretUnreadable."""
    if not can_encrypt():
        raise SecretUnreadable(f"The password cannot be read: SECRETS_KEY is not set any more. {_AGAIN}")
    try:
        held = msgspec.json.decode(_fernet().decrypt(text.encode()))
    except InvalidToken as error:
        raise SecretUnreadable(f"The password cannot be read: SECRETS_KEY was changed. {_AGAIN}") from error
    if held["source"] != str(source_id) or held["host"] != _host(url):
        raise SecretUnreadable(f"The password is for another address. {_AGAIN}")
    secret: dict[str, str] = held["secret"]
    return secret


def rotate(text: str) -> str:
    """Encrypt anew with the first key. Raises NoSecretsKey, SecretUnreadable."""
    if not can_encrypt():
        raise NoSecretsKey
    try:
        return _fernet().rotate(text.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable(f"The password cannot be read: SECRETS_KEY was changed. {_AGAIN}") from error


def check_keys(keys: list[str]) -> list[str]:
    """Return the setting's keys. Raises ImproperlyConfigured."""
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                "SECRETS_KEY is a list of keys of 32 bytes in URL-safe base64, as Fernet.generate_key() makes them."
            ) from None
    return keys


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SECRETS_KEY])


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{parts.port or ''}"
