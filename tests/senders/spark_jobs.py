"""Applications for spark-submit: `spark_jobs.py WHAT NAME DIRECTORY`, with one of the functions below as WHAT.

Only Spark's own Python imports this module.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, udf


def good(spark: SparkSession, directory: Path) -> None:
    """Write two tables, the second of them from the first."""
    orders = _orders(spark)
    orders.write.parquet(str(directory / "orders"))
    stored = spark.read.schema(orders.schema).parquet(str(directory / "orders"))
    stored.groupBy("customer").sum("amount").toDF("customer", "amount").write.parquet(str(directory / "revenue"))


def failing(spark: SparkSession, directory: Path) -> None:
    """Fail in a write, and end with that error."""
    _refused(_orders(spark)).write.parquet(str(directory / "refused"))


def failing_without_job(spark: SparkSession, directory: Path) -> None:
    """Write to a directory that exists: Spark refuses that before it starts a job."""
    (directory / "orders").mkdir(parents=True)
    _orders(spark).write.parquet(str(directory / "orders"))


def caught(spark: SparkSession, directory: Path) -> None:
    """Write a table after a write that failed."""
    with suppress(PySparkException):
        _refused(_orders(spark)).write.parquet(str(directory / "refused"))
    _orders(spark).write.parquet(str(directory / "accepted"))


def catalogued(spark: SparkSession, directory: Path) -> None:
    """Write a table of Spark's catalog."""
    _orders(spark).write.saveAsTable("visits")


def streaming(spark: SparkSession, directory: Path) -> None:
    """Read three files as three batches, and stop."""
    _stream(spark, directory)


def streaming_failing(spark: SparkSession, directory: Path) -> None:
    """Fail in a stream's last batch, and end with that error."""
    _stream(spark, directory, refused=True)


def _orders(spark: SparkSession) -> DataFrame:
    return spark.sql(
        "SELECT * FROM VALUES (1, 'ada', 10), (2, 'bob', 20), (3, 'ada', 30) AS orders (id, customer, amount)"
    )


def _refused(orders: DataFrame) -> DataFrame:
    @udf("int")
    def accept(amount: int) -> int:
        if amount > 20:
            raise ValueError(f"amount {amount} is too high")
        return amount

    return orders.withColumn("amount", accept(col("amount")))


def _stream(spark: SparkSession, directory: Path, *, refused: bool = False) -> None:
    incoming = directory / "incoming"
    incoming.mkdir(parents=True)
    for file in range(3):
        path = incoming / f"{file}.csv"
        path.write_text(f"{file},ada,{file * 10 + 10}\n")
        # Spark reads the oldest first.
        os.utime(path, (file, file))
    orders = spark.readStream.schema("id int, customer string, amount int").option("maxFilesPerTrigger", 1)
    stream = orders.csv(str(incoming))
    written = (_refused(stream) if refused else stream).writeStream.format("parquet").trigger(availableNow=True)
    query = written.option("checkpointLocation", str(directory / "checkpoint")).start(str(directory / "arrived"))
    query.awaitTermination()


APPLICATIONS = {
    one.__name__: one for one in (good, failing, failing_without_job, caught, catalogued, streaming, streaming_failing)
}

if __name__ == "__main__":
    what, name, place = sys.argv[1:]
    session = SparkSession.builder.appName(name).getOrCreate()
    APPLICATIONS[what](session, Path(place))
    session.stop()
