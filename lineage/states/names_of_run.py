"""Rule that finds the rows of one run which its sender named differently on the way. Pure: no database.

Spark names an application `unknown` until it knows better, and adds the table's name to that of a query. Two unrelated
jobs may also have one run id, for example a task and the application that it starts: these stay two runs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

UNKNOWN: Final = "unknown"


class NamedRun(NamedTuple):
    """Row of a run, with the names of its job and of the parent's job. `id`: of the row."""

    id: UUID
    run_id: UUID
    job_id: UUID
    job_namespace: str
    job_name: str
    job_kind: str
    map_index: int | None
    parent_run_id: UUID | None
    parent_job_name: str


def runs_under_several_names(rows: Iterable[NamedRun]) -> list[list[NamedRun]]:
    """Return the groups of two or more rows that are one run each, in each group the row with the last name first.

    Two rows are one run if they have one run id, namespace, kind of job and map index, one name is `unknown` or begins
    the other up to a dot, and neither names the other as its parent. Takes time linear in the rows and their names.
    """
    groups: dict[tuple[UUID, str, str, int | None], dict[str, NamedRun]] = defaultdict(dict)
    for row in rows:
        groups[row.run_id, row.job_namespace, row.job_kind, row.map_index][row.job_name] = row
    found = (_join(of_names) for of_names in groups.values() if len(of_names) > 1)
    return [_last_name_first(group) for groups_of_id in found for group in groups_of_id if len(group) > 1]


def _join(rows: dict[str, NamedRun]) -> list[list[NamedRun]]:
    """Join each row with the one whose name begins its own, and `unknown` with the only run that it can be."""
    groups: dict[str, list[NamedRun]] = {}
    # A shorter name comes before all names that it begins.
    for name in sorted(rows.keys() - {UNKNOWN}):
        row = rows[name]
        shorter = next((rows[one] for one in _beginnings(name) if one in groups), None)
        if shorter is None or _is_parent(shorter, row) or _is_parent(row, shorter):
            groups[name] = [row]
        else:
            groups[name] = groups[shorter.job_name]
            groups[name].append(row)
    distinct = list({id(group): group for group in groups.values()}.values())
    unknown = rows.get(UNKNOWN)
    if unknown is None:
        return distinct
    candidates = [
        group for group in distinct if not any(_is_parent(unknown, row) or _is_parent(row, unknown) for row in group)
    ]
    if len(candidates) == 1:
        candidates[0].append(unknown)
    return distinct


def _beginnings(name: str) -> Iterator[str]:
    """Yield the beginnings of a name that end before a dot, the longest first."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _is_parent(one: NamedRun, other: NamedRun) -> bool:
    """Tell whether `other` names `one` as its parent."""
    return other.parent_run_id == one.run_id and other.parent_job_name == one.job_name


def _last_name_first(group: Sequence[NamedRun]) -> list[NamedRun]:
    return sorted(group, key=lambda row: (row.job_name == UNKNOWN, -len(row.job_name), row.job_name))
