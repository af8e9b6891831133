"""Senders have rooms: no other production code names Airflow or dbt."""

import re
from pathlib import Path

import pytest

from connections.kinds import KINDS
from lineage.events.senders import SENDERS, sender_of
from lineage.events.senders.generic import GENERIC
from tests.house.files import ROOT, committed

NAMED = re.compile(r"airflow|dbt", re.IGNORECASE)
# The registry of connection kinds, the rooms, and texts for people about senders.
ROOMS = (
    "connections/kinds.py",
    "lineage/events/senders/",
    "pull/sources/",
    "pull/systems.py",
    "quickstart/demo/",
    "templates/connections/guides/",
    "web/guides/",
)
# Programs for developers.
NOT_THE_PRODUCT = ("bench/", "tests/")


def _is_outside(path: Path) -> bool:
    return not str(path.relative_to(ROOT)).startswith(ROOMS + NOT_THE_PRODUCT) and "migrations" not in path.parts


def test_no_code_outside_the_rooms_names_a_sender() -> None:
    outside = [path for path in committed(".py", ".html", ".js") if _is_outside(path)]
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in outside
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if NAMED.search(line)
    ]

    assert len(outside) > 100
    assert named == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_exists(room: str) -> None:
    assert (ROOT / room).exists()


def test_every_sender_is_found_by_its_integrations_and_no_two_claim_the_same() -> None:
    claimed = [(integration, sender) for sender in SENDERS for integration in sender.integrations]
    facets = [name for sender in SENDERS for name in sender.run_facets + sender.job_facets]
    words = [word for sender in SENDERS for word in sender.producers]

    assert all(sender_of(integration) is sender for integration, sender in claimed)
    assert sender_of("SOMETHING_ELSE") is GENERIC
    assert len({name for name, _ in claimed}) == len(claimed)
    assert len(set(facets)) == len(facets)
    assert len(set(words)) == len(words)


def test_every_kind_of_connection_has_a_sender_of_its_own_or_takes_any() -> None:
    named = [kind.integration for kind in KINDS if kind.integration]

    assert [name for name in named if sender_of(name) is GENERIC] == []
