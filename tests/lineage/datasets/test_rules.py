"""Rules of datasets on rows: names, current facts, schemas, origins of columns, writes, changes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from lineage.datasets.aliases import MOST_NAMES, Reached, names_of
from lineage.datasets.changes import TookPlace, dropped_at
from lineage.datasets.facts import SeenFact, current_facts, description_of
from lineage.datasets.origins import SourceColumn, merged, origins_of
from lineage.datasets.schema import Difference, SeenSchema, columns_of, differences, history
from lineage.datasets.writes import Write, judged, usual_range
from lineage.edges.uses import moves_data
from lineage.events.column_lineage import Columns, Source
from lineage.events.effects import ALTER, DATA, DROP, IMPLIED, RENAME
from lineage.events.identity import dataset_id

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def id_(number: int) -> UUID:
    return UUID(int=number)


def fact(side: str, hour: int, content: int = 1, kind: str = "schema") -> SeenFact:
    return SeenFact(kind, side, id_(9), id_(content), NOON, NOON + hour * HOUR)


def schema(**types: str) -> str:
    return json.dumps({"fields": [{"name": name, "type": type_} for name, type_ in types.items()]})


# --- Names


def test_the_name_of_the_table_is_the_main_one() -> None:
    table, path = Reached(id_(5), id_(7), "TABLE", 1), Reached(id_(5), id_(2), "LOCATION", 1)
    names = names_of([path, table, Reached(id_(5), id_(5), "", 0)])[id_(5)]
    assert (names.ids, names.main) == ((id_(5), id_(2), id_(7)), id_(7))
    for start in (1, 2):
        assert names_of(Reached(id_(start), id_(n), "", abs(n - start)) for n in (1, 2))[id_(start)].main == id_(1)


def test_near_names_are_kept() -> None:
    many = [Reached(id_(99), id_(n), "", n % 4) for n in range(50)]
    ids = names_of([*many, Reached(id_(99), id_(99), "", 0)])[id_(99)].ids
    assert len(ids) == MOST_NAMES
    assert id_(99) in ids


# --- Facts


def test_a_readers_schema_never_replaces_a_writers() -> None:
    reader, writer, event = fact("READS", 9, 1), fact("WRITES", 1, 2), fact("DATASET", 2, 3)
    assert current_facts([reader, writer])["schema"] == writer
    assert current_facts([event, reader, writer])["schema"] == event
    assert current_facts([reader])["schema"] == reader


def test_the_description_is_put_together_from_the_current_facts() -> None:
    contents: dict[str, Any] = {
        "documentation": {"description": "Orders."},
        "ownership": {"owners": [{"name": "ada", "type": "TEAM"}, {"name": "bob"}]},
        "tags": {"tags": [{"key": "tier", "value": "gold"}, {"key": "pii", "value": "true", "field": "name"}]},
        "storage": {"storageLayer": "iceberg", "fileFormat": "parquet"},
        "datasource": {"name": "db", "uri": "db"},
    }
    current = {kind: fact("WRITES", 1, n, kind) for n, kind in enumerate(contents)}
    said = description_of(current, {id_(n): json.dumps(content) for n, content in enumerate(contents.values())})
    assert (said.documentation, said.owners) == ("Orders.", [("ada", "TEAM"), ("bob", "")])
    assert (said.tags, said.column_tags) == (["tier:gold"], {"name": ["pii"]})
    assert (said.storage, said.source, said.is_described) == ("iceberg, parquet", "db", True)


def test_what_was_deleted_and_where_it_is_describe_nothing() -> None:
    current = {kind: fact("WRITES", 1, n, kind) for n, kind in enumerate(("documentation", "datasource"))}
    said = description_of(current, {id_(0): "", id_(1): '{"name":"db"}'})
    assert (said.documentation, said.is_described) == ("", False)


# --- Schemas


def test_fields_inside_a_column_follow_it() -> None:
    inner = {"name": "city", "type": "text", "fields": [{"name": "zip", "type": "int", "description": "Code."}]}
    found = columns_of(json.dumps({"fields": [{"name": "a", "fields": [inner]}, {"name": "b", "type": "int"}]}))
    assert [(column.path, column.depth, column.type) for column in found] == [
        ("a", 0, ""),
        ("a.city", 1, "text"),
        ("a.city.zip", 2, "int"),
        ("b", 0, "int"),
    ]
    assert found[2].description == "Code."
    assert columns_of("") == []


def test_differences_of_schemas() -> None:
    before, after = columns_of(schema(id="int", gone="text")), columns_of(schema(new="date", id="bigint"))
    assert differences(before, after) == [
        Difference("added", "new", "date", ""),
        Difference("changed", "id", "bigint", "int"),
        Difference("removed", "gone", "", "text"),
    ]


def seen(content: int, first: int, last: int) -> SeenSchema:
    return SeenSchema(id_(content), NOON + first * HOUR, NOON + last * HOUR)


def test_the_history_of_a_schema() -> None:
    columns = {id_(n): columns_of(schema(**types)) for n, types in enumerate([{"a": "int"}, {"a": "text"}, {"b": "x"}])}
    changes = history([seen(2, 5, 9), seen(0, 0, 2), seen(1, 3, 4)], columns)
    assert [(change.at, [one.change for one in change.differences]) for change in changes] == [
        (NOON + 5 * HOUR, ["added", "removed"]),
        (NOON + 3 * HOUR, ["changed"]),
    ]


def test_a_schema_that_comes_back_is_a_change() -> None:
    columns = {id_(n): columns_of(schema(a=type_)) for n, type_ in enumerate(("int", "text"))}
    back, there = history([seen(0, 0, 9), seen(1, 3, 4)], columns)
    assert (back.is_return, back.at, back.differences[0].type) == (True, NOON + 4 * HOUR, "int")
    assert (there.is_return, there.at) == (False, NOON + 3 * HOUR)


def test_the_same_columns_with_other_descriptions_are_no_change() -> None:
    columns = {id_(0): columns_of(schema(a="int")), id_(1): columns_of(schema(a="int"))}
    assert history([seen(0, 0, 1), seen(1, 2, 3)], columns) == []


# --- Origins of columns


def source(column: str, subtype: str = "", type_: str = "DIRECT", name: str = "raw") -> Source:
    return Source("db", name, column, type_, subtype)


class Named(dict[tuple[str, str], SourceColumn]):
    def __missing__(self, key: tuple[str, str]) -> SourceColumn:
        return SourceColumn(dataset_id(*key), *key, "")


@pytest.mark.parametrize(
    ("sources", "how"),
    [
        ([source("a", "IDENTITY")], "same"),
        ([source("b", "IDENTITY")], "renamed"),
        ([source("a")], "same name"),
        ([source("b")], "renamed or computed"),
        ([source("a"), source("b")], "computed"),
        ([source("a", "AGGREGATION")], "computed"),
        ([source("a", "FILTER", "INDIRECT")], ""),
    ],
)
def test_how_a_column_is_made(sources: list[Source], how: str) -> None:
    assert origins_of(Columns({"a": sources}, []), Named()).columns["a"].how == how


def test_what_only_decides_about_rows_comes_after_the_sources_of_values() -> None:
    sources = [source("z", "IDENTITY"), source("b", "FILTER", "INDIRECT"), source("c", "", "INDIRECT")]
    found = origins_of(Columns({"a": sources}, [source("d", "JOIN", "INDIRECT")]), Named())
    [origin] = found.columns.values()
    assert [one.column for one in origin.sources] == ["z"]
    assert [(one.how, one.sources[0].column) for one in origin.influences] == [
        ("filtered by", "b"),
        ("influenced by", "c"),
    ]
    assert [(one.how, one.sources[0].column) for one in found.of_all] == [("joined by", "d")]


def test_two_names_of_a_source_are_one() -> None:
    table = SourceColumn(id_(1), "hive", "orders", "")
    by_name = {("db", "raw"): table, ("db", "/wh/orders"): table}
    columns = Columns({"a": [source("a", "IDENTITY"), source("a", "IDENTITY", name="/wh/orders")]}, [])
    [origin] = origins_of(columns, by_name).columns.values()
    assert (origin.sources, origin.how) == ([table._replace(column="a")], "same")


def test_several_writers_are_joined() -> None:
    found = merged([Columns({"a": [source("x")]}, []), Columns({"a": [source("y")], "b": []}, [source("z")])])
    assert found == Columns({"a": [source("x"), source("y")], "b": []}, [source("z")])


# --- Writers and writes


@pytest.mark.parametrize(
    ("effects", "writes", "reads"),
    [
        (DATA, True, True),
        (RENAME, False, False),
        (DROP | ALTER, False, False),
        (DATA | DROP, True, True),
        (IMPLIED, False, True),
    ],
)
def test_who_only_renames_or_drops_is_no_writer(effects: int, writes: bool, reads: bool) -> None:
    assert (moves_data("WRITES", effects), moves_data("READS", effects)) == (writes, reads)


def test_the_usual_range_lies_around_the_median() -> None:
    assert usual_range([100, 100, 100]) is None
    assert usual_range([100, 100, 100, 100]) == (90, 110)
    low, high = usual_range([80, 90, 100, 110, 120]) or (0, 0)
    assert low < 80
    assert high > 120


def test_a_write_is_compared_with_the_others() -> None:
    counts = [100, 101, 102, 50, 103, 0, 104]
    found = judged([Write(NOON + n * HOUR, rows, None, None) for n, rows in enumerate(counts)])
    assert [write.rows for write in found.writes if write.is_unusual] == [50, 0]
    assert [write.change for write in found.writes[:2]] == [None, 0.01]
    assert found.writes[-1].change is None
    assert found.usual
    few = judged([Write(NOON, rows, None, None) for rows in (1, 1, 1, 900)])
    assert not any(write.is_unusual for write in few.writes)


# --- Changes


def change(kind: str, hour: int, of: int = 1) -> TookPlace:
    return TookPlace(kind, NOON + hour * HOUR, id_(of))


@pytest.mark.parametrize(
    ("changes", "written", "hour"),
    [
        ([], 1, None),
        ([change("DROP", 2)], 1, 2),
        ([change("DROP", 2)], 3, None),
        ([change("DROP", 2), change("CREATE", 3)], None, None),
        ([change("RENAME", 2, of=5)], 1, 2),
        ([change("RENAME", 2, of=1)], None, None),
        ([change("TRUNCATE", 2)], 1, None),
    ],
)
def test_when_a_dataset_was_dropped(changes: list[TookPlace], written: int | None, hour: int | None) -> None:
    found = dropped_at(changes, [id_(1)], None if written is None else NOON + written * HOUR)
    assert found == (None if hour is None else NOON + hour * HOUR)
