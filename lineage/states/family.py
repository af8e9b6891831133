"""Reads the runs whose states depend on each other: some runs of a connection, and their relatives.

Relatives are the other tries of a task, the row that says what the parent run reports of it, the runs of one
invocation, and the same task in a DAG run before that was cleared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.execute import Result, Row, arrays, execute_rows, pipeline, statement
from lineage.states.rules import UNRESOLVED_TYPES, FamilyRun, Shown

_SHOWN: Final = ("shown_state", "shown_ended_at", "is_hidden", "lost_after")
_STORED: Final = ("event_count", "parent_job_name", "left_families")
_COLUMNS: Final = ", ".join(f"run.{name}" for name in (*FamilyRun._fields, *_SHOWN, *_STORED))


class StoredRun(NamedTuple):
    """A run row: what its own events say, and what is shown of it until now."""

    own: FamilyRun
    shown: Shown
    event_count: int
    parent_job_name: str
    left_families: "tuple[LeftFamily, ...]"


class LeftFamily(NamedTuple):
    """Parent run, job and invocation of a run before an event named others."""

    parent_run_id: UUID | None
    job_id: UUID
    invocation_id: UUID | None


@dataclass(slots=True)
class FamilyRows:
    """Runs of one connection. `to_settle`: the ids of those whose relatives are all among `runs`."""

    runs: dict[UUID, StoredRun] = field(default_factory=dict)
    to_settle: set[UUID] = field(default_factory=set)

    def add(self, found: Iterable[StoredRun], *, to_settle: bool) -> None:
        for run in found:
            self.runs[run.own.id] = run
            if to_settle:
                self.to_settle.add(run.own.id)


class _Search:
    """A statement that finds the runs which equal given values in some columns, and meet a condition."""

    def __init__(self, *columns: str, condition: str = "", equal: str = "", most: int | None = None) -> None:
        names = ("connection_id", *columns)
        self._types = tuple("integer" if name == "map_index" else "uuid" for name in names)
        conditions = [equal or " AND ".join(f"run.{name} = wanted.{name}" for name in names), condition]
        # LATERAL and OFFSET have PostgreSQL look into an index for each wanted row; else it may read a whole table.
        self._statement = statement(f"""
            SELECT run.* FROM unnest({arrays(self._types)}) AS wanted ({", ".join(names)})
            CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM lineage_run AS run WHERE {" AND ".join(filter(None, conditions))}
                {"OFFSET 0" if most is None else f"LIMIT {most}"}
            ) AS run
        """)  # noqa: S608 - made of constants

    def start(self, keys: set[Row]) -> Result:
        """`keys`: (connection id, and the columns). Sends nothing without a key."""
        return execute_rows(self._statement, self._types, keys)


_BY_ID = _Search("id")
_TRIES = _Search(
    *("parent_run_id", "job_id", "map_index"),
    equal="""run.connection_id = wanted.connection_id AND run.parent_run_id = wanted.parent_run_id
        AND run.job_id = wanted.job_id AND COALESCE(run.map_index, -1) = wanted.map_index""",
)
_OF_TASK = _Search("parent_run_id", "job_id")
_REPORTS = _Search("parent_run_id", "job_id", condition="run.told_state IS NOT NULL")
_ANY_WITH_EVENTS = _Search("parent_run_id", "job_id", condition="run.told_state IS NULL", most=1)
_COMPLETED = _Search(
    *("parent_run_id", "job_id"), condition="run.told_state IS NULL AND run.state = 'COMPLETED'", most=1
)
_REPORTS_AFTER_CLEARING = _Search(
    *("parent_run_id", "job_id"),
    equal="""run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id
        AND run.earlier_parent_run_ids @> ARRAY[wanted.parent_run_id]""",
)
_SENT_AGAIN = _Search("invocation_id", "job_id")
_INVOCATION = _Search(
    "invocation_id",
    condition=f"""(
        EXISTS (
            SELECT FROM lineage_run AS test
            WHERE test.connection_id = wanted.connection_id AND test.invocation_id = wanted.invocation_id
                AND test.needed_job_ids IS NOT NULL AND test.terminal_type IN {tuple(sorted(UNRESOLVED_TYPES))}
            OFFSET 0
        ) OR EXISTS (
            SELECT FROM lineage_run AS tests
            WHERE tests.connection_id = wanted.connection_id AND tests.invocation_id = wanted.invocation_id
                AND tests.test_ids IS NOT NULL
            OFFSET 0
        )
    )""",  # noqa: S608 - made of constants
)


def read_families(connection_id: UUID, run_ids: Iterable[UUID]) -> FamilyRows:
    """The families of these runs. Three round trips, however many runs there are."""
    rows = FamilyRows()
    rows.add(_runs(_BY_ID.start({(connection_id, id_) for id_ in run_ids})), to_settle=True)
    _add_dependents(connection_id, rows)
    _add_what_they_depend_on(connection_id, rows)
    return rows


def _add_dependents(connection_id: UUID, rows: FamilyRows) -> None:
    """Adds the runs whose state may change because these ones changed, but for other tries of the same task."""
    here = [run.own for run in rows.runs.values()]
    left = [family for run in rows.runs.values() for family in run.left_families]
    nodes = {(run.invocation_id, run.job_id) for run in here} | {(one.invocation_id, one.job_id) for one in left}
    invocations = {(invocation_id, job_id) for invocation_id, job_id in nodes if invocation_id is not None}
    with pipeline():
        results = [
            _SENT_AGAIN.start({(connection_id, *key) for key in invocations}),
            _INVOCATION.start({(connection_id, invocation_id) for invocation_id, _ in invocations}),
            _OF_TASK.start({(connection_id, one.parent_run_id, one.job_id) for one in left if one.parent_run_id}),
            _REPORTS_AFTER_CLEARING.start(
                {(connection_id, run.parent_run_id, run.job_id) for run in here if run.parent_run_id}
            ),
        ]
    for result in results:
        rows.add(_runs(result), to_settle=True)


def _add_what_they_depend_on(connection_id: UUID, rows: FamilyRows) -> None:
    """Adds other tries and reports, which depend on these runs as well; and what reports of cleared DAG runs need."""
    here = [run.own for run in rows.runs.values()]
    tasks = {(connection_id, run.parent_run_id, run.job_id) for run in here if run.parent_run_id}
    reported = [run for run in here if run.told_state is not None]
    with pipeline():
        tries = _TRIES.start(
            {(connection_id, run.parent_run_id, run.job_id, _map_index(run)) for run in here if run.parent_run_id}
        )
        reports = _REPORTS.start(tasks)
        others = [
            _ANY_WITH_EVENTS.start({(connection_id, run.parent_run_id, run.job_id) for run in reported}),
            _COMPLETED.start(
                {
                    (connection_id, parent_run_id, run.job_id)
                    for run in reported
                    for parent_run_id in run.earlier_parent_run_ids or ()
                }
            ),
        ]
    for result in others:
        rows.add((run for run in _runs(result) if run.own.id not in rows.runs), to_settle=False)
    for result in (tries, reports):
        rows.add(_runs(result), to_settle=True)


def _map_index(run: FamilyRun) -> int:
    return -1 if run.map_index is None else run.map_index


def _runs(result: Result) -> Iterable[StoredRun]:
    own, shown = len(FamilyRun._fields), len(FamilyRun._fields) + len(_SHOWN)
    for row in result.rows():
        event_count, parent_job_name, left_families = row[shown:]
        its = Shown(*row[own:shown])
        yield StoredRun(FamilyRun(*row[:own]), its, event_count, parent_job_name, _left(left_families or ()))


def _left(ids: Sequence[UUID | None]) -> tuple[LeftFamily, ...]:
    """The column `left_families` holds three ids for each family."""
    return tuple(LeftFamily(*ids[position : position + 3]) for position in range(0, len(ids), 3))  # type: ignore[arg-type]
