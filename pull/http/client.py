"""Client for systems that are fetched from: checked addresses, no redirects, limits of time and size."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from lineage.events.decoders import decoder_of
from pull.http.body import read_body
from pull.http.faults import Fault, FaultCode
from pull.http.guarded import GuardedTransport, faults_of_network
from pull.http.hosts import AllowedHosts

# For one request: from the connection to the last byte.
SECONDS: Final = 30.0
# Of an answer, inflated.
MOST_BYTES: Final = 32 * 1024 * 1024
# Longest pause that a system can ask for.
_LONGEST_PAUSE: Final = timedelta(minutes=15)
_NOT_MODIFIED: Final = 304
# Characters of an answer that a fault quotes.
_MOST_QUOTED: Final = 200
_USER_AGENT: Final = "Observatory"
_ODD_CHARACTERS: Final = (
    "The token or user name holds characters that none has: perhaps it was copied with a word beside it."
)
_T = TypeVar("_T")
Parameters = Mapping[str, str | int | Sequence[str]]


class Exchanged(NamedTuple):
    """Answer of whatever status. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Asks one system. `headers` are sent with each request: a source puts its authorization there.

    Raises ValueError for a base URL that is none, or holds a user, a query or a fragment. A `file:` URL is of a room
    that reads a directory by itself: then nothing can be asked.
    """

    def __init__(self, base_url: str, allowed: AllowedHosts, *, headers: Mapping[str, str] | None = None) -> None:
        self._base = base_url if base_url.startswith("file:") else checked_url(base_url)
        self._host = urlsplit(self._base).hostname or ""
        self._allowed = allowed
        self.headers = dict(headers or {})
        # Requests that were sent.
        self.calls = 0
        # The clock of the system, from the header `Date` of its first answer that has one.
        self.their_time: datetime | None = None
        # Of the last answer; empty if it has none.
        self._etag = ""
        self._transport = GuardedTransport(allowed, ssl.create_default_context())
        self._http = httpx.Client(
            transport=self._transport,
            # Other encodings, which httpx would ask for, are not inflated.
            headers={"Accept-Encoding": "gzip"},
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, params: Parameters | None = None) -> bytes:
        """Return the body of the answer. Raises Fault."""
        return self._ask("GET", path, params, None, None)

    def get_if_changed(self, path: str, etag: str) -> tuple[bytes, str] | None:
        """Return the body and its ETag, which is empty if the system gives none. None: it still has this ETag.

        Raises Fault.
        """
        always = self.headers
        self.headers = {**always, "If-None-Match": etag} if etag else always
        try:
            body = self.get(path)
        except Fault as fault:
            if fault.status == _NOT_MODIFIED:
                return None
            raise
        finally:
            self.headers = always
        return body, self._etag

    def post(self, path: str, body: object, params: Parameters | None = None, *, form: bool = False) -> bytes:
        """Send `body` as JSON, or as a form. Return the body of the answer. Raises Fault."""
        if form:
            return self._ask("POST", path, params, None, body)
        return self._ask("POST", path, params, msgspec.json.encode(body), None)

    def exchange(self, method: str, url: str, *, headers: Mapping[str, Any], content: bytes | None) -> Exchanged:
        """Send a request that an SDK made and signed, to any host of the system, and return the answer. Raises Fault.

        Only these headers are sent, and none of the client's own.
        """
        answer, body = self._send(method, url, content=content, headers=headers)
        return Exchanged(answer.status_code, dict(answer.headers), body)

    def _ask(self, method: str, path: str, params: Parameters | None, content: bytes | None, form: Any) -> bytes:
        if not path.startswith("/"):
            # Behind the host, @ or a dot would make another host of it.
            raise ValueError("A path begins with a slash.")
        headers = {"Accept": "application/json", "User-Agent": _USER_AGENT, **self.headers}
        if content is not None:
            headers["Content-Type"] = "application/json"
        _, body = self._send(
            method,
            self._base + path,
            lambda answer: _refuse_failure(answer, self._host, path),
            params=params,
            content=content,
            data=form,
            headers=headers,
        )
        return body

    def _send(
        self, method: str, url: str, judge: Callable[[httpx.Response], None] | None = None, **parts: Any
    ) -> tuple[httpx.Response, bytes]:
        """Send a request, and read its answer within the limits. `judge` sees the answer before its body is read."""
        target = urlsplit(url)
        host, path = target.hostname or "", target.path
        self._refuse_open_http(target.scheme, host)
        _refuse_odd_headers(parts["headers"], path)
        self.calls += 1
        self._transport.allow(SECONDS)
        with faults_of_network(host, path):
            answer = self._http.send(self._http.build_request(method, url, **parts), stream=True)
            try:
                self._http.cookies.clear()
                self.their_time = self.their_time or _date(answer.headers.get("date", ""))
                self._etag = answer.headers.get("etag", "")
                if judge is not None:
                    judge(answer)
                return answer, read_body(answer, most=MOST_BYTES, host=host, path=path)
            finally:
                answer.close()

    def _refuse_open_http(self, scheme: str, host: str) -> None:
        """Passwords are not sent over plain HTTP, but to private hosts that are allowed by name."""
        if scheme == "http" and not _is_allowed_openly(host, self._allowed):
            words = f"Over http:// the password for {host} would be readable on its way: use https://."
            raise Fault(FaultCode.ADDRESS_REFUSED, words)


def checked_url(text: str) -> str:
    """Return a base URL without a slash at its end. Raises ValueError, with a sentence."""
    try:
        parts = urlsplit(text.strip())
        is_url = parts.scheme in ("http", "https") and parts.port != 0 and httpx.URL(parts.geturl()).host != ""
    except (ValueError, httpx.InvalidURL):
        is_url = False
    if not is_url or not parts.hostname or " " in parts.hostname:
        raise ValueError("This is no URL: it begins with https:// and the name of a host.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("The URL ends with its path: no user, no ? and no #.")
    return parts.geturl().rstrip("/")


def read(content: bytes, type_: type[_T], path: str) -> _T:
    """Decode an answer. Raises Fault: NOT_JSON, or UNEXPECTED where it has another shape."""
    try:
        return decoder_of(type_).decode(content)
    except msgspec.ValidationError as error:
        words = f"The answer at {path} has another shape than expected: {_short(str(error))}."
        raise Fault(FaultCode.UNEXPECTED, words, path=path) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _not_json(path) from error


def _not_json(path: str) -> Fault:
    words = f"The answer at {path} is no JSON: perhaps a sign-in page stands in front, or the URL is another one."
    return Fault(FaultCode.NOT_JSON, words, path=path)


def _refuse_odd_headers(headers: Mapping[str, Any], path: str) -> None:
    """Refuse what HTTP cannot send: the libraries' own errors would hold the token."""
    for value in headers.values():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if not (text.isascii() and text.isprintable() and text == text.strip()):
            raise Fault(FaultCode.UNAUTHORIZED, _ODD_CHARACTERS, path=path)


