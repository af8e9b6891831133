"""Metrics of a server at /metrics, as Prometheus reads them."""

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.live_server import METRICS_TOKEN
from tests.serving import LiveServer

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Scrape:
    samples: Mapping[Series, float]
    types: Mapping[str, str]

    def value(self, name: str, **labels: str) -> float:
        """Return the value of the product's metric of this name; 0 for a missing series."""
        return self.samples.get((f"observatory_{name}", frozenset(labels.items())), 0)

    def by_label(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the values of a metric that are not 0, by their labels' values."""
        return {
            tuple(dict(series)[label] for label in labels): value
            for (name_, series), value in self.samples.items()
            if name_ == f"observatory_{name}" and value
        }

    def since(self, before: "Scrape") -> "Scrape":
        """Return the differences between two scrapes."""
        differences = {series: value - before.samples.get(series, 0) for series, value in self.samples.items()}
        return Scrape(differences, self.types)


def scrape(server: LiveServer) -> Scrape:
    bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    answer = requests.get(f"{server.url}/metrics", headers=bearer, timeout=30)
    assert answer.status_code == 200, answer.text
    families = list(text_string_to_metric_families(answer.text))
    samples = [sample for family in families for sample in family.samples]
    return Scrape(
        {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples},
        {family.name: family.type for family in families},
    )
