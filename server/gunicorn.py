"""gunicorn's configuration: `gunicorn --config python:server.gunicorn server.asgi:application`.

Environment: HOST, PORT, WEB_CONCURRENCY (worker processes), LOG_FORMAT, METRICS_DIR (directory of the processes'
counters; by default in memory), FORWARDED_ALLOW_IPS (addresses and networks of proxies, by default those of this
machine: their X-Forwarded-For and X-Forwarded-Proto count, nobody else's).
"""

import os
import signal
import sys
from typing import Any

import structlog
from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from server.balance import ConnectionCounts, WorkerConnections
from server.logging import configure_structlog, log_format, logging_config
from server.metrics import directory
from server.processes import (
    collect_garbage_rarely,
    end_with,
    end_with_starter,
    freeze_loaded_objects,
    give_back_large_blocks,
    raise_limit_of_open_files,
)
from server.protocol import BoundedProtocol, LeavingServer, limit_unread_responses

# Seconds in which a worker that has to stop may finish its requests. Then they are cut off, and gunicorn kills it a
# moment later.
_FINISHES_WITHIN = 9


class Worker(UvicornWorker):  # type: ignore[misc]  # ships no types
    """Worker that serves plain HTTP. Django's logging writes the access lines, because it knows the user."""

    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "auto",
        "http": BoundedProtocol,
        "ws": "none",
        "lifespan": "off",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": _FINISHES_WITHIN,
    }
    # Slot in the connection counts.
    slot: int | None = None

    async def _serve(self) -> None:
        """Serve as uvicorn_worker (0.4) does, but with our own server class."""
        self.config.app = self.wsgi
        connections = None if self.slot is None else WorkerConnections(_connection_counts, self.slot)
        server = LeavingServer(self.config, connections)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = Worker
# The master loads the application, and workers are forks of it. A dead worker is replaced at once; loading the
# application again would take seconds, with too few workers or none.
preload_app = True
# Seconds after which a worker without a heartbeat is replaced.
timeout = 60
graceful_timeout = _FINISHES_WITHIN + 1
# Longer than the idle timeout of common load balancers (60 s), so that they close idle connections first.
keepalive = 75
control_socket_disable = True
# Directory of the heartbeat file, in memory: on a disk it can block a worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112

configure_structlog()
logconfig_dict = logging_config(log_format())
log = structlog.get_logger(__name__)

# Must run before the first import of prometheus_client, which the application imports, too.
directory.make()

from server.metrics.workers import RUNNING, EndedWorkers  # noqa: E402

_ended_workers = EndedWorkers()
_connection_counts = ConnectionCounts()


def on_starting(_server: Arbiter) -> None:
    end_with_starter()
    # Each client is an open file: the usual limit of 1,024 would limit the number of clients.
    raise_limit_of_open_files()
    give_back_large_blocks()
    collect_garbage_rarely()


def when_ready(server: Arbiter) -> None:
    freeze_loaded_objects()
    for listener in server.LISTENERS:
        limit_unread_responses(listener.sock)


def pre_fork(_server: Arbiter, worker: Worker) -> None:
    worker.slot = _connection_counts.claim()


def post_fork(server: Arbiter, _worker: Worker) -> None:
    # Until a worker sets its own signal handlers it has the master's, which only record the signal. If the master ended
    # then, the worker would stay.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A worker without a master would keep the port, and nothing would replace the worker.
    end_with(server.pid)
    RUNNING.set(1)


def child_exit(server: Arbiter, worker: Worker) -> None:
    if worker.slot is not None:
        _connection_counts.release(worker.slot)
    try:
        _ended_workers.add(worker.pid, alive=server.WORKERS)
    except Exception:
        # The master ends on an error, which lost counts are not worth.
        log.exception("metrics_not_merged", pid=worker.pid)


def on_exit(_server: Arbiter) -> None:
    directory.remove()
