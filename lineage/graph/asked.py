"""Reads a question from the parameters of a request. Pages and the API have one set of parameters."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar, cast
from uuid import UUID

from django.db.models import Q

from lineage.events.identity import dataset_id
from lineage.events.text import parse_time
from lineage.graph.question import (
    COLUMN_LINES,
    DEFAULT_DEPTH,
    DEFAULT_NODES,
    DIRECTIONS,
    MAX_DEPTH,
    MAX_EXPANDED,
    MAX_NODES,
    SHORT_ID,
    VIEWS,
    ColumnLines,
    Direction,
    Focus,
    Question,
    View,
)
from lineage.models import Dataset, Job, Run, RunState
from lineage.runs.runs_with_id import runs_with_id

NODE: Final = "node"
# The name that Marquez gives the parameter.
NODE_ID: Final = "nodeId"
_EXPECTED: Final = "Expected `dataset:<id>`, `job:<id>`, `run:<id>` or `dataset:<namespace>:<name>`."
_MOST_DIGITS: Final = 9
_SHORT_ID: Final = re.compile(f"[0-9a-f]{{{SHORT_ID}}}")

_FAILED: Final = (RunState.FAILED, RunState.LOST)

_Found = tuple[Focus, tuple[UUID, ...], datetime | None]
Choice = TypeVar("Choice", bound=str)


class WrongParameter(ValueError):
    """A parameter has no value that can be used. `message` says what is expected."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name, self.message = name, message


@dataclass(frozen=True, slots=True)
class Asked:
    """Question of a request, and how it is to be answered. `run_edges`: of the run that is the focus; else empty."""

    question: Question
    view: View
    columns: ColumnLines
    run_edges: tuple[UUID, ...]
    # When the run began that is the focus, if it failed.
    failed_at: datetime | None


def asked_in(parameters: Mapping[str, str], connection_ids: Sequence[UUID], *, now: datetime) -> Asked | None:
    """Return what is asked. None: there is no such dataset, job, run or connection. Raises WrongParameter."""
    if only := parameters.get("connection"):
        connection_ids = [id_ for id_ in connection_ids if id_ == _uuid(only)]
    node = parameters.get(NODE) or parameters.get(NODE_ID)
    if not node:
        raise WrongParameter(NODE, _EXPECTED)
    found = _focus(node, connection_ids)
    if found is None:
        return None
    focus, run_edges, failed_at = found
    question = Question(
        focus,
        tuple(connection_ids),
        direction=_choice(parameters, "direction", cast(tuple[Direction, ...], DIRECTIONS), "both"),
        depth=_number(parameters, "depth", DEFAULT_DEPTH, MAX_DEPTH),
        at=_time(parameters, "at"),
        compare=_compare(parameters, now),
        varying=_choice(parameters, "varying", ("true", "false"), "true") == "true",
        expand=_ids(parameters.get("expand")),
        limit=_number(parameters, "limit", DEFAULT_NODES, MAX_NODES),
    )
    view = _choice(parameters, "view", cast(tuple[View, ...], VIEWS), "datasets")
    columns = _choice(parameters, "columns", cast(tuple[ColumnLines, ...], COLUMN_LINES), "false")
    return Asked(question, view, columns, run_edges, failed_at)


def _focus(text: str, connection_ids: Collection[UUID]) -> _Found | None:
    """Return the focus, the edges of the run that it is, and when that began, if it failed."""
    kind, _, name = text.partition(":")
    match kind:
        case "dataset":
            return _dataset(_uuid(name) or dataset_id(*_names(name)), connection_ids)
        case "job" if (id_ := _uuid(name)) is not None:
            job = Job.objects.filter(id=id_, connection_id__in=connection_ids).first()
            return None if job is None else (Focus("job", job.id, job.connection_id), (), None)
        case "run" if (id_ := _uuid(name)) is not None:
            run = next(iter(runs_with_id(id_, list(connection_ids))), None)
            return None if run is None else _run(run)
    raise WrongParameter(NODE, _EXPECTED)


def _run(run: Run) -> _Found:
    failed_at = run.run_at if run.shown_state in _FAILED else None
    return Focus("run", run.job_id, run.connection_id), tuple(run.edge_ids), failed_at


def _dataset(id_: UUID, connection_ids: Collection[UUID]) -> _Found | None:
    # A dataset of which events name only partitions is known by its base.
    known = Dataset.objects.filter(Q(id=id_) | Q(base_id=id_), connection_id__in=connection_ids).exists()
    return (Focus("dataset", id_), (), None) if known else None


def _names(text: str) -> tuple[str, str]:
    """Split namespace and name. A namespace may hold colons, as in `postgres://host:5432`: the last one counts."""
    namespace, _, name = text.rpartition(":")
    if not namespace or not name:
        raise WrongParameter(NODE, _EXPECTED)
    return namespace, name


def _choice(parameters: Mapping[str, str], name: str, known: tuple[Choice, ...], default: Choice) -> Choice:
    text = parameters.get(name)
    if text is None:
        return default
    found = next((one for one in known if one == text), None)
    if found is None:
        raise WrongParameter(name, f"Known: {', '.join(known)}.")
    return found


def _number(parameters: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    # int() refuses a text of thousands of digits.
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and 1 <= int(text) <= most):
        raise WrongParameter(name, f"Expected a whole number from 1 to {most}.")
    return int(text)


def _time(parameters: Mapping[str, str], name: str) -> datetime | None:
    text = parameters.get(name)
    try:
        return parse_time(text).astimezone(UTC) if text else None
    except ValueError:
        raise WrongParameter(name, "Expected an ISO 8601 time.") from None


def _compare(parameters: Mapping[str, str], now: datetime) -> datetime | None:
    compare, at = _time(parameters, "compare"), _time(parameters, "at")
    if compare and at and compare >= at:
        raise WrongParameter("compare", "Expected a time before that of `at`.")
    if compare and compare >= now:
        raise WrongParameter("compare", "Expected a time in the past.")
    return compare


def _ids(text: str | None) -> frozenset[str]:
    parts = text.split(",") if text else []
    ids = frozenset(part if _SHORT_ID.fullmatch(part) else str(_uuid(part) or "") for part in parts)
    if "" in ids:
        raise WrongParameter("expand", "Expected UUIDs, or their first 8 digits, with commas between them.")
    if len(ids) > MAX_EXPANDED:
        raise WrongParameter("expand", f"At most {MAX_EXPANDED} can be expanded.")
    return ids


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
