"""Answer to a scrape: the sum of the counters of all processes of this server."""

import os
import platform
from collections.abc import Iterable
from typing import Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from server import __version__
from server.metrics import directory


class _AllProcesses(Collector):
    def collect(self) -> Iterable[Metric]:
        with directory.files() as files:
            return MultiProcessCollector.merge(map(str, files))  # type: ignore[no-any-return]


class _Build(Collector):
    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "observatory_build_info", "Always 1; its labels say what runs.", labels=["version", "python"]
        )
        family.add_metric([__version__, platform.python_version()], 1)
        return [family]


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Build())
    # Without the variable each process counts for itself, for example under runserver.
    registry.register(_AllProcesses() if directory.VARIABLE in os.environ else REGISTRY)
    return registry


_REGISTRY: Final = _registry()


def exposition(request: HttpRequest) -> HttpResponse:
    """Render the metrics in the format that the scraper accepts."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    response = HttpResponse(encode(_REGISTRY), content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Length"] = str(len(response.content))
    return response
