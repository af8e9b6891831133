"""Run ids of DAG runs and tasks, as each generation of Airflow's OpenLineage provider computes them.

What is fetched gets the ids that pushed events have, so that a run that comes both ways is one.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid3

from lineage.events.senders.airflow.run_ids import dag_run_id, static_uuid7, task_run_id
from pull.sources.airflow.records import DagRun, TaskInstance


class Recipe(StrEnum):
    """First versions of the provider with one way of making ids."""

    CURRENT = "2.0"
    V1_9 = "1.9"
    V1_6 = "1.6"
    V1_4 = "1.4"


def recipe_of(version: str | None) -> Recipe:
    """Return the recipe of a version of the provider, such as `1.11.0`. None, or no version at all: the current one."""
    numbers = [int(part) for part in (version or "").split(".")[:2] if part.isdecimal()]
    if len(numbers) < 2:
        return Recipe.CURRENT
    older = (recipe for recipe in Recipe if numbers >= [int(part) for part in recipe.split(".")])
    return next(older, Recipe.V1_4)


class Ids(NamedTuple):
    """Makes the ids of one namespace."""

    namespace: str
    recipe: Recipe = Recipe.CURRENT

    def of_dag_run(self, run: DagRun, clear_number: int) -> UUID:
        """Raises ValueError if the DAG run has no date."""
        dag = f"{self.namespace}.{run.dag_id}"
        match self.recipe:
            case Recipe.CURRENT:
                return dag_run_id(dag, _date(run), clear_number)
            case Recipe.V1_9:
                return _static(dag, run)
        return uuid3(NAMESPACE_URL, f"{dag}.{run.dag_run_id}")

    def of_task(self, task: TaskInstance, run: DagRun) -> UUID:
        """Raises ValueError as above."""
        job = f"{self.namespace}.{task.dag_id}.{task.task_id}"
        match self.recipe:
            case Recipe.CURRENT:
                return task_run_id(job, _date(run), task.try_number, task.map_index)
            case Recipe.V1_9:
                return _static(f"{job}.{task.try_number}", run)
            case Recipe.V1_6:
                return uuid3(NAMESPACE_URL, f"{job}.{_date(run).isoformat()}.{task.try_number}")
        without_dag = f"{self.namespace}.{task.task_id}.{_date(run).isoformat()}.{task.try_number}"
        return uuid3(NAMESPACE_URL, without_dag)

    @property
    def tells_clears(self) -> bool:
        """True if a DAG run that is cleared gets another id."""
        return self.recipe == Recipe.CURRENT


def _date(run: DagRun) -> datetime:
    if run.date is None:
        raise ValueError("DAG run without a date")
    return run.date


def _static(name: str, run: DagRun) -> UUID:
    return static_uuid7(name, _date(run))
