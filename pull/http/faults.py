"""Faults: why a system that is fetched from could not be asked, in words for the person who set it up."""

from datetime import datetime
from enum import StrEnum


class FaultCode(StrEnum):
    ADDRESS_NOT_FOUND = "address_not_found"
    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMED_OUT = "timed_out"
    TOO_LARGE = "too_large"
    REDIRECTED = "redirected"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    THROTTLED = "throttled"
    SERVER_FAULT = "server_fault"
    NOT_JSON = "not_json"
    UNEXPECTED = "unexpected"


class Fault(Exception):
    """A request that brought nothing. `words` hold no secret, and no values of a query.

    `path`: of the request, without its query. `retry_at`: when the system says that it may be asked again.
    """

    def __init__(
        self,
        code: FaultCode,
        words: str,
        *,
        status: int | None = None,
        path: str = "",
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.status = status
        self.path = path
        self.retry_at = retry_at
