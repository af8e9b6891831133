"""The list of datasets: which ones, and what each row says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from connections.models import Connection
from connections.querysets import Reader
from lineage.database.keyset import Keyset
from lineage.datasets.filters import DatasetFilter
from lineage.datasets.listing import Key, ListedDataset, keys_of, read_listed
from lineage.models import Dataset
from web.components.density import DENSITY
from web.components.lists import Choices, Listing, Option, Places, keyset_page, keyset_places, options
from web.components.values import place_in

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS_PER_PAGE: Final = 50
BY_NAME: Final = Keyset({"name": str, "namespace": str, "id": UUID})
DATASETS: Final = Listing(
    DatasetFilter,
    {"q": "search", "connection": "connection_id", "namespace": "namespace", "base": "base_id"},
    kept={"cursor": place_in(BY_NAME), **DENSITY},
    place="cursor",
)


@dataclass(frozen=True, slots=True)
class DatasetTable:
    """`connections`: options of the filter; `by_id`: all that the reader may see. `without_…_query`: the URL's query
    without that filter."""

    choices: Choices
    rows: list[ListedDataset]
    connections: list[Option]
    by_id: Mapping[UUID, Connection]
    places: Places

    @property
    def is_used(self) -> bool:
        """False before the first dataset: then there is nothing to filter."""
        return bool(self.rows or self.choices.are_narrowing or self.choices["cursor"] or self.choices.errors)

    @property
    def without_namespace_query(self) -> str:
        return self.choices.query(namespace="")

    @property
    def without_base_query(self) -> str:
        return self.choices.query(base="")


def read_dataset_table(choices: Choices, reader: Reader) -> DatasetTable:
    """Read one page of the datasets of all connections. The number of queries does not grow with them."""
    connections = {one.pk: one for one in Connection.objects.visible(reader).order_by("name")}
    rows = keys_of(choices.filter(Dataset.objects.filter(connection_id__in=connections)))
    page = keyset_page(BY_NAME, rows.none() if choices.errors else rows, choices, ROWS_PER_PAGE)
    keys = [Key(row["id"], row["namespace"], row["name"]) for row in page.rows]
    return DatasetTable(
        choices=choices,
        rows=read_listed(keys, list(connections)),
        connections=options(choices, "connection", {str(id_): one.name for id_, one in connections.items()}),
        by_id=connections,
        places=keyset_places(choices, page),
    )
