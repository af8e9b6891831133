"""The systems that can be fetched from, as the database stores them. Their rooms are in pull/sources."""

from collections.abc import Mapping
from typing import Final

from django.db import models

from connections.kinds import Type


class System(models.TextChoices):
    AIRFLOW = "airflow", "Airflow"
    COMPOSER = "composer", "Google Cloud Composer"
    DATA_FACTORY = "data_factory", "Azure Data Factory"
    DATABRICKS = "databricks", "Databricks Workflows"
    DBT = "dbt", "dbt Core"
    GLUE = "glue", "AWS Glue"
    STEP_FUNCTIONS = "step_functions", "AWS Step Functions"


# System → type of the connections for which it can be fetched from.
TYPES: Final[Mapping[System, Type]] = {
    System.AIRFLOW: Type.AIRFLOW,
    System.COMPOSER: Type.AIRFLOW,
    System.DATA_FACTORY: Type.OPENLINEAGE,
    System.DATABRICKS: Type.OPENLINEAGE,
    System.DBT: Type.DBT,
    System.GLUE: Type.OPENLINEAGE,
    System.STEP_FUNCTIONS: Type.OPENLINEAGE,
}
