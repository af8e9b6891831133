"""What was sent, as rows. Written by digest alone, read through querysets.

The tables' SQL is in lineage/migrations/0001_tables.py: every primary key begins with `connection_id`, so that
a connection is one range of each table. Django sees `id` alone as the key, which is unique for jobs and edges
(their ids hash the connection too), but not for runs, datasets and events: look those up with the connection.
"""

from lineage.models.activity import Activity
from lineage.models.dataset import Dataset
from lineage.models.edge import Edge
from lineage.models.event import Event
from lineage.models.job import Job
from lineage.models.mark import Mark
from lineage.models.run import Run
from lineage.models.run_state import RunState
from lineage.models.transition import Transition

__all__ = ["Activity", "Dataset", "Edge", "Event", "Job", "Mark", "Run", "RunState", "Transition"]
