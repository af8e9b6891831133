"""Run ids of DAG runs and tasks, as apache-airflow-providers-openlineage 2.0 to 2.20 computes them."""

from datetime import UTC, datetime
from hashlib import sha1
from uuid import UUID

# Map index of a task that is not mapped.
NOT_MAPPED = -1


def dag_run_id(dag: str, time: datetime, clear_number: int) -> UUID:
    """Compute a DAG run's id, as `build_dag_run_ol_run_id` does.

    `dag`: `namespace.dag_id`. `time`: the logical date; without one, `run_after`. `clear_number`: how often it was
    cleared.
    """
    return static_uuid7(f"{dag}.{clear_number}", time)


def task_run_id(task: str, time: datetime, try_number: int, map_index: int = NOT_MAPPED) -> UUID:
    """Compute a task's id, as `build_task_instance_ol_run_id` does. `task`: `namespace.dag_id.task_id`; `time`: as
    above."""
    return static_uuid7(f"{task}.{try_number}.{map_index}", time)


def static_uuid7(name: str, time: datetime) -> UUID:
    """Make a UUID of version 7 whose bits after the time are a hash of the time and the name."""
    digest = sha1(f"{time.astimezone(UTC).isoformat()}{name}".encode(), usedforsecurity=False).digest()
    bits = int(time.timestamp() * 1000) << 80 | int.from_bytes(digest) >> 84
    return UUID(int=bits & ~(0xF000 << 64 | 0xC000 << 48) | 7 << 76 | 0x8000 << 48)
