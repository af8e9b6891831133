"""Facet `jobDependencies`: the jobs that run before and after the job of a run. Pure."""

from typing import Final

from msgspec import Raw, Struct

from lineage.events.event import Dependency
from lineage.events.facets import NOTHING, NonEmpty, read_facet
from lineage.events.text import storable

JOB_DEPENDENCIES: Final = "jobDependencies"
# Jobs of each event that are kept.
MAX_DEPENDENCIES: Final = 1_000


class _Job(Struct):
    namespace: NonEmpty
    name: NonEmpty


class _Dependency(Struct):
    job: _Job


class JobDependenciesFacet(Struct):
    upstream: list[_Dependency] | None = None
    downstream: list[_Dependency] | None = None


def dependencies_of(raw: Raw) -> tuple[Dependency, ...]:
    """Read the facet of a run. Each job once."""
    if raw is NOTHING:
        return ()
    facet = read_facet(raw, JobDependenciesFacet) or JobDependenciesFacet()
    found = [_dependency(one, runs_before=True) for one in facet.upstream or ()]
    found += [_dependency(one, runs_before=False) for one in facet.downstream or ()]
    return tuple(dict.fromkeys(found))[:MAX_DEPENDENCIES]


def _dependency(one: _Dependency, *, runs_before: bool) -> Dependency:
    return Dependency(storable(one.job.namespace), storable(one.job.name), runs_before)
