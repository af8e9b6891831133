"""OpenLineage documents of what was fetched. Pure: equal records give equal bytes, so that what is fetched again is a
repeat."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

_SPEC: Final = "https://openlineage.io/spec"
# Facet → its schema. A facet that is not here is of a sender, or our own.
_SCHEMAS: Final = {
    "jobType": "facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
    "ownership": "facets/1-0-1/OwnershipJobFacet.json#/$defs/OwnershipJobFacet",
    "tags": "facets/1-0-0/TagsJobFacet.json#/$defs/TagsJobFacet",
    "documentation": "facets/1-1-0/DocumentationJobFacet.json#/$defs/DocumentationJobFacet",
    "parent": "facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
    "nominalTime": "facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet",
    "errorMessage": "facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
}
# Those of datasets, some of which have names that facets of jobs have, too.
_DATASET_SCHEMAS: Final = {
    "dataSource": "facets/1-0-1/DatasourceDatasetFacet.json#/$defs/DatasourceDatasetFacet",
    "documentation": "facets/1-1-0/DocumentationDatasetFacet.json#/$defs/DocumentationDatasetFacet",
    "ownership": "facets/1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet",
    "schema": "facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "dataQualityAssertions": "facets/1-1-0/DataQualityAssertionsDatasetFacet.json"
    "#/$defs/DataQualityAssertionsDatasetFacet",
    "outputStatistics": "facets/1-0-2/OutputStatisticsOutputDatasetFacet.json"
    "#/$defs/OutputStatisticsOutputDatasetFacet",
}
_OF_RUNS: Final = "2-0-2/OpenLineage.json#/$defs/RunFacet"
_OF_JOBS: Final = "2-0-2/OpenLineage.json#/$defs/JobFacet"
_OF_DATASETS: Final = "2-0-2/OpenLineage.json#/$defs/DatasetFacet"

Facets = Mapping[str, Mapping[str, Any]]


class Author:
    """Makes the documents of one system. `system`: its name in the field `producer`."""

    def __init__(self, system: str, namespace: str) -> None:
        self._producer = f"urn:observatory:pull:{system}"
        self._namespace = namespace

    def run_event(
        self,
        event_type: str,
        at: datetime,
        run_id: UUID | str,
        job: str,
        *,
        run_facets: Facets,
        job_facets: Facets,
        inputs: list[Mapping[str, Any]] | None = None,
        outputs: list[Mapping[str, Any]] | None = None,
    ) -> bytes:
        return self._document(
            "RunEvent",
            at,
            eventType=event_type,
            run={"runId": str(run_id), "facets": self._facets(run_facets, _OF_RUNS)},
            job={"namespace": self._namespace, "name": job, "facets": self._facets(job_facets, _OF_JOBS)},
            inputs=inputs or [],
            outputs=outputs or [],
        )

    def job_event(self, at: datetime, job: str, job_facets: Facets) -> bytes:
        named = {"namespace": self._namespace, "name": job, "facets": self._facets(job_facets, _OF_JOBS)}
        return self._document("JobEvent", at, job=named, inputs=[], outputs=[])

    def dataset(
        self, namespace: str, name: str, facets: Facets, output_facets: Facets | None = None
    ) -> Mapping[str, Any]:
        """Dataset among the inputs or outputs of an event. `output_facets`: of this write."""
        dataset = {"namespace": namespace, "name": name, "facets": self._facets(facets, _OF_DATASETS, _DATASET_SCHEMAS)}
        if output_facets:
            dataset["outputFacets"] = self._facets(output_facets, _OF_DATASETS, _DATASET_SCHEMAS)
        return dataset

    def parent(self, run_id: UUID | str, job: str) -> Mapping[str, Any]:
        """Facet `parent` of a run in this namespace. The parent is also its root."""
        run = {"run": {"runId": str(run_id)}, "job": {"namespace": self._namespace, "name": job}}
        return {**run, "root": run}

    def _document(self, kind: str, at: datetime, **fields: Any) -> bytes:
        document = {
            "eventTime": text_of(at),
            "producer": self._producer,
            "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/{kind}",
            **fields,
        }
        return msgspec.json.encode(document, order="sorted")

    def _facets(self, facets: Facets, other: str, schemas: Mapping[str, str] = _SCHEMAS) -> dict[str, Any]:
        return {
            name: {"_producer": self._producer, "_schemaURL": f"{_SPEC}/{schemas.get(name, other)}", **facet}
            for name, facet in facets.items()
        }


def text_of(time: datetime) -> str:
    """Write a time as all documents do: in UTC, with microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields that a record lacks."""
    return {name: value for name, value in fields.items() if value is not None}
