"""Hashing of passwords, which is slow on purpose: one at once, so that memory and processors are left for others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

# Hashes of one process at once. Each needs 19 MiB and a processor, and there are as many processes as processors: with
# two at once, the slowest requests of senders took twice as long during sign-ins (measured).
AT_ONCE: Final = 1
# Each waiting request keeps a session of the database, of which a process has 16.
MAX_WAITING: Final = 8
WAIT_SECONDS: Final = 3.0
RETRY_AFTER_SECONDS: Final = 2


class HashingBusy(Exception):
    """Too many passwords wait to be hashed. The request may succeed a moment later."""


class Turns:
    """Lets a few threads work at once, and a few others wait for a while. Thread-safe."""

    def __init__(self, *, at_once: int, max_waiting: int, wait_seconds: float) -> None:
        self._places = threading.BoundedSemaphore(at_once + max_waiting)
        self._turns = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait_seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it until the block ends. Raises HashingBusy."""
        if not self._places.acquire(blocking=False):
            raise HashingBusy
        try:
            if not self._turns.acquire(timeout=self._wait_seconds):
                raise HashingBusy
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


_turns: Final = Turns(at_once=AT_ONCE, max_waiting=MAX_WAITING, wait_seconds=WAIT_SECONDS)


class BoundedArgon2(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum for passwords. Raises HashingBusy if its turn does not come in time.

    The bound is here because every way to a hash leads through the hasher: sign-in, and new passwords in the admin.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _turns.turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turns.turn():
            return super().verify(password, encoded)


class BusyMiddleware(MiddlewareMixin):
    """Answers 503 with a page if a request raised HashingBusy."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, HashingBusy):
            return None
        response = render(request, "account/busy.html", status=503)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
