"""The filters of the API's lists, as its schema describes them. A value that is none is refused: a filter that is
ignored shows too much."""

from typing import Any

from django_filters import CharFilter, NumberFilter
from drf_spectacular.drainage import set_override

from lineage.datasets.filters import DatasetFilter
from lineage.jobs.filters import JobFilter, JobOfAnyConnectionFilter
from lineage.overview.filters import ConnectionFilter
from lineage.runs.filters import JobRunFilter, RunFilter, RunOfAnyConnectionFilter

__all__ = [
    "ConnectionFilter",
    "DatasetFilter",
    "JobFilter",
    "JobOfAnyConnectionFilter",
    "JobRunFilter",
    "RunFilter",
    "RunOfAnyConnectionFilter",
]


def _described(filter_: Any) -> dict[str, Any] | None:
    """Describe the values of a filter for the schema. None: the schema knows them by the filter's type."""
    described: dict[str, Any]
    match filter_:
        case CharFilter():
            described = {"type": "string", "minLength": 1, "pattern": r"^[^\x00]*$"}
            limits = {"maxLength": "max_length"}
        case NumberFilter():
            described = {"type": "integer"}
            limits = {"minimum": "min_value", "maximum": "max_value"}
        case _:
            return None
    described["description"] = filter_.extra["help_text"]
    return described | {name: filter_.extra[option] for name, option in limits.items() if option in filter_.extra}


for _filters in (ConnectionFilter, DatasetFilter, JobOfAnyConnectionFilter, RunOfAnyConnectionFilter):
    for _filter in _filters.base_filters.values():
        if _said := _described(_filter):
            set_override(_filter, "field", _said)
