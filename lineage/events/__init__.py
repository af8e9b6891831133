"""Bytes in, typed events out. Pure: no Django, no database, no clock."""

from lineage.events.decode import InvalidEvent, NotJson, decode_batch, decode_event, however_deep
from lineage.events.event import DatasetReference, Event, JobFacts, RunFacts

__all__ = [
    "DatasetReference",
    "Event",
    "InvalidEvent",
    "JobFacts",
    "NotJson",
    "RunFacts",
    "decode_batch",
    "decode_event",
    "however_deep",
]
