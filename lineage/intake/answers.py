"""Answers of the intake, with one function for each refusal.

Permanent faults are 4xx, for senders drop those at once; 503 is the only answer upon which all of them try again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec

RETRY_AFTER_SECONDS = "1"


class Code(StrEnum):
    """Reasons for refusing a request: in its answer, in the log and at /metrics."""

    METHOD_NOT_ALLOWED = "method_not_allowed"
    UNKNOWN_PATH = "unknown_path"
    PLAIN_HTTP = "plain_http"
    KEY_REFUSED = "key_refused"
    KEY_OF_ANOTHER_CONNECTION = "key_of_another_connection"
    UNKNOWN_CONNECTION = "unknown_connection"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    BROKEN_GZIP = "broken_gzip"
    NOT_JSON = "not_json"
    INVALID_EVENT = "invalid_event"
    UNMATCHED_NAMESPACE = "unmatched_namespace"
    UNSTORABLE = "unstorable"
    # The sender is asked to try again.
    DATABASE_AWAY = "database_away"
    DATABASE_SLOW = "database_slow"
    ROWS_LOCKED = "rows_locked"
    ROUTE_CHANGED = "route_changed"
    BODY_TOO_SLOW = "body_too_slow"
    TOO_BUSY = "too_busy"
    INTERNAL_ERROR = "internal_error"
    # There is no answer: the sender hung up, or the process ended.
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.content)

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Headers in ASGI's form, with those of the body."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))]
        return headers + [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]


STORED = Answer(201, {"outcome": "stored"})
REPEAT = Answer(200, {"outcome": "repeat"})


class Rejection(Exception):
    """The request is refused; nothing of it was stored.

    `message` is for the sender, `reason` for the connection's page: it may say more than a stranger should learn.
    """

    def __init__(
        self,
        status: int,
        code: Code,
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
    def asks_to_try_again(self) -> bool:
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def answer(self) -> Answer:
        error = {"code": self.code, "message": self.message, "detail": None}
        return Answer(self.status, {"error": error}, self.headers)


def key_refused(reason: str) -> Rejection:
    """Refuses a key. The sender gets one answer, be the key absent, malformed, unknown, wrong or deleted."""
    return Rejection(
        401,
        Code.KEY_REFUSED,
        "A valid API key is needed, as `Authorization: Bearer <key>`: one of this connection, or a workspace key.",
        reason=reason,
        headers={"WWW-Authenticate": "Bearer"},
    )


def key_of_another_connection() -> Rejection:
    return Rejection(403, Code.KEY_OF_ANOTHER_CONNECTION, "The API key belongs to another connection.")


def workspace_key_at_connection() -> Rejection:
    return Rejection(
        403,
        Code.KEY_OF_ANOTHER_CONNECTION,
        "A workspace key sends to /api/v1/lineage: there the namespace of an event's job names the connection.",
    )


def unknown_connection() -> Rejection:
    return Rejection(404, Code.UNKNOWN_CONNECTION, "There is no connection with the id in this URL.")


def unknown_path() -> Rejection:
    message = (
        "There is nothing at this path: events are sent to /gateway/openlineage/<connection id>, and with a workspace "
        "key to /api/v1/lineage."
    )
    return Rejection(404, Code.UNKNOWN_PATH, message)


def method_not_allowed(method: str, *, reads: frozenset[str]) -> Rejection:
    """`reads`: methods by which the read API answers at this path."""
    message = f"Events are sent with POST, not {method[:16]}."
    return Rejection(405, Code.METHOD_NOT_ALLOWED, message, headers={"Allow": ", ".join(sorted({*reads, "POST"}))})


def plain_http() -> Rejection:
    """Refuses a request that came unencrypted. A redirect would lose the event: clients follow it with an empty GET."""
    return Rejection(
        403,
        Code.PLAIN_HTTP,
        "Events are sent over https: this one came over plain HTTP, and its API key could be read. Correct the "
        "sender's URL, and replace the key.",
        reason="The request came over plain HTTP, and its API key could be read: correct the sender's URL to https, "
        "and replace the key. If the URL is right, a proxy ends the TLS: FORWARDED_ALLOW_IPS must name its address, "
        "and it must set X-Forwarded-Proto to https.",
    )


def body_too_large(limit: int) -> Rejection:
    return Rejection(413, Code.BODY_TOO_LARGE, f"The body is larger than {limit} bytes.")


def unsupported_encoding(encoding: str) -> Rejection:
    return Rejection(
        415,
        Code.UNSUPPORTED_ENCODING,
        f"Content-Encoding {encoding[:64]!r} is not supported: send gzip or identity.",
        headers={"Accept-Encoding": "gzip, identity"},
    )


def broken_gzip(why: str) -> Rejection:
    return Rejection(400, Code.BROKEN_GZIP, f"The body is not the gzip data that its Content-Encoding promises: {why}.")


def not_json(why: str) -> Rejection:
    return Rejection(400, Code.NOT_JSON, f"The body is not JSON: {why}.")


def invalid_event(why: str) -> Rejection:
    return Rejection(422, Code.INVALID_EVENT, f"Not an OpenLineage event: {why}.")


def unmatched(why: str) -> Rejection:
    return Rejection(422, Code.UNMATCHED_NAMESPACE, f"{why}.")


def unstorable() -> Rejection:
    return Rejection(422, Code.UNSTORABLE, "The event holds values that cannot be stored.")


def database_away() -> Rejection:
    return _try_again(Code.DATABASE_AWAY, "The database did not answer; the sender was asked to try again.")


def database_slow() -> Rejection:
    """Asks to try again. If a transaction hangs, it may still be committed: then the sender's next try is a repeat."""
    return _try_again(Code.DATABASE_SLOW, "The database did not answer in time; the sender was asked to try again.")


def rows_locked() -> Rejection:
    return _try_again(
        Code.ROWS_LOCKED,
        "Another transaction of the database keeps rows of these events locked; the sender was asked to try again.",
    )


def route_changed() -> Rejection:
    """Asks to try again: the next try finds out whether the key ended, or may no longer send to one connection."""
    return _try_again(Code.ROUTE_CHANGED, "The workspace key or its connection was changed while the event came.")


def body_too_slow(seconds: float) -> Rejection:
    return _try_again(Code.BODY_TOO_SLOW, f"The body did not arrive within {seconds:.0f} s.")


def too_busy(reason: str) -> Rejection:
    return _try_again(Code.TOO_BUSY, reason)


def _try_again(code: Code, reason: str) -> Rejection:
    return Rejection(
        503,
        code,
        "The events were not acknowledged: try again.",
        reason=reason,
        headers={"Retry-After": RETRY_AFTER_SECONDS},
    )


def internal_error() -> Rejection:
    """Reports a defect of ours."""
    return Rejection(500, Code.INTERNAL_ERROR, "The request met a defect of the server, which was logged.")
