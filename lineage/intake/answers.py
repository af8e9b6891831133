"""What the intake answers, and every way in which it says no.

Permanent faults are 4xx, for senders drop those at once; 503 is the only answer upon which all of them try again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

RETRY_AFTER_SECONDS = "1"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.content)


STORED = Answer(201, {"outcome": "stored"})
REPEAT = Answer(200, {"outcome": "repeat"})


class Rejection(Exception):
    """The request is refused; nothing of it was stored.

    `message` is for the sender, `reason` for the connection's page: it may say more than a stranger should learn.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.reason = reason or message
        self.headers = headers or {}

    @property
    def answer(self) -> Answer:
        error = {"code": self.code, "message": self.message, "detail": None}
        return Answer(self.status, {"error": error}, self.headers)


def key_refused(reason: str) -> Rejection:
    """Always the same to the sender, whether the key is absent, malformed, unknown, wrong or deleted."""
    return Rejection(
        401,
        "key_refused",
        "A valid API key of this connection is needed, as `Authorization: Bearer <key>`.",
        reason=reason,
        headers={"WWW-Authenticate": "Bearer"},
    )


def key_of_another_connection() -> Rejection:
    return Rejection(403, "key_of_another_connection", "The API key belongs to another connection.")


def unknown_connection() -> Rejection:
    return Rejection(404, "unknown_connection", "There is no connection with the id in this URL.")


def method_not_allowed(method: str) -> Rejection:
    message = f"Events are sent with POST, not {method[:16]}."
    return Rejection(405, "method_not_allowed", message, headers={"Allow": "POST"})


def body_too_large(limit: int) -> Rejection:
    return Rejection(413, "body_too_large", f"The body is larger than {limit} bytes.")


def unsupported_encoding(encoding: str) -> Rejection:
    return Rejection(
        415,
        "unsupported_encoding",
        f"Content-Encoding {encoding[:64]!r} is not supported: send gzip or identity.",
        headers={"Accept-Encoding": "gzip, identity"},
    )


def broken_gzip(why: str) -> Rejection:
    return Rejection(400, "broken_gzip", f"The body is not the gzip data that its Content-Encoding promises: {why}.")


def not_json(why: str) -> Rejection:
    return Rejection(400, "not_json", f"The body is not JSON: {why}.")


def invalid_event(why: str) -> Rejection:
    return Rejection(422, "invalid_event", f"Not an OpenLineage event: {why}.")


def unstorable() -> Rejection:
    return Rejection(422, "unstorable", "The event holds values that cannot be stored.")


def database_away() -> Rejection:
    return try_again("The database did not answer; the sender was asked to try again.")


def try_again(reason: str) -> Rejection:
    return Rejection(
        503,
        "unavailable",
        "The events were not acknowledged: try again.",
        reason=reason,
        headers={"Retry-After": RETRY_AFTER_SECONDS},
    )
