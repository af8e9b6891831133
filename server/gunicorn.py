"""gunicorn's configuration: `gunicorn --config python:server.gunicorn server.asgi:application`.

From the environment: HOST, PORT, WEB_CONCURRENCY (worker processes), FORWARDED_ALLOW_IPS, LOG_FORMAT, METRICS_DIR
(where to keep what the processes count; by default in memory).
"""

import os
import signal
import sys
from typing import Any

import structlog
from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from server.balance import Counts, Share
from server.logging import configure_structlog, log_format, logging_config
from server.metrics import directory
from server.processes import (
    end_with,
    end_with_starter,
    give_back_large_blocks,
    keep_what_is_loaded,
    raise_limit_of_open_files,
)
from server.protocol import BoundedProtocol, LeavingServer, bound_unread_answers

# A worker that is told to stop may finish its requests for so long (seconds); then they are cut off, and gunicorn
# kills it a moment later.
_FINISHES_WITHIN = 9


class Worker(UvicornWorker):  # type: ignore[misc]  # ships no types
    """Speaks plain HTTP; leaves the access lines to Django's logging, which knows who asked."""

    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "auto",
        "http": BoundedProtocol,
        "ws": "none",
        "lifespan": "off",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": _FINISHES_WITHIN,
    }
    # Among the counts of connections.
    slot: int | None = None

    async def _serve(self) -> None:
        """As uvicorn_worker (0.4) has it, with a server of our own."""
        self.config.app = self.wsgi
        share = None if self.slot is None else Share(_connection_counts, self.slot)
        server = LeavingServer(self.config, share)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = Worker
# The master loads the application, and workers are forks of it: one that died is replaced in a moment, not after the
# seconds that loading takes, in which too few or none would answer.
preload_app = True
# A worker that answers nothing for this long is replaced (seconds).
timeout = 60
graceful_timeout = _FINISHES_WITHIN + 1
# Longer than the idle timeout of the usual load balancers (60 s), so that it is they who close.
keepalive = 75
control_socket_disable = True
# The heartbeat file: on a disk it can block a worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112

configure_structlog()
logconfig_dict = logging_config(log_format())
log = structlog.get_logger(__name__)

# Before anything imports prometheus_client, which the application does, too.
directory.make()

from server.metrics.workers import RUNNING, EndedWorkers  # noqa: E402

_ended_workers = EndedWorkers()
_connection_counts = Counts()


def on_starting(_server: Arbiter) -> None:
    end_with_starter()
    # Each client is one of them: the usual 1,024 would be what bounds their number.
    raise_limit_of_open_files()
    give_back_large_blocks()


def when_ready(server: Arbiter) -> None:
    keep_what_is_loaded()
    for listener in server.LISTENERS:
        bound_unread_answers(listener.sock)


def pre_fork(_server: Arbiter, worker: Worker) -> None:
    worker.slot = _connection_counts.claim()


def post_fork(server: Arbiter, _worker: Worker) -> None:
    # Until its own handlers are there, a worker has the master's, which only take note of a signal: if the master ended
    # at that moment, it would stay.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Without a master nobody replaces a worker, and it would keep the port.
    end_with(server.pid)
    RUNNING.set(1)


def child_exit(server: Arbiter, worker: Worker) -> None:
    if worker.slot is not None:
        _connection_counts.release(worker.slot)
    try:
        _ended_workers.add(worker.pid, alive=server.WORKERS)
    except Exception:
        # Nothing that is counted is worth the master, which ends upon an error.
        log.exception("metrics_not_merged", pid=worker.pid)


def on_exit(_server: Arbiter) -> None:
    directory.remove()
