"""Requests that the HTTP protocol refuses before an application sees them, and the responses to those.

A server and a proxy before it may read an ambiguous request in different ways. Then the proxy forwards what it would
not have let pass, or the key of one request counts for another. So what is ambiguous is refused.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

_VERSIONS: Final = ("1.0", "1.1")
# Words of llhttp, the parser, for the first line of every HTTP/2 connection.
_HTTP2_PREFACE: Final = "Pause on PRI/Upgrade"


class MalformedRequest(Exception):
    """A request head that the parser accepts, and that is not valid or is ambiguous."""


def check_head(version: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raise MalformedRequest if the head breaks a rule that the parser does not check. Names are in lower case.

    The parser itself checks lengths and spaces: Content-Length twice or beside Transfer-Encoding, a space before a
    colon, a header on several lines.
    """
    if version not in _VERSIONS:
        raise MalformedRequest(f"this server speaks HTTP/1.1, not HTTP/{version}")
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts > 1:
        raise MalformedRequest("it has more than one Host header")
    if not hosts and version == "1.1":
        raise MalformedRequest("it has no Host header")
    if names.count(b"authorization") > 1:
        raise MalformedRequest("it has more than one Authorization header")
    if b"transfer-encoding" in names:
        _check_transfer_encoding(version, headers)


def _check_transfer_encoding(version: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    if codings != [b"chunked"]:
        raise MalformedRequest("its Transfer-Encoding is not `chunked`, the only one that this server decodes")
    if version == "1.0":
        raise MalformedRequest("HTTP/1.0 has no Transfer-Encoding")


def reason_of(error: BaseException | None) -> str:
    """Return why the parser raised `error`, in words for the client."""
    cause = error and error.__context__
    if isinstance(cause, MalformedRequest):
        return str(cause)
    if error is None or cause is not None:
        return "its first line names no path"
    reason = str(error)
    return "this server speaks HTTP/1.1, not HTTP/2" if reason == _HTTP2_PREFACE else reason


def malformed(reason: str) -> bytes:
    return _response(HTTPStatus.BAD_REQUEST, "malformed_request", f"The request is not valid HTTP/1.1: {reason}.")


def incomplete() -> bytes:
    return _response(HTTPStatus.BAD_REQUEST, "incomplete_request", "The connection ended before the request did.")


def head_too_slow(seconds: float) -> bytes:
    message = f"The head of the request was not complete within {seconds:.0f} s."
    return _response(HTTPStatus.REQUEST_TIMEOUT, "head_too_slow", message)


def head_too_large(limit: int) -> bytes:
    message = f"The head of the request is larger than {limit} bytes."
    return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", message)


def _response(status: HTTPStatus, code: str, message: str) -> bytes:
    body = json.dumps({"error": {"code": code, "message": message, "detail": None}}).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
