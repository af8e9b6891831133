"""docs/metrics.md lists every metric with its labels, and its alerts use existing metrics."""

import re
from pathlib import Path

import pytest
import yaml

from lineage.intake.answers import Code
from tests.server.metrics.scrape import Scrape, scrape
from tests.serving import ROOT, LiveServer

DOCUMENT = Path(ROOT, "docs", "metrics.md").read_text()
ROW = re.compile(r"^\| `observatory_(\w+)` \| (\w+)(?:: ([^|]+))? \|", re.MULTILINE)


@pytest.fixture
def scraped(server: LiveServer) -> Scrape:
    return scrape(server)


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Return each metric's type and labels."""
    return {
        name.removesuffix("_total"): (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in ROW.findall(DOCUMENT)
    }


def exposed(scraped: Scrape) -> dict[str, tuple[str, frozenset[str]]]:
    metrics = {}
    for name, labels in scraped.samples:
        family = next(
            family for family in (name, re.sub("_(total|bucket|sum|count)$", "", name)) if family in scraped.types
        )
        metrics[family.removeprefix("observatory_")] = (
            scraped.types[family],
            frozenset(label for label, _ in labels) - {"le"},
        )
    return metrics


def test_every_metric_is_documented_with_its_labels(scraped: Scrape) -> None:
    assert documented() == exposed(scraped)


def test_every_reason_is_documented() -> None:
    table = DOCUMENT.partition("| `reason` | status |")[2].partition("\n\n")[0]
    reasons = {reason for row in table.splitlines()[2:] for reason in re.findall(r"`(\w+)`", row.split("|")[1])}

    assert reasons == set(Code)


def test_the_labels_values_are_documented(scraped: Scrape) -> None:
    values = {
        value
        for (name, labels) in scraped.samples
        for label, value in labels
        if label not in {"le", "version", "python"} and value
    }

    assert {value for value in values if f"`{value}`" not in DOCUMENT} == set()


def test_the_alerts_ask_for_what_is_there(scraped: Scrape) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    [alerts] = [yaml.safe_load(block) for block in blocks if "groups:" in block]
    rules = alerts["groups"][0]["rules"]
    series = {name: [dict(labels) for name_, labels in scraped.samples if name_ == name] for name, _ in scraped.samples}

    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        for name, selector in re.findall(r"(observatory_\w+)(?:{([^}]*)})?", rule["expr"]):
            matchers = re.findall(r'(\w+)\s*(=~|!~|=|!=)\s*"([^"]*)"', selector)
            assert any(matches(labels, matchers) for labels in series[name]), rule["expr"]
            for label, operator, pattern in matchers:
                # Each alternative is one that exists.
                for alternative in pattern.split("|") if operator in {"=~", "="} else []:
                    assert any(re.fullmatch(alternative, labels[label]) for labels in series[name]), alternative


def matches(labels: dict[str, str], matchers: list[tuple[str, str, str]]) -> bool:
    return all(
        bool(re.fullmatch(pattern, labels[label])) is (not operator.startswith("!"))
        for label, operator, pattern in matchers
    )
