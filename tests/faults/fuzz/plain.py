"""uvicorn's own protocol and server in the place of ours; otherwise the product's server, to compare with.

`gunicorn --worker-class tests.faults.fuzz.plain.PlainWorker`, with the configuration of server/gunicorn.py.
"""

from typing import Any

from uvicorn_worker import UvicornWorker

from server.gunicorn import Worker


class PlainWorker(UvicornWorker):  # type: ignore[misc]  # ships no types
    CONFIG_KWARGS: dict[str, Any] = Worker.CONFIG_KWARGS | {"http": "httptools"}
    # Set by server/gunicorn.py; nobody counts the connections of this worker.
    slot: int | None = None
