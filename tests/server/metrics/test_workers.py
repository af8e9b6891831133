"""Counts outlive the workers: a killed and replaced worker loses no count, and leaves no file."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from lineage.models import Event
from tests.lineage.intake.http.documents import encoded
from tests.lineage.intake.http.wire import post
from tests.live_server import Sender, serve_tests
from tests.server.metrics.scrape import Scrape, scrape
from tests.serving import WORKERS, LiveServer
from tests.waiting import SECONDS, wait_until


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Directory in which servers create theirs."""
    return tmp_path / "metrics"


@pytest.fixture
def server(transactional_db: None, tmp_path: Path, base: Path) -> Iterator[LiveServer]:
    """Server for one test."""
    with serve_tests(tmp_path / "log.txt", {"METRICS_DIR": str(base)}) as server:
        yield server


def kill_a_worker(server: LiveServer) -> None:
    """Kill a worker, and wait until it is replaced, and the master has merged its counts."""
    victim = server.workers[0]
    ended = scrape(server).value("workers_ended_total")
    victim.kill()
    wait_until(lambda: victim not in server.workers and len(server.workers) == WORKERS)
    wait_until(lambda: scrape(server).value("workers_ended_total") == ended + 1)


def counters(scraped: Scrape) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (name, labels): value
        for (name, labels), value in scraped.samples.items()
        if name.endswith(("_total", "_count", "_sum", "_bucket"))
    }


def test_no_counter_goes_backwards_while_workers_are_killed(server: LiveServer, sender: Sender) -> None:
    path = server.path(sender.connection.id)
    stop = threading.Event()
    backwards: list[object] = []

    def watch() -> None:
        last = counters(scrape(server))
        while not stop.is_set():
            try:
                current = counters(scrape(server))
            # The killed worker served this request, before or during its response.
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                continue
            backwards.extend(series for series, value in last.items() if current.get(series, 0) < value)
            last = current

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(4):
            for _ in range(10):
                assert post(server, path, encoded(), sender.headers).status == 201
            assert post(server, path, b"{", sender.headers).status == 400
            kill_a_worker(server)
            stored = scrape(server).value("intake_requests_total", outcome="stored", reason="")
            assert stored == 10 * (number + 1) == Event.objects.count()
        assert watcher.is_alive()
    finally:
        stop.set()
        watcher.join()

    assert not backwards
    scraped = scrape(server)
    assert scraped.value("intake_requests_total", outcome="rejected", reason="not_json") == 4
    assert scraped.value("intake_events_total", outcome="stored", reason="") == 40
    assert scraped.value("commit_events_sum") == 40


def test_a_killed_worker_leaves_no_file_and_no_level(server: LiveServer, sender: Sender, base: Path) -> None:
    def files() -> set[str]:
        return {file.name for file in base.glob("*/*.db")}

    def pids() -> set[str]:
        return {name.removesuffix(".db").split("_")[-1] for name in files()}

    path = server.path(sender.connection.id)
    for _ in range(3):
        assert post(server, path, encoded(), sender.headers).status == 201
        kill_a_worker(server)

    # Only one scrape reads at a time here, so each end was handled at once.
    assert pids() == {"0", str(server.process.pid), *(str(worker.pid) for worker in server.workers)}
    # A new worker is a process before it serves, and counts itself when it does.
    wait_until(lambda: scrape(server).value("workers") >= WORKERS)
    assert scrape(server).value("workers") == WORKERS


def test_what_a_killed_server_left_is_removed_by_the_next(transactional_db: None, tmp_path: Path, base: Path) -> None:
    environment = {"METRICS_DIR": str(base)}
    with serve_tests(tmp_path / "first.txt", environment, workers=1) as killed:
        workers = killed.workers
        killed.process.send_signal(signal.SIGKILL)
        # They end with their master.
        psutil.wait_procs(workers, SECONDS)
        [left] = base.iterdir()
        make_old(left)
        (base / "of-somebody-else").mkdir()

        with (
            serve_tests(tmp_path / "second.txt", environment, workers=1),
            serve_tests(tmp_path / "third.txt", environment, workers=1),
        ):
            assert not left.exists()
            assert len(list(base.glob("observatory-metrics-*"))) == 2
    assert [entry.name for entry in base.iterdir()] == ["of-somebody-else"]


def test_a_running_servers_directory_is_let_be_however_old(server: LiveServer, tmp_path: Path, base: Path) -> None:
    """A server that ends removes its own directory alone."""
    [directory] = base.iterdir()
    make_old(directory)

    with serve_tests(tmp_path / "other.txt", {"METRICS_DIR": str(base)}, workers=1):
        assert directory.exists()
        assert len(list(base.iterdir())) == 2
        scrape(server)
    assert list(base.iterdir()) == [directory]


def make_old(directory: Path) -> None:
    hour_ago = time.time() - 3600
    os.utime(directory, (hour_ago, hour_ago))
