"""How long events are kept, and where: in a partition for each week."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from lineage.sql.partitions import create_week, name_of_week, partition_names

log = structlog.get_logger(__name__)

# As the first ones, in lineage/migrations/0001_tables.py. What is older or further ahead goes to the default one.
WEEKS_BEHIND: Final = 5
WEEKS_AHEAD: Final = 4


def ensure_partitions(now: datetime) -> None:
    """Makes the weekly partitions around `now` (UTC) that are missing. Any number of processes may do so at once.

    Raises OperationalError where the tables are locked by others for long; the next call does the rest.
    """
    monday = now.date() - timedelta(days=now.weekday())
    weeks = [monday + timedelta(weeks=week) for week in range(-WEEKS_BEHIND, WEEKS_AHEAD + 1)]
    existing = partition_names()
    for week in weeks:
        if name_of_week(week) not in existing and create_week(week):
            log.info("partition_created", partition=name_of_week(week))
