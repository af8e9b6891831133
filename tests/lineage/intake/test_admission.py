"""Admission of keys that the process does not remember: few threads, a bounded queue, and 503 for what is too much."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lineage.intake.answers import Code, Rejection
from lineage.intake.exchange import Exchange, Head
from lineage.intake.group import admission
from lineage.intake.group.admission import THREADS, Admission
from lineage.intake.routes import target_of
from tests.waiting import wait_until

HEAD = Head("POST", False, "Bearer key", None, None)


def new_exchange() -> Exchange:
    target = target_of("/api/v1/lineage")
    assert target
    return Exchange(target)


class SlowDatabase:
    """Holds every admission until it is released, and counts them."""

    def __init__(self) -> None:
        self.asked = 0
        self.release = threading.Event()
        self._guard = threading.Lock()

    def __call__(self, _admit: Callable[[Head], None], _head: Head) -> None:
        with self._guard:
            self.asked += 1
        assert self.release.wait(10)


def outcomes(database: SlowDatabase, *, count: int, released_when: Callable[[], bool]) -> list[object]:
    """Admit `count` requests at once. The database answers as soon as `released_when` returns True."""
    # A thread of its own: browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _outcomes(database, count, released_when)).result()


async def _outcomes(database: SlowDatabase, count: int, released_when: Callable[[], bool]) -> list[object]:
    queue = Admission(database)
    admissions = [asyncio.ensure_future(queue.admit(new_exchange(), HEAD)) for _ in range(count)]
    await asyncio.to_thread(wait_until, released_when)
    database.release.set()
    return list(await asyncio.gather(*admissions, return_exceptions=True))


def refusals(results: list[object]) -> list[Rejection]:
    return [result for result in results if isinstance(result, Rejection)]


def test_few_threads_ask_the_database_at_once() -> None:
    database = SlowDatabase()

    results = outcomes(database, count=50, released_when=lambda: database.asked == THREADS)

    assert results == [None] * 50
    assert database.asked == 50


def test_more_than_may_wait_are_asked_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_WAITING", 20)
    database = SlowDatabase()

    results = outcomes(database, count=50, released_when=lambda: database.asked == THREADS)

    refused = refusals(results)
    assert len(refused) == 30
    assert {(one.status, one.code, one.headers["Retry-After"]) for one in refused} == {(503, Code.TOO_BUSY, "1")}


def test_who_waited_too_long_is_asked_to_try_again_without_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "ADMISSION_SECONDS", -1)
    database = SlowDatabase()

    results = outcomes(database, count=10, released_when=lambda: True)

    refused = refusals(results)
    assert {(one.status, one.code, one.headers["Retry-After"]) for one in refused} == {(503, Code.TOO_BUSY, "1")}
    assert len(refused) == 10
    assert database.asked == 0
