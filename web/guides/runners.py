"""Runners: the program that each text is for, the version that our tests give it to, and what they do with it.

One table, so that a version is named once: texts, pages, documents and tests take it from here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Of the listeners for Java, of which each is published for one version of Scala or Flink: the newest at Maven Central.
JAVA_VERSION: Final = "1.53.0"


class Check(StrEnum):
    """Test of a text. RUN: at each commit. CLIENTS: by `make test-clients`. PARSED: only its values are compared."""

    RUN = "run"
    CLIENTS = "clients"
    PARSED = "parsed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Runner:
    """`program` with its `version`, as people know them; the version is empty if any will do."""

    program: str
    version: str
    check: Check

    @property
    def name(self) -> str:
        return f"{self.program} {self.version}".rstrip()

    @property
    def words(self) -> str:
        """Say how the text is tested, for the line above it."""
        if self.check in (Check.RUN, Check.CLIENTS):
            return f"Tested with {self.name}"
        if self.check is Check.PARSED:
            return f"For {self.name}: checked, not run"
        return f"For {self.name}: not tested"


SHELL: Final = Runner("bash and curl", "", Check.RUN)
PYTHON: Final = Runner("openlineage-python", "1.54.0", Check.RUN)
AIRFLOW: Final = Runner("apache-airflow-providers-openlineage", "2.20.3", Check.CLIENTS)
AIRFLOW_PARSED: Final = Runner("apache-airflow-providers-openlineage", "2.20.3", Check.PARSED)
COMPOSE: Final = Runner("Docker Compose", "", Check.PARSED)
HELM: Final = Runner("Helm", "", Check.PARSED)
TERRAFORM: Final = Runner("Terraform", "", Check.PARSED)
COSMOS: Final = Runner("astronomer-cosmos", "1.15.1", Check.CLIENTS)
DBT: Final = Runner("openlineage-dbt", "1.54.0", Check.CLIENTS)
SPARK: Final = Runner("openlineage-spark", JAVA_VERSION, Check.CLIENTS)
SPARK_SCALA_212: Final = Runner("openlineage-spark", JAVA_VERSION, Check.PARSED)
JAVA: Final = Runner("openlineage-java", JAVA_VERSION, Check.PARSED)
TRINO: Final = Runner("Trino", "476", Check.CLIENTS)
FLINK: Final = Runner("openlineage-flink", JAVA_VERSION, Check.CLIENTS)

RUNNERS: Final = (
    *(SHELL, PYTHON, AIRFLOW, AIRFLOW_PARSED, COMPOSE, HELM, TERRAFORM, COSMOS, DBT),
    *(SPARK, SPARK_SCALA_212, JAVA, TRINO, FLINK),
)
