"""Columns of lineage_run that events give: their types, and how two rows of one run are merged."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, Final, get_args, get_type_hints
from uuid import UUID

from lineage.events.event import Outcome
from lineage.rows.merges import NIL, Group, Merge, Part, merged

# The last one here wins among outcomes of one time.
OUTCOMES: tuple[str, ...] = get_args(Outcome)

# Groups of columns that change together.
ENDED: Final = Group(
    (
        *(Part("failure_stands"), Part("end_is_believed"), Part("ended_at"), Part("terminal_type", ranks=OUTCOMES)),
        Part("needed_job_ids", absent=()),
    ),
    needs="ended_at",
)
PARENT: Final = Group(
    (
        *(Part("parent_at"), Part("parent_run_id"), Part("parent_job_namespace"), Part("parent_job_name")),
        *(Part("root_run_id", absent=NIL), Part("root_job_namespace"), Part("root_job_name")),
    )
)
ERROR: Final = Group((Part("error_at"), Part("error_message")))
REPORTED: Final = Group(
    (
        *(Part("report_is_believed"), Part("last_event_at")),
        *(Part("state_from_parent"), Part("duration_from_parent_ms", absent=0)),
    ),
    needs="state_from_parent",
)


@dataclass(slots=True)
class RunRow:
    """A run according to the events of one digest: the columns of lineage_run that digest writes, in this order.
    `id` is made of the run id, the job and the map index.

    Each is annotated with how it is merged; the type in the database follows from the one in Python. All statements,
    the merge in Python and in SQL and the comparison of a rebuild are made from this.
    """

    connection_id: UUID
    id: UUID
    run_id: UUID
    job_id: UUID
    map_index: int | None
    external_id: Annotated[str, "greatest"]
    job_kind: Annotated[str, "greatest"]
    active: Annotated[bool, "either"]
    terminal_type: Annotated[str | None, ENDED]
    started_at: Annotated[datetime | None, "least"]
    ended_at: Annotated[datetime | None, ENDED]
    failure_stands: Annotated[bool, ENDED]
    # False: the time of the end is impossible (lineage/events/clocks.py). Such an end never outvotes a believed one.
    end_is_believed: Annotated[bool, ENDED]
    # True: a FAIL at an impossible time was received. Whether another end came after it is not known.
    has_undated_failure: Annotated[bool, "either"]
    first_event_at: Annotated[datetime, "least"]
    last_event_at: Annotated[datetime, "greatest"]
    # Receipt of its first and last event. A task's row that its DAG run makes has only the first, since the receipt of
    # an event that is repeated later must not change a row.
    received_at: Annotated[datetime | None, "least"]
    last_received_at: Annotated[datetime | None, "greatest"]
    event_count: Annotated[int, "sum"]
    nominal_start_at: Annotated[datetime | None, "least"]
    nominal_end_at: Annotated[datetime | None, "greatest"]
    # The least, because some senders count one more in the last event of a try.
    attempt: Annotated[int | None, "least"]
    max_attempts: Annotated[int | None, "greatest"]
    error_message: Annotated[str | None, ERROR]
    error_at: Annotated[datetime | None, ERROR]
    external_query_id: Annotated[str, "greatest"]
    # Edges that its events name.
    edge_ids: Annotated[frozenset[UUID], "union"]
    parent_run_id: Annotated[UUID | None, PARENT] = None
    parent_job_namespace: Annotated[str, PARENT] = ""
    parent_job_name: Annotated[str, PARENT] = ""
    root_run_id: Annotated[UUID | None, PARENT] = None
    root_job_namespace: Annotated[str, PARENT] = ""
    root_job_name: Annotated[str, PARENT] = ""
    parent_at: Annotated[datetime | None, PARENT] = None
    # A task's state and duration according to its DAG run. None: the row is of a run that sent events.
    state_from_parent: Annotated[str | None, REPORTED] = None
    duration_from_parent_ms: Annotated[int | None, REPORTED] = None
    report_is_believed: Annotated[bool, REPORTED] = True
    # Jobs that an unresolved test needs. None: it is resolved.
    needed_job_ids: Annotated[frozenset[UUID] | None, ENDED] = None
    invocation_id: Annotated[UUID | None, "greatest"] = None
    orchestrator_run_id: Annotated[str, "greatest"] = ""
    # A node that was sent by itself, and ended, is found by this.
    node_id: Annotated[UUID | None, "greatest"] = None
    # Tests with a result are found by these, sorted, if all tests of a node were sent as this one run.
    test_ids: Annotated[tuple[UUID, ...] | None, "greatest"] = None
    # Ids that the DAG run had before it was cleared, sorted, if this row is for a task of it.
    earlier_parent_run_ids: Annotated[tuple[UUID, ...] | None, "greatest"] = None

    def merge(self, other: "RunRow") -> None:
        """Merges another row of this run into this one, except for the columns that identify it. Commutative and
        associative."""
        # Groups first: their keys are columns that are merged below.
        won = [columns for group, columns in GROUPS.items() if group.wins(other, self)]
        for name, how in MERGES.items():
            ours, theirs = getattr(self, name), getattr(other, name)
            if how == "sum" or (theirs is not None and theirs != ours):
                setattr(self, name, merged(how, ours, theirs))
        for columns in won:
            for name in columns:
                setattr(self, name, getattr(other, name))


def _columns() -> dict[str, Any]:
    """Column → how it is merged; None for the columns that identify the run."""
    hints = get_type_hints(RunRow, include_extras=True)
    return {field.name: getattr(hints[field.name], "__metadata__", (None,))[0] for field in fields(RunRow)}


COLUMNS: Final = _columns()
MERGES: Final[dict[str, Merge]] = {name: how for name, how in COLUMNS.items() if isinstance(how, str)}  # type: ignore[misc]
GROUPS: Final[dict[Group, tuple[str, ...]]] = {
    group: tuple(name for name, how in COLUMNS.items() if how is group) for group in (ENDED, PARENT, ERROR, REPORTED)
}

_TYPES: Final[dict[Any, str]] = {
    UUID: "uuid",
    str: "text",
    bool: "boolean",
    int: "integer",
    datetime: "timestamptz",
    frozenset[UUID]: "uuid[]",
    tuple[UUID, ...]: "uuid[]",
}


def _type(hint: Any) -> str:
    """The type in the database of a field that may be None."""
    [of_value] = [one for one in get_args(hint) if one is not type(None)] if isinstance(hint, UnionType) else [hint]
    return _TYPES[of_value]


# Column → its type in the database.
TYPES: Final = {name: _type(hint) for name, hint in get_type_hints(RunRow).items() if name in COLUMNS}
# The columns' values of a row, in their order.
values_of: Final[Callable[[RunRow], tuple[Any, ...]]] = attrgetter(*COLUMNS)
