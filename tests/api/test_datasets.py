from collections.abc import Callable
from typing import Any

from django.test import Client

from connections.models import Connection
from tests.api.rows import NOW, dataset_id, make_connection, make_dataset

Read = Callable[..., Any]


def test_a_dataset_is_one_however_many_connections_touch_it(read: Read) -> None:
    airflow, dbt = make_connection("airflow"), make_connection("dbt", "dbt")
    make_dataset(airflow, described=False)
    make_dataset(dbt, described=True)
    assert read("datasets")["results"] == [
        {
            "id": str(dataset_id("public.orders")),
            "namespace": "warehouse",
            "name": "public.orders",
            "described": True,
            "connections": sorted([str(airflow.pk), str(dbt.pk)]),
        }
    ]


def test_a_removed_connection_touches_nothing(read: Read) -> None:
    kept, removed = make_connection("kept"), make_connection("removed", removed_at=NOW)
    make_dataset(kept)
    make_dataset(removed, described=True)
    make_dataset(removed, "public.only_there")
    [dataset] = read("datasets")["results"]
    assert (dataset["described"], dataset["connections"]) == (False, [str(kept.pk)])


def test_filters(read: Read) -> None:
    connection = make_connection()
    make_dataset(connection, "public.Orders")
    make_dataset(connection, "raw.orders")
    make_dataset(connection, "raw.customers", namespace="lake")

    def names(**query: str) -> list[str]:
        return [dataset["name"] for dataset in read("datasets", **query)["results"]]

    assert names() == ["raw.customers", "public.Orders", "raw.orders"]
    assert names(namespace="lake") == ["raw.customers"]
    assert names(search="ORDERS") == ["public.Orders", "raw.orders"]
    assert names(search="orders raw", namespace="warehouse") == ["raw.orders"]
    assert names(namespace="lak") == []


def test_pages_count_datasets_not_connections(read: Read, api: Client) -> None:
    connections: list[Connection] = [make_connection(f"connection {n}") for n in range(3)]
    for connection in connections:
        for n in range(5):
            make_dataset(connection, f"table_{n}")
    page = read("datasets", page_size=2)
    names = []
    while page:
        assert all(len(dataset["connections"]) == 3 for dataset in page["results"])
        names.append([dataset["name"] for dataset in page["results"]])
        page = api.get(page["next"]).json() if page["next"] else None
    assert names == [["table_0", "table_1"], ["table_2", "table_3"], ["table_4"]]
