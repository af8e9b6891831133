"""lineage_run: the order-independent merge of what is stored with what comes, made of the columns of RunRow."""

from collections.abc import Iterable
from typing import Final

from lineage.database.arrays import Column
from lineage.database.execute import arrays, execute_rows, pack, statement
from lineage.rows.merges import merged_sql
from lineage.rows.run_row import COLUMNS, GROUPS, MERGES, PARENT, TYPES, RunRow, values_of

ROW: Final = list(TYPES.values())
SAID: Final = f"SELECT * FROM unnest({arrays(ROW)}) AS said ({', '.join(COLUMNS)})"  # noqa: S608
# The parent run and invocation that a run had: its relatives there are settled as well. Almost always it has none.
_LEAVES: Final = f"""(
    (run.parent_run_id IS NOT NULL AND {PARENT.wins_sql()} AND excluded.parent_run_id <> run.parent_run_id)
    OR excluded.invocation_id > run.invocation_id
)"""


def _assignments() -> list[str]:
    found = [f"{name} = {merged_sql(how, name)}" for name, how in MERGES.items()]
    for group, names in GROUPS.items():
        wins = group.wins_sql()
        found += [f"{name} = CASE WHEN {wins} THEN excluded.{name} ELSE run.{name} END" for name in names]
    return found


def merge(source: str, event_count: str) -> str:
    """Statement that merges the rows of `source`, of which `said` is one, into the stored ones."""
    said = {name: f"said.{name}" + ("::uuid[]" if type_ == "uuid[]" else "") for name, type_ in TYPES.items()}
    said["event_count"] = event_count
    assignments = ",\n    ".join(_assignments())
    return f"""
INSERT INTO lineage_run AS run ({", ".join(COLUMNS)})
SELECT {", ".join(said[name] for name in COLUMNS)} FROM {source} ORDER BY said.connection_id, said.id
ON CONFLICT (connection_id, id) DO UPDATE SET
    left_families = CASE WHEN {_LEAVES}
        THEN COALESCE(run.left_families, '{{}}') || ARRAY[run.parent_run_id, run.invocation_id]
        ELSE run.left_families END,
    {assignments}
"""  # noqa: S608 - made of constants


_UPSERT = statement(merge(f"({SAID}) AS said", "said.event_count"))


def packed(rows: Iterable[RunRow]) -> list[Column]:
    """The columns that SAID unnests; none without a row."""
    return pack(ROW, map(values_of, rows))


def upsert_runs(rows: Iterable[RunRow]) -> None:
    """Merges the rows into the stored ones."""
    execute_rows(_UPSERT, ROW, map(values_of, rows))
