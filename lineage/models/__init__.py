"""Tables of what senders sent. Only digest, states and upkeep write them; pages and the API read them through
querysets.

The tables' SQL is in lineage/migrations/0001_tables.py: every primary key begins with `connection_id`, so that a
connection is one range of each table. Django sees `id` alone as the key. It is unique for jobs and edges (their ids
hash the connection, too), but not for runs, datasets and events: look those up with the connection.
"""

from lineage.models.activity import Activity
from lineage.models.dataset import Dataset
from lineage.models.edge import Edge
from lineage.models.event import Event
from lineage.models.facts import Alias, Change, Check, Content, Fact, Measure
from lineage.models.job import Job
from lineage.models.mark import Mark
from lineage.models.relations import Extraction, Relation
from lineage.models.run import Run
from lineage.models.run_state import RunState
from lineage.models.transition import Transition

__all__ = [
    "Activity",
    "Alias",
    "Change",
    "Check",
    "Content",
    "Dataset",
    "Edge",
    "Event",
    "Extraction",
    "Fact",
    "Job",
    "Mark",
    "Measure",
    "Relation",
    "Run",
    "RunState",
    "Transition",
]
