"""Connections to addresses that were checked, for httpx: a transport on httpcore with a network backend of ours.

The name is resolved here, and the connection goes to the very address that was checked. So a name that changes between
two look-ups leads nowhere else. TLS still checks the certificate of the name.
"""

import math
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpcore
import httpx

from pull.http.faults import Fault, FaultCode
from pull.http.hosts import AllowedHosts

# Addresses of a host that are tried.
_MOST_ADDRESSES: Final = 3


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses. Its connections wait for nothing after `until`, of time.monotonic(): httpcore's
    own timeouts are for one read each, and a system that sends a byte now and then would never be late.

    Looking up a name is the one wait without this limit: the system's resolver has its own.
    """

    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._network = httpcore.SyncBackend()
        self.until = math.inf

    def left(self) -> float:
        """Return the seconds that are left for the request under way. Raises TimeoutException if none are."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - see the class
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = _addresses(host, port)
        for address in found:
            if why := self._allowed.why_refused(host, address):
                raise Fault(FaultCode.ADDRESS_REFUSED, why)
        failure: Exception | None = None
        addresses = found[:_MOST_ADDRESSES]
        for tried, address in enumerate(addresses):
            # An address that never answers leaves time for the others.
            seconds = self.left() / (len(addresses) - tried)
            try:
                stream = self._network.connect_tcp(address, port, seconds, local_address, socket_options)
                return _TimedStream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None  # noqa: S101 - there is an address at least
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """Connection that keeps to the time of its backend."""

    def __init__(self, stream: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see GuardedBackend
        return self._stream.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._backend.left())
        return _TimedStream(stream, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    """Resolve a name. Raises Fault."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Fault(FaultCode.ADDRESS_NOT_FOUND, f"There is no host {host}: its name was not found.") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedTransport(httpx.BaseTransport):
    """Sends requests of httpx through httpcore, with checked addresses."""

    def __init__(self, allowed: AllowedHosts, context: ssl.SSLContext) -> None:
        self._backend = GuardedBackend(allowed)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=4, keepalive_expiry=30, network_backend=self._backend
        )

    def allow(self, seconds: float) -> None:
        """Set the time for the next request: from its connection to its last byte."""
        self._backend.until = time.monotonic() + seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore.Request(
            method=request.method,
            url=url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        answer = self._pool.handle_request(asked)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def faults_of_network(host: str, path: str) -> Iterator[None]:
    """Turn errors of the network into faults."""
    try:
        yield
    except (httpcore.TimeoutException, httpx.TimeoutException) as error:
        raise Fault(FaultCode.TIMED_OUT, f"{host} did not answer in time.", path=path) from error
    except (httpcore.ConnectError, httpx.ConnectError) as error:
        raise _of_connection(host, path, error) from error
    except httpx.InvalidURL:
        raise Fault(FaultCode.UNEXPECTED, f"A path at {host} cannot be asked for: it is no URL.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.TransportError) as error:
        words = f"{host} broke off its answer, or answers in another protocol than HTTP."
        raise Fault(FaultCode.UNREACHABLE, words, path=path) from error


def _of_connection(host: str, path: str, error: Exception) -> Fault:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = f"The certificate of {host} is not trusted: {cause.verify_message}."
        return Fault(FaultCode.TLS, words, path=path)
    if isinstance(cause, ssl.SSLError):
        words = f"{host} and Observatory found no common TLS. Perhaps the address begins with http://."
        return Fault(FaultCode.TLS, words, path=path)
    return Fault(FaultCode.UNREACHABLE, f"Nothing answers at {host}.", path=path)
