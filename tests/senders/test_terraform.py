"""The texts for Terraform, read by a parser of its language: there is no MWAA and no Composer to apply them to."""

import json
import subprocess
from typing import Any

from tests.senders.dbt import NEWEST
from web.guides import GUIDES, SenderValues

READ = """
import hcl2, json, sys
from hcl2.utils import SerializationOptions
options = SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
json.dump(hcl2.load(sys.stdin, serialization_options=options), sys.stdout)
"""
VALUES = SenderValues("https://observatory.example.com/gateway/openlineage/1", "obs_0123456789ab_secret_123456")


def read(text: str) -> Any:
    python = NEWEST.install() / "python"
    return json.loads(
        subprocess.run([python, "-c", READ], input=text, check=True, capture_output=True, text=True).stdout
    )


def test_the_environments_get_the_transport() -> None:
    (airflow,) = (guide.snippets(VALUES) for guide in GUIDES if guide.slug == "airflow")
    document = read("\n".join(airflow[name].text for name in ("terraform", "terraform_mwaa", "terraform_composer")))

    assert document["variable"] == [{"observatory_api_key": {"type": "string", "sensitive": True}}]
    assert airflow["terraform_key"].text == f"export TF_VAR_observatory_api_key='{VALUES.key}'"
    [own] = document["locals"]
    transport = own["observatory_transport"].removeprefix("${jsonencode(").removesuffix(")}")
    [[name, value]] = read(f"transport = {transport}").items()
    key = {"type": "api_key", "apiKey": "${var.observatory_api_key}"}
    assert (name, value) == ("transport", json.loads(VALUES.python_transport) | {"auth": key})

    mwaa, composer = document["resource"]
    settings = mwaa["aws_mwaa_environment"]["airflow"]["airflow_configuration_options"]
    assert settings == {"openlineage.transport": "${local.observatory_transport}"}
    [config] = composer["google_composer_environment"]["airflow"]["config"]
    [software] = config["software_config"]
    assert software["airflow_config_overrides"] == {"openlineage-transport": "${local.observatory_transport}"}
