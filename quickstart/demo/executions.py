"""Execution of a job in the sample data, and the OpenLineage events that its sender would send."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

Event = dict[str, Any]

_SPEC: Final = "https://openlineage.io/spec"
_ENDS: Final = ("COMPLETE", "FAIL")
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
    owners: Sequence[str] = ()
    tags: Sequence[str] = ()

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
        if self.owners:
            facets["ownership"] = self.facet(
                "facets/1-0-1/OwnershipJobFacet.json#/$defs/OwnershipJobFacet",
                owners=[{"name": name} for name in self.owners],
            )
        if self.tags:
            facets["tags"] = self.facet(
                "facets/1-0-0/TagsJobFacet.json#/$defs/TagsJobFacet",
                tags=[{"key": tag, "value": tag, "source": self.integration} for tag in self.tags],
            )
        if self.sql:
            facets["sql"] = self.facet("facets/1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet", query=self.sql)
        return facets

    def facet(self, schema: str, **content: Any) -> dict[str, Any]:
        return {"_producer": self.producer, "_schemaURL": f"{_SPEC}/{schema}", **content}


@dataclass(frozen=True, slots=True)
class Table:
    """Dataset of the sample data. `columns`: names and types. `origins`: column → tables and columns that it is made
    of. `rows`: about as many. `other_name`: namespace and name of the table, if this is its place."""

    namespace: str
    columns: Sequence[tuple[str, str]] = ()
    origins: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    rows: int = 0
    other_name: tuple[str, str] | None = None


Tables = Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class Check:
    """Assertion on a column of what is read, and how many rows break it."""

    assertion: str
    column: str
    failures: int = 0

    def facet(self) -> dict[str, Any]:
        return {
            "assertion": self.assertion,
            "column": self.column,
            "success": not self.failures,
            "severity": "error",
            "expected": "0",
            "actual": str(self.failures),
        }


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
    tables: Tables = field(default_factory=dict)
    checks: Sequence[Check] = ()
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
            "inputs": [self._input(name, event_type) for name in self.inputs],
            "outputs": [self._output(name, event_type) for name in self.outputs],
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

    def _input(self, name: str, event_type: str) -> dict[str, Any]:
        read = self._dataset(name)
        if self.checks and event_type in _ENDS:
            schema = "facets/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"
            read["inputFacets"] = {
                "dataQualityAssertions": self.job.facet(schema, assertions=[one.facet() for one in self.checks])
            }
        return read

    def _output(self, name: str, event_type: str) -> dict[str, Any]:
        written, table = self._dataset(name), self.tables[name]
        if table.origins:
            written["facets"]["columnLineage"] = self.job.facet(
                "facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet",
                fields={column: {"inputFields": list(map(self._source, of))} for column, of in table.origins.items()},
            )
        if table.rows and event_type == "COMPLETE":
            # Some more each day.
            rows = table.rows + table.rows * (self.started_at.toordinal() % 90) // 500
            written["outputFacets"] = {
                "outputStatistics": self.job.facet(
                    "facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
                    rowCount=rows,
                    size=rows * 64,
                )
            }
        return written

    def _source(self, of: tuple[str, str]) -> dict[str, Any]:
        table, column = of
        return {"namespace": self.tables[table].namespace, "name": table, "field": column, "transformations": []}

    def _dataset(self, name: str) -> dict[str, Any]:
        facets: dict[str, Any] = {}
        table = self.tables[name]
        if table.columns:
            facets["schema"] = self.job.facet(
                "facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
                fields=[{"name": column, "type": kind} for column, kind in table.columns],
            )
        if table.other_name:
            namespace, other = table.other_name
            facets["symlinks"] = self.job.facet(
                "facets/1-0-1/SymlinksDatasetFacet.json#/$defs/SymlinksDatasetFacet",
                identifiers=[{"namespace": namespace, "name": other, "type": "TABLE"}],
            )
        return {"namespace": table.namespace, "name": name, "facets": facets}
