"""Paths of the intake, and their targets."""

from uuid import UUID

import pytest

from lineage.intake.routes import Target, target_of

ID = UUID("00000000-0000-4000-8000-000000000001")
OTHERS = "/events/openlineage/generic-openlineage/api/v1"
OTHER = UUID("00000000-0000-4000-8000-000000000002")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("end", ["", "/lineage", "/api/v1/lineage"])
def test_paths_that_name_the_connection(end: str, slash: str) -> None:
    assert target_of(f"/gateway/openlineage/{ID}{end}{slash}") == Target(ID, batch=False)
    assert target_of(f"/gateway/openlineage/{ID}{end}/batch{slash}") == Target(ID, batch=True)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("start", ["/gateway/openlineage/api/v1", "/gateway/openlineage", "/api/v1", OTHERS])
def test_paths_where_the_key_names_the_connection(start: str, slash: str) -> None:
    assert target_of(f"{start}/lineage{slash}") == Target(None, batch=False)
    assert target_of(f"{start}/lineage/batch{slash}") == Target(None, batch=True)


def test_a_connection_that_is_no_id_is_the_intakes_all_the_same() -> None:
    assert target_of("/gateway/openlineage/my-airflow") == Target(None, batch=False, malformed_id=True)


@pytest.mark.parametrize(
    "path", ["/gateway/openlineage", "/gateway/openlineage/", "/gateway/openlineage//", "/gateway/openlineage/a\nb/c"]
)
def test_paths_beside_them_are_the_intakes_to_refuse(path: str) -> None:
    assert target_of(path) == Target(None, unknown_path=True)


def test_a_path_beside_a_connections_own_concerns_that_connection() -> None:
    assert target_of(f"/gateway/openlineage/{ID}/events") == Target(ID, unknown_path=True)


@pytest.mark.parametrize(
    "path", ["/", "/gateway", "/gateway/", "/gateway/openlineages", "/api/v1/lineage/x", "/api/v1/jobs", "/api/v1"]
)
def test_other_paths_are_not(path: str) -> None:
    assert target_of(path) is None


@pytest.mark.parametrize(
    ("target", "is_of_it"),
    [
        (Target(ID), True),
        (Target(None), True),
        (Target(OTHER), False),
        (Target(None, malformed_id=True), False),
    ],
)
def test_whose_keys_a_path_takes(target: Target, is_of_it: bool) -> None:
    assert target.is_of(ID) is is_of_it
    # A workspace key is no connection's: it may send where no connection is named.
    assert target.is_of(None) is (target == Target(None))
