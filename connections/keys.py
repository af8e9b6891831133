"""The text of a key: `obs_<lookup>_<secret>_<checksum>`. Pure: no Django, no HTTP, no database.

- The prefix is for secret scanners: `obs_` for the API keys of connections, `obw_` for workspace keys, `obt_` for
  people's API tokens.
- The lookup part is public. It finds the row, and says nothing about the secret.
- The secret is 36 characters of base 62, which is 214 random bits. Pages show a key's last four characters, which
  belong to the checksum and give away at most 24 bits: 190 stay unknown.
- The checksum refuses what was cut or mistyped before anything is looked up. Anybody can compute it: it proves nothing.
"""

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from typing import Final

API_KEY_PREFIX: Final = "obs_"
WORKSPACE_KEY_PREFIX: Final = "obw_"

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LOOKUP_LENGTH: Final = 12
_SECRET_LENGTH: Final = 36
_CHECKSUM_LENGTH: Final = 6  # 62**6 > 2**32
_SHOWN_LENGTH: Final = 4
_SHAPE: Final = re.compile(
    rf"(?P<prefix>[a-z]+_)(?P<lookup>[0-9A-Za-z]{{{_LOOKUP_LENGTH}}})"
    rf"_(?P<secret>[0-9A-Za-z]{{{_SECRET_LENGTH}}})_(?P<checksum>[0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)
_LENGTH_WITHOUT_PREFIX: Final = _LOOKUP_LENGTH + _SECRET_LENGTH + _CHECKSUM_LENGTH + 2


class MalformedKey(ValueError):
    """The text is no key: another prefix, length or alphabet, or a checksum that does not match."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key's text and its parts. What must stay secret is kept out of its repr, and so out of logs."""

    text: str = field(repr=False)
    lookup: str
    secret: str = field(repr=False)

    @property
    def last_characters(self) -> str:
        """The end of the text: people recognize their keys by it."""
        return self.text[-_SHOWN_LENGTH:]


def new_key(prefix: str = API_KEY_PREFIX) -> Key:
    """A fresh random key. `prefix` is lower-case letters and an underscore."""
    lookup, secret = _random(_LOOKUP_LENGTH), _random(_SECRET_LENGTH)
    body = f"{prefix}{lookup}_{secret}"
    return Key(text=f"{body}_{_checksum(body)}", lookup=lookup, secret=secret)


def parse_key(text: str, prefix: str = API_KEY_PREFIX) -> Key:
    """The parts of a key's text; raises MalformedKey. The work does not grow with what was sent."""
    if len(text) != len(prefix) + _LENGTH_WITHOUT_PREFIX:
        raise MalformedKey
    match = _SHAPE.fullmatch(text)
    if match is None or match["prefix"] != prefix:
        raise MalformedKey
    if not hmac.compare_digest(_checksum(text[: match.end("secret")]), match["checksum"]):
        raise MalformedKey
    return Key(text=text, lookup=match["lookup"], secret=match["secret"])


def prefix_of_sender(text: str) -> str:
    """The prefix by which a sender's key is to be read: that of a workspace key, else that of an API key."""
    return WORKSPACE_KEY_PREFIX if text.startswith(WORKSPACE_KEY_PREFIX) else API_KEY_PREFIX


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    characters = []
    for _ in range(_CHECKSUM_LENGTH):
        number, remainder = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[remainder])
    return "".join(reversed(characters))
