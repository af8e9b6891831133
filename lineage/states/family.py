"""Reads families: runs of one connection, and their relatives, on which their states depend.

Relatives are the runs with one run id, the other tries of a task, the row with the task's state according to the
parent run, the runs of one invocation, and the runs of a task in its DAG run before that was cleared.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.execute import Result, Row, arrays, execute_rows, pipeline, statement
from lineage.states.joined_rows import delete_joined_rows, join_rows, store_joined_rows
from lineage.states.rules import UNRESOLVED_TYPES, FamilyRun, Shown

_SHOWN: Final = ("shown_state", "shown_ended_at", "is_hidden", "lost_after", "joined_in", "shares_run_id")
_STORED: Final = ("event_count", "parent_job_name", "left_families", "joined_ids")
_COLUMNS: Final = ", ".join(f"run.{name}" for name in (*FamilyRun._fields, *_SHOWN, *_STORED))


class StoredRun(NamedTuple):
    """Run row: facts from its own events (`own`), and what is shown of it until now (`shown`)."""

    own: FamilyRun
    shown: Shown
    event_count: int
    parent_job_name: str
    left_families: "tuple[LeftFamily, ...]"
    # Ids of the rows that this row joins; None: it is made of events.
    joined_ids: Sequence[UUID] | None


class LeftFamily(NamedTuple):
    """Parent run and invocation that a run had before an event named others."""

    parent_run_id: UUID | None
    invocation_id: UUID | None


@dataclass(slots=True)
class FamilyRows:
    """Runs of one connection. `to_settle`: ids of the runs whose relatives are all in `runs`.

    `run_ids`: all rows with these run ids are in `runs`. `joined_in`: id of a row → id of the row that joins it with
    others.
    """

    runs: dict[UUID, StoredRun] = field(default_factory=dict)
    to_settle: set[UUID] = field(default_factory=set)
    run_ids: set[UUID] = field(default_factory=set)
    joined_in: dict[UUID, UUID] = field(default_factory=dict)

    def add(self, found: Iterable[StoredRun], *, to_settle: bool) -> None:
        for run in found:
            self.runs[run.own.id] = run
            if to_settle:
                self.to_settle.add(run.own.id)


class _Search:
    """Statement that finds runs by values of some columns and a condition."""

    def __init__(
        self, *columns: str, condition: str = "run.joined_in IS NULL", equal: str = "", most: int | None = None
    ) -> None:
        names = ("connection_id", *columns)
        self._types = tuple("integer" if name == "map_index" else "uuid" for name in names)
        conditions = [equal or " AND ".join(f"run.{name} = wanted.{name}" for name in names), condition]
        # LATERAL and OFFSET make PostgreSQL use an index for each wanted row; else it may read the whole table.
        self._statement = statement(f"""
            SELECT run.* FROM unnest({arrays(self._types)}) AS wanted ({", ".join(names)})
            CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM lineage_run AS run WHERE {" AND ".join(filter(None, conditions))}
                {"OFFSET 0" if most is None else f"LIMIT {most}"}
            ) AS run
        """)  # noqa: S608 - made of constants

    def start(self, keys: set[Row]) -> Result:
        """Send the statement. `keys`: (connection id, values of the columns). Sends nothing if there are no keys."""
        return execute_rows(self._statement, self._types, keys)


_SAME_RUN_ID = _Search(
    "id",
    condition="",
    equal="""run.connection_id = wanted.connection_id AND run.run_id = (
        SELECT one.run_id FROM lineage_run AS one WHERE one.connection_id = wanted.connection_id AND one.id = wanted.id
    )""",
)
_TRIES = _Search(
    *("parent_run_id", "job_id", "map_index"),
    equal="""run.connection_id = wanted.connection_id AND run.parent_run_id = wanted.parent_run_id
        AND run.job_id = wanted.job_id AND COALESCE(run.map_index, -1) = wanted.map_index""",
)
_OF_TASK = _Search("parent_run_id", "job_id")
_REPORTS = _Search("parent_run_id", "job_id", condition="run.state_from_parent IS NOT NULL AND run.joined_in IS NULL")
_ANY_WITH_EVENTS = _Search(
    *("parent_run_id", "job_id"), condition="run.state_from_parent IS NULL AND run.joined_in IS NULL", most=1
)
_COMPLETED = _Search(
    *("parent_run_id", "job_id"),
    condition="run.state_from_parent IS NULL AND run.state = 'COMPLETED' AND run.joined_in IS NULL",
    most=1,
)
_REPORTS_AFTER_CLEARING = _Search(
    *("parent_run_id", "job_id"),
    equal="""run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id
        AND run.earlier_parent_run_ids @> ARRAY[wanted.parent_run_id]""",
)
_SENT_AGAIN = _Search("invocation_id", "job_id")
_INVOCATION = _Search(
    "invocation_id",
    condition=f"""run.joined_in IS NULL AND (
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
    """Read the families of these runs, in three round trips for any number of runs.

    In between, stores the rows that join runs which were sent under several names; nearly always there are none.
    """
    rows = FamilyRows()
    rows.add(_runs(_SAME_RUN_ID.start({(connection_id, id_) for id_ in run_ids})), to_settle=True)
    rows.run_ids = {run.own.run_id for run in rows.runs.values()}
    _join_names(connection_id, rows)
    _add_dependents(connection_id, rows)
    _add_what_they_depend_on(connection_id, rows)
    return rows


def _join_names(connection_id: UUID, rows: FamilyRows) -> None:
    """Join the rows of runs that were sent under several names, and delete joined rows of before that join others."""
    sent = Counter(run.own.run_id for run in rows.runs.values() if run.joined_ids is None)
    joins = join_rows(connection_id, [run_id for run_id, count in sent.items() if count > 1])
    rows.add(_runs(store_joined_rows(joins, returning=_COLUMNS)), to_settle=True)
    rows.joined_in = {id_: row.id for row, ids in joins for id_ in ids}
    current = {row.id for row, _ in joins}
    outdated = [id_ for id_, run in rows.runs.items() if run.joined_ids is not None and id_ not in current]
    delete_joined_rows(connection_id, outdated)
    for id_ in outdated:
        del rows.runs[id_]
        rows.to_settle.remove(id_)


def _add_dependents(connection_id: UUID, rows: FamilyRows) -> None:
    """Add the runs whose state may change because of these runs, except other tries of a task."""
    here = [run.own for run in rows.runs.values()]
    left = [(run.own.job_id, family) for run in rows.runs.values() for family in run.left_families]
    nodes = {(run.invocation_id, run.job_id) for run in here} | {(one.invocation_id, job_id) for job_id, one in left}
    invocations = {(invocation_id, job_id) for invocation_id, job_id in nodes if invocation_id is not None}
    with pipeline():
        results = [
            _SENT_AGAIN.start({(connection_id, *key) for key in invocations}),
            _INVOCATION.start({(connection_id, invocation_id) for invocation_id, _ in invocations}),
            _OF_TASK.start({(connection_id, one.parent_run_id, job_id) for job_id, one in left if one.parent_run_id}),
            _REPORTS_AFTER_CLEARING.start(
                {(connection_id, run.parent_run_id, run.job_id) for run in here if run.parent_run_id}
            ),
        ]
    for result in results:
        rows.add(_runs(result), to_settle=True)


def _add_what_they_depend_on(connection_id: UUID, rows: FamilyRows) -> None:
    """Add other tries and reports of parent runs, which also depend on these runs; and what reports of cleared DAG runs
    need."""
    here = [run.own for run in rows.runs.values()]
    tasks = {(connection_id, run.parent_run_id, run.job_id) for run in here if run.parent_run_id}
    reported = [run for run in here if run.state_from_parent is not None]
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
        event_count, parent_job_name, left_families, joined_ids = row[shown:]
        its, left = Shown(*row[own:shown]), _left(left_families or ())
        yield StoredRun(FamilyRun(*row[:own]), its, event_count, parent_job_name, left, joined_ids)


def _left(ids: Sequence[UUID | None]) -> tuple[LeftFamily, ...]:
    """Split the column `left_families`, which holds two ids for each family."""
    return tuple(map(LeftFamily, ids[::2], ids[1::2]))
