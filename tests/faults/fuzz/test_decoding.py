"""Real events with one bad part, decoded in memory: the event is kept unless it names no run, job or time.

test_mutated_events.py sends worse ones to a server.
"""

import copy
import json
from random import Random
from typing import Any

import pytest

from lineage.events import Event, InvalidEvent, decode_event
from lineage.events.contents import contents_of
from lineage.events.document import MAX_NAME_CHARACTERS
from lineage.events.text import parse_time
from tests.conftest import SAMPLES
from tests.faults.scale import scaled
from tests.lineage.intake.http.documents import Path, at, paths, put

MUTANTS = scaled(3_000, 300_000)
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1000.0, 1.5, 2**31, 2**63, 10**400),
    *("", "x", "x" * 20_000, "\0", "\x1b[31mred"),
    *([], [None], [[]], ["x"], [{}], {}, {"": None}, {"facets": []}, {"_deleted": None}, {"x": {"y": 10**400}}),
]
TYPES = (None, "START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")


@pytest.fixture(scope="module")
def documents() -> list[Any]:
    lines = [line for path in sorted(SAMPLES.rglob("*.jsonl")) for line in path.read_bytes().splitlines()]
    # Without DatasetEvents, which name neither a run nor a job.
    return [document for line in lines if "dataset" not in (document := json.loads(line))]


def test_one_bad_part_never_loses_the_rest(documents: list[Any], rng: Random) -> None:
    refused = 0
    for _ in range(MUTANTS):
        document = copy.deepcopy(rng.choice(documents))
        path = rng.choice(list(paths(document)))
        mutate(rng, document, path)
        body = json.dumps(document)
        event = decoded(body)
        assert (event is not None) == is_about_something(document), (path, body[:2_000])
        listed = {problem.path for problem in contents_of([body]).problems}
        refused += event is None
        if event is not None:
            found = [(named.direction, named.namespace, named.name) for named in event.datasets]
            assert found == [*usable(document, "inputs", "READS"), *usable(document, "outputs", "WRITES")], body[:2_000]
            assert not [place for place in unusable(document) if not is_listed(place, listed)], (listed, body[:2_000])
    assert 0 < refused < MUTANTS / 5


def mutate(rng: Random, document: Any, path: Path) -> None:
    parent, key = at(document, path[:-1]), path[-1]
    match rng.randrange(5):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, list):
            parent.insert(rng.randrange(len(parent) + 1), at(document, path))
        case 2 if isinstance(parent, list):
            parent.insert(rng.randrange(len(parent) + 1), rng.choice(ODD))
        case _:
            put(document, path, copy.deepcopy(rng.choice(ODD)))


def decoded(body: str) -> Event | None:
    try:
        return decode_event(body.encode())
    except InvalidEvent:
        return None


# --- What is right, by the specification, written without the product's decoder ----------------------------


def is_about_something(document: Any) -> bool:
    """Tell whether the document names a run or a job, and a time."""
    type_, run, job = document.get("eventType"), document.get("run"), document.get("job")
    if not is_time(document.get("eventTime")) or not (type_ is None or (isinstance(type_, str) and type_ in TYPES)):
        return False
    if run is None:
        return type_ in (None, "OTHER") and has_names(job, "namespace", "name")
    return has_names(run, "runId") and has_names(job, "namespace", "name")


def is_time(text: Any) -> bool:
    try:
        parse_time(text)
    except (ValueError, TypeError):
        return False
    return True


def has_names(value: Any, *fields: str) -> bool:
    texts = [value.get(field) for field in fields] if isinstance(value, dict) else [None]
    return all(isinstance(text, str) and 0 < len(text) <= MAX_NAME_CHARACTERS for text in texts)


def usable(document: Any, side: str, direction: str) -> list[tuple[str, str, str]]:
    elements = document.get(side)
    return [
        (direction, dataset["namespace"].replace("\0", "\ufffd"), dataset["name"].replace("\0", "\ufffd"))
        for dataset in (elements if isinstance(elements, list) else [])
        if has_names(dataset, "namespace", "name")
    ]


def unusable(document: Any) -> list[str]:
    """Return the paths of the parts in inputs and outputs that cannot be read."""
    found = []
    for side in ("inputs", "outputs"):
        elements = document.get(side)
        if isinstance(elements, list):
            found += [f"{side}[{n}]" for n, one in enumerate(elements) if not has_names(one, "namespace", "name")]
        elif elements is not None:
            found.append(side)
    return found


def is_listed(place: str, listed: set[str]) -> bool:
    return any(path == place or path.startswith(f"{place}.") for path in listed)
