"""compose.yaml: secrets are files, memory is bounded, and a proxy names its clients. With the example of nginx."""

import ipaddress
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

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


class _Overlay(yaml.SafeLoader):
    """Reads what compose adds to YAML."""


_Overlay.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))  # type: ignore[arg-type]


def test_the_proxy_of_the_example_is_believed_and_nobody_else(compose: dict[str, Any]) -> None:
    example = yaml.load((ROOT / "examples/nginx/compose.yaml").read_text(), _Overlay)  # noqa: S506 - a SafeLoader
    web, proxy = example["services"]["web"], example["services"]["proxy"]
    address = proxy["networks"]["default"]["ipv4_address"]
    [network] = compose["networks"]["default"]["ipam"]["config"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(network["subnet"])
    assert web["environment"]["FORWARDED_ALLOW_IPS"] == address
    assert web["ports"] == []
    files = [volume.split(":")[0] for volume in proxy["volumes"] if ".conf" in volume]
    assert all((ROOT / file).is_file() for file in files)


def test_nginx_of_the_example_says_what_the_product_needs() -> None:
    """nginx itself took this configuration; see docs/operate.md."""
    headers = (ROOT / "examples/nginx/observatory_proxy.conf").read_text()
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in headers
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in headers
    nginx = (ROOT / "examples/nginx/nginx.conf").read_text()
    [limit] = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(limit) * 1024 * 1024 > settings.INTAKE_MAX_BODY_BYTES
    [idle] = re.findall(r"keepalive_timeout (\d+)s;", nginx)
    [of_server] = re.findall(r"^keepalive = (\d+)$", (ROOT / "server/gunicorn.py").read_text(), re.MULTILINE)
    assert int(idle) < int(of_server)
    # The intake's paths are not redirected: a redirect loses the event.
    [pattern] = re.findall(r"location ~ (\S+) {", nginx)
    for path in ("/gateway/openlineage/x", "/api/v1/lineage", "/events/openlineage/generic-openlineage/api/v1/lineage"):
        assert re.match(pattern, path)


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
