"""Execution of a job in the sample data, and the OpenLineage events that its sender would send."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

Event = dict[str, Any]
# Table → its column names and types. A table that is missing here is only named by events.
Columns = Mapping[str, Sequence[tuple[str, str]]]

_SPEC: Final = "https://openlineage.io/spec"
_RUN_EVENT: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"


@dataclass(frozen=True, slots=True)
class SampleJob:
    """Job of the sample data. `kind` and `integration` are those of the jobType facet."""

    namespace: str
    name: str
    kind: str
    integration: str
    producer: str
    processing: str = "BATCH"
    description: str = ""
    sql: str = ""

    def facets(self) -> dict[str, Any]:
        facets: dict[str, Any] = {
            "jobType": self.facet(
                "facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
                processingType=self.processing,
                integration=self.integration,
                jobType=self.kind,
            )
        }
        if self.description:
            facets["documentation"] = self.facet(
                "facets/1-1-0/DocumentationJobFacet.json#/$defs/DocumentationJobFacet", description=self.description
            )
        if self.sql:
            facets["sql"] = self.facet("facets/1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet", query=self.sql)
        return facets

    def facet(self, schema: str, **content: Any) -> dict[str, Any]:
        return {"_producer": self.producer, "_schemaURL": f"{_SPEC}/{schema}", **content}


@dataclass(frozen=True, slots=True)
class Execution:
    """Execution of a job. `outcome`: type of the last event; None if the run has not ended, or sent no end."""

    job: SampleJob
    started_at: datetime
    duration: timedelta
    outcome: str | None
    parent: "Execution | None" = None
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    error: str = ""
    run_facets: Mapping[str, Any] = field(default_factory=dict)
    dataset_namespace: str = ""
    columns: Columns = field(default_factory=dict)
    running_at: Sequence[datetime] = ()

    @property
    def run_id(self) -> str:
        """Run id that depends only on job and start, so that sample data sent again has equal ids."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.job.namespace}/{self.job.name}/{self.started_at:%s.%f}"))

    @property
    def ended_at(self) -> datetime:
        return self.started_at + self.duration

    def events(self) -> list[Event]:
        """Return the events, sorted by time."""
        events = [self._event("START", self.started_at)]
        events += [self._event("RUNNING", at) for at in self.running_at]
        if self.outcome is not None:
            events.append(self._event(self.outcome, self.ended_at))
        return events

    def _event(self, event_type: str, at: datetime) -> Event:
        return {
            "eventType": event_type,
            "eventTime": at.isoformat(),
            "run": {"runId": self.run_id, "facets": self._run_facets(event_type)},
            "job": {"namespace": self.job.namespace, "name": self.job.name, "facets": self.job.facets()},
            "inputs": [self._dataset(name) for name in self.inputs],
            "outputs": [self._dataset(name) for name in self.outputs],
            "producer": self.job.producer,
            "schemaURL": _RUN_EVENT,
        }

    def _run_facets(self, event_type: str) -> dict[str, Any]:
        facets = dict(self.run_facets)
        if self.parent is not None:
            facets["parent"] = self.job.facet(
                "facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
                **self.parent.reference(),
                root=self.root.reference(),
            )
        if event_type == "FAIL" and self.error:
            facets["errorMessage"] = self.job.facet(
                "facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
                message=self.error,
                programmingLanguage="SQL" if self.job.sql else "python",
            )
        return facets

    @property
    def root(self) -> "Execution":
        return self.parent.root if self.parent else self

    def reference(self) -> dict[str, Any]:
        return {"run": {"runId": self.run_id}, "job": {"namespace": self.job.namespace, "name": self.job.name}}

    def _dataset(self, name: str) -> dict[str, Any]:
        facets: dict[str, Any] = {}
        if name in self.columns:
            facets["schema"] = self.job.facet(
                "facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
                fields=[{"name": column, "type": kind} for column, kind in self.columns[name]],
            )
        return {"namespace": self.dataset_namespace, "name": name, "facets": facets}
