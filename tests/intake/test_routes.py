"""Which paths are the intake's, and what they ask for."""

from uuid import UUID

import pytest

from lineage.intake.routes import Target, target_of

ID = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("end", ["", "/lineage", "/api/v1/lineage"])
def test_paths_that_name_the_connection(end: str, slash: str) -> None:
    assert target_of(f"/gateway/openlineage/{ID}{end}{slash}") == Target(ID, batch=False)
    assert target_of(f"/gateway/openlineage/{ID}{end}/batch{slash}") == Target(ID, batch=True)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("start", ["/gateway/openlineage/api/v1", "/gateway/openlineage", "/api/v1"])
def test_paths_of_clients_that_dropped_the_id(start: str, slash: str) -> None:
    assert target_of(f"{start}/lineage{slash}") == Target(None, batch=False)
    assert target_of(f"{start}/lineage/batch{slash}") == Target(None, batch=True)


def test_a_connection_that_is_no_id_is_the_intakes_all_the_same() -> None:
    assert target_of("/gateway/openlineage/my-airflow") == Target(None, batch=False, malformed_id=True)


@pytest.mark.parametrize(
    "path", ["/", "/gateway", "/gateway/openlineage", f"/gateway/openlineage/{ID}/other", "/api/v1/jobs", "/api/v1"]
)
def test_other_paths_are_not(path: str) -> None:
    assert target_of(path) is None
