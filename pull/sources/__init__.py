"""Registry of the systems that can be fetched from. Each has a room here."""

from typing import Final

from pull.sources.airflow import AIRFLOW
from pull.sources.composer import COMPOSER
from pull.sources.data_factory import DATA_FACTORY
from pull.sources.databricks import DATABRICKS
from pull.sources.dbt import DBT
from pull.sources.fetcher import Room
from pull.sources.glue import GLUE
from pull.sources.step_functions import STEP_FUNCTIONS

ROOMS: Final = (AIRFLOW, COMPOSER, DATA_FACTORY, DATABRICKS, DBT, GLUE, STEP_FUNCTIONS)
_BY_SYSTEM: Final = {room.system.value: room for room in ROOMS}


def room_of(system: str) -> Room:
    """The room of a system, by its value in the database."""
    return _BY_SYSTEM[system]
