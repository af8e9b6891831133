"""Questions to fetchers, and their answers. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Window(NamedTuple):
    """Time by the system's clock: `since` included, `until` excluded. `is_newest`: it ends now."""

    since: datetime
    until: datetime
    is_newest: bool


class Batch(NamedTuple):
    """Events of some records, as OpenLineage documents, and the records that were left out: words → number.

    A body is a function of the record alone: sorted keys, and no time but those of the record. So equal records give
    equal bytes, and are repeats.
    """

    bodies: Sequence[bytes]
    problems: Mapping[str, int] = {}


class DescribedJob(NamedTuple):
    """Job as the system describes it. `event` is a JobEvent. `fingerprint`: of what it says, without its time."""

    key: str
    fingerprint: UUID
    event: bytes


class KnownRun(NamedTuple):
    """Run of the connection that is stored already, pushed or fetched."""

    job_name: str
    orchestrator_run_id: str
    run_id: UUID
    started_at: datetime | None


class ListedRun(NamedTuple):
    """Run as the system lists it, to be compared with what is stored. `name`: the system's own name of it, which is
    stored as `orchestrator_run_id`. `state`: a RunState; empty: it waits to begin, and is no run yet."""

    job_name: str
    name: str
    state: str
    started_at: datetime | None
