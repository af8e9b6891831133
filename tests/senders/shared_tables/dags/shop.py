"""DAGs before and after a dbt project, over tables of one database."""

from airflow.providers.common.compat.openlineage.facet import Dataset
from airflow.providers.openlineage.extractors import OperatorLineage
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Variable, dag


class Query(BashOperator):
    """Query of the database, by dbt's Python, which has the driver. `reads`, `writes`: tables."""

    def __init__(self, *, sql, reads=(), writes=(), **arguments):
        program = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
        command = f"{{{{ var.value.python }}}} -c '{program}' {{{{ var.value.database }}}} \"{sql}\""
        super().__init__(bash_command=command, **arguments)
        self.reads, self.writes = reads, writes

    def get_openlineage_facets_on_complete(self, _task_instance):
        """Say what the query reads and writes, as an operator of one's own does."""
        inputs, outputs = ([self._dataset(name) for name in names] for names in (self.reads, self.writes))
        return OperatorLineage(inputs=inputs, outputs=outputs)

    def _dataset(self, name):
        """Return a table of the database, or Spark's, of which a variable has namespace and name."""
        if name == "spark_table":
            namespace, name = Variable.get(name).split(" ")
            return Dataset(namespace=namespace, name=name)
        return Dataset(namespace=f"duckdb://{Variable.get('database')}", name=name)


@dag
def load():
    Query(
        task_id="orders",
        sql="CREATE TABLE raw_orders AS SELECT 'ada' AS customer, 10 AS amount",
        writes=["shop.main.raw_orders"],
    )


@dag
def report():
    Query(
        task_id="revenue",
        sql="CREATE TABLE report AS SELECT * FROM revenue",
        reads=["shop.main.revenue", "spark_table"],
        writes=["shop.main.report"],
    )


load()
report()