def _is_allowed_openly(host: str, allowed: AllowedHosts) -> bool:
    try:
        return allowed.has(host, ip_address(host))
    except ValueError:
        return host.lower().rstrip(".") in allowed.names


def _short(text: str) -> str:
    """Cut what the system sent down to what a sentence can hold."""
    return "".join(sign for sign in text if sign.isprintable())[:_MOST_QUOTED]


def _date(text: str) -> datetime | None:
    """Read an HTTP date; None if it is none. Such dates are in UTC, where they name no zone, too."""
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


# Status → code and words, which name the host.
_REFUSALS: Final = {
    400: (FaultCode.BAD_REQUEST, "{host} does not understand the request for {path}."),
    422: (FaultCode.BAD_REQUEST, "{host} does not understand the request for {path}."),
    401: (FaultCode.UNAUTHORIZED, "{host} refuses the user and password, or the token (401)."),
    403: (FaultCode.FORBIDDEN, "{host} signs in, but does not allow to read {path} (403)."),
    404: (FaultCode.NOT_FOUND, "{host} has nothing at {path} (404). Perhaps the URL is another one."),
}


def _refuse_failure(answer: httpx.Response, host: str, path: str) -> None:
    status = answer.status_code
    if answer.is_success:
        if "text/html" in answer.headers.get("content-type", "").lower():
            raise _not_json(path)
        return
    if 300 <= status < 400:
        where = _target(answer)
        words = f"{host} leads on{where}: enter the address to which it leads, or a token if that is a sign-in page."
        raise Fault(FaultCode.REDIRECTED, words, status=status, path=path)
    if status in (429, 503):
        retry_at = _retry_at(answer, datetime.now(UTC))
        words = f"{host} asks for a pause ({status})."
        raise Fault(FaultCode.THROTTLED, words, status=status, path=path, retry_at=retry_at)
    if status in _REFUSALS:
        code, words = _REFUSALS[status]
        raise Fault(code, words.format(host=host, path=path), status=status, path=path)
    code = FaultCode.SERVER_FAULT if status >= 500 else FaultCode.UNEXPECTED
    raise Fault(code, f"{host} answers {status} at {path}.", status=status, path=path)


def _target(answer: httpx.Response) -> str:
    """Name the host of a redirect. Its path and query may hold a ticket."""
    try:
        target = urlsplit(answer.headers.get("location", ""))
    except ValueError:
        return ""
    return f" to {_short(f'{target.scheme}://{target.hostname}')}" if target.hostname else ""


def _retry_at(answer: httpx.Response, now: datetime) -> datetime | None:
    """Read Retry-After: seconds, or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        # A number of more digits is longer than any pause, and Python refuses to read thousands of them.
        at: datetime | None = now + timedelta(seconds=int(text[:9]))
    else:
        at = _date(text)
    return at and min(max(at, now), now + _LONGEST_PAUSE)
