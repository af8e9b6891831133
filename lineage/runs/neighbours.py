"""Runs of one job before and after a run, and the last good one before it."""

from typing import Final, NamedTuple

from lineage.database.reading import read_rows
from lineage.models import Run, RunState

# What a link to a run needs.
_LINKED: Final = ("connection_id", "id", "run_id", "job_id", "map_index", "shares_run_id", "run_at")
# Tries that were retried are passed over, and other tries of the same task: the last one stands for them.
_NEAREST: Final = f"""
(SELECT '{{name}}', {", ".join(_LINKED)} FROM lineage_run
WHERE connection_id = %(connection)s AND job_id = %(job)s AND map_index IS NOT DISTINCT FROM %(index)s
    AND (run_at, id) {{sign}} (%(at)s, %(id)s) AND NOT is_hidden AND shown_state {{state}}
    AND (parent_run_id = %(parent)s AND attempt IS NOT NULL) IS NOT TRUE
ORDER BY run_at {{order}}, id {{order}} LIMIT 1)
"""  # noqa: S608 - made of constants
_STATEMENT: Final = "UNION ALL".join(
    [
        _NEAREST.format(name="previous", sign="<", order="DESC", state=f"<> '{RunState.RETRIED}'"),
        _NEAREST.format(name="next", sign=">", order="ASC", state=f"<> '{RunState.RETRIED}'"),
        _NEAREST.format(name="last_good", sign="<", order="DESC", state=f"= '{RunState.COMPLETED}'"),
    ]
)


class Neighbours(NamedTuple):
    """Runs of one job (and map index) by the time at which they took place, with the columns that a link needs.
    None: there is none."""

    previous: Run | None = None
    next: Run | None = None
    last_good: Run | None = None


def neighbours_of(run: Run) -> Neighbours:
    """Read the neighbours of a run. One query."""
    bound = {
        "connection": run.connection_id,
        "job": run.job_id,
        "index": run.map_index,
        "at": run.run_at,
        "id": run.id,
        "parent": run.parent_run_id,
    }
    rows = read_rows(_STATEMENT, bound)
    return Neighbours(**{name: Run(**dict(zip(_LINKED, row, strict=True))) for name, *row in rows})
