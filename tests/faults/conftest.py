"""A product of its own, to be broken: PostgreSQL and the server, which no other tests use."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
import requests

from tests.faults.load import Target
from tests.faults.scale import seeded
from tests.serving import WORKERS, LiveServer, OwnDatabase, own_database, serve

SENDERS = 40
STOP_SECONDS = 30


class Product:
    """Server, with a supervisor's function: it is started again on its port."""

    def __init__(self, database: OwnDatabase, log: Path, *, workers: int = WORKERS) -> None:
        self._database, self._log, self._workers = database, log, workers
        self._stack = ExitStack()
        self.server = self._serve(0)

    @property
    def master(self) -> psutil.Process:
        return psutil.Process(self.server.process.pid)

    @property
    def workers(self) -> list[psutil.Process]:
        return self.server.workers

    def await_end(self) -> None:
        """Wait for the master's end, however a test ended it. Its workers may still be finishing their requests."""
        self.server.process.wait(STOP_SECONDS)

    def start_again(self) -> None:
        self.server = self._serve(self.server.port)

    def stop(self) -> None:
        self._stack.close()

    def _serve(self, port: int) -> LiveServer:
        settings = {"DJANGO_SETTINGS_MODULE": "tests.serving_settings"}
        served = serve(self._database.url, self._log, port=port, workers=self._workers, environment=settings)
        return self._stack.enter_context(served)


@pytest.fixture(scope="session")
def database() -> Iterator[OwnDatabase]:
    with own_database() as database:
        yield database


@pytest.fixture(scope="session")
def product(database: OwnDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(database, tmp_path_factory.mktemp("product") / "log.txt")
    yield product
    product.stop()


@pytest.fixture(scope="session")
def lone_worker(database: OwnDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A server of one process: all that is sent comes to it, so its memory and its queue tell."""
    product = Product(database, tmp_path_factory.mktemp("lone") / "log.txt", workers=1)
    yield product
    product.stop()


@pytest.fixture(scope="session")
def new_target(database: OwnDatabase) -> Callable[[int], Target]:
    """A connection that nobody sent to yet, at the server on this port."""
    senders = iter(database.add_senders([f"Sender {number}" for number in range(SENDERS)]))
    return lambda port: Target(port, *next(senders))


@pytest.fixture
def target(database: OwnDatabase, product: Product, new_target: Callable[[int], Target]) -> Target:
    # A test that failed may have left them broken.
    database.start()
    if product.server.process.poll() is not None:
        product.start_again()
    return new_target(product.server.port)


@pytest.fixture
def lone_target(lone_worker: Product, new_target: Callable[[int], Target]) -> Target:
    """A connection whose key the one worker knows: verifying it takes time and memory."""
    target = new_target(lone_worker.server.port)
    url, headers = lone_worker.server.url + target.path, {"Authorization": f"Bearer {target.key}"}
    answer = requests.post(url, "no event", headers=headers, timeout=STOP_SECONDS)
    assert answer.status_code == 400, answer.text
    return target


@pytest.fixture
def rng() -> random.Random:
    return seeded()
