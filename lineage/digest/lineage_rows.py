"""Writes the rows of the lineage tables that were not written before."""

from lineage.digest.dataset_rows import fact_rows
from lineage.digest.fold import Rows
from lineage.digest.known import Written
from lineage.digest.statements import datasets
from lineage.rows.tables import ALIAS, DATASET, EDGE, FACT, ordered


def write_lineage(rows: Rows, written: Written) -> None:
    """Writes datasets, edges, and what events say of datasets. `written`: what need not be written again."""
    contents, facts = fact_rows(written.facts(rows))
    datasets.merge_rows(DATASET, written.datasets(rows))
    datasets.mark_described(written.described(rows))
    datasets.merge_rows(EDGE, written.edges(rows))
    datasets.insert_contents(ordered(contents.values()))
    datasets.merge_rows(FACT, ordered(facts.values()))
    datasets.merge_rows(ALIAS, written.aliases(rows))
    for table, of_table in rows.said.always_written():
        datasets.merge_rows(table, ordered(of_table.values()))
