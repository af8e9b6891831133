"""Filters of lists of datasets, for pages and the API."""

from django_filters import FilterSet, UUIDFilter

from lineage.database import filters
from lineage.models.dataset import DatasetQuerySet


class DatasetFilter(FilterSet):
    namespace = filters.text("The namespace, exactly.", strip=False)
    search = filters.search(
        "Words that the name contains, in any case and order.", method=filters.by(DatasetQuerySet.named)
    )
    connection_id = UUIDFilter(
        help_text="Datasets that this connection names.", error_messages={"invalid": "Not a UUID."}
    )
    base_id = UUIDFilter(
        help_text="Partitions of one dataset, and itself: names that differ only in endings such as `/day=2026-01-31`.",
        error_messages={"invalid": "Not a UUID."},
    )
