"""compose.yaml: secrets are files, memory is bounded, and a proxy on the host names its clients."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.files import ROOT

PRINT_SETTINGS = """
from django.conf import settings
database = settings.DATABASES["default"]
print([settings.SECRET_KEY, database["PASSWORD"], database["NAME"], settings.METRICS_TOKEN])
"""


@pytest.fixture
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return parsed


def test_secrets_are_files(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        in_files = {name.removesuffix("_FILE") for name in service["environment"] if name.endswith("_FILE")}
        assert not in_files & service["environment"].keys()
        assert not [
            name
            for name in service["environment"]
            if name.endswith(("PASSWORD", "SECRET_KEY", "TOKEN", "_URL")) and name != "PUBLIC_URL"
        ]
        mounted = {f"/run/secrets/{name}" for name in service["secrets"]}
        assert {value for name, value in service["environment"].items() if name.endswith("_FILE")} == mounted
        assert compose["secrets"].keys() >= set(service["secrets"])


def test_memory_is_bounded(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "mem_limit" not in service] == []


def test_the_gateway_is_trusted_to_name_clients(compose: dict[str, Any]) -> None:
    [network] = compose["networks"]["default"]["ipam"]["config"]
    assert network["gateway"] in compose["services"]["web"]["environment"]["FORWARDED_ALLOW_IPS"]


def test_secrets_are_read_from_files_as_editors_write_them(tmp_path: Path) -> None:
    secrets = {"SECRET_KEY": "k" * 50, "DATABASE_URL": "postgresql://u:p@h/name", "METRICS_TOKEN": "t" * 20}
    environment = {name: value for name, value in os.environ.items() if name not in secrets}
    for name, secret in secrets.items():
        (tmp_path / name).write_text(f"{secret}\n")
        environment[f"{name}_FILE"] = str(tmp_path / name)

    read = subprocess.run(
        [sys.executable, "-c", PRINT_SETTINGS],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "observability.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert read.stdout.strip() == str(["k" * 50, "p", "name", "t" * 20])
