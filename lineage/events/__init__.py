"""Decoding of OpenLineage documents into typed events. Pure: no Django, no database, no clock."""

from lineage.events.decode import decode_batch, decode_event, deep_nesting_allowed
from lineage.events.document import InvalidEvent, NotJson
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
    "deep_nesting_allowed",
]
