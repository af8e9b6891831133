"""Airflow: with its own settings, in Docker Compose, on Kubernetes, and where Terraform makes the environment."""

from web.guides.runners import AIRFLOW, AIRFLOW_PARSED, COMPOSE, HELM, TERRAFORM
from web.guides.snippet import Snippet
from web.guides.values import SenderValues


def install(_: SenderValues) -> Snippet:
    return Snippet("install", "Shell", "pip install apache-airflow-providers-openlineage", AIRFLOW)


def environment(values: SenderValues) -> Snippet:
    text = f"export AIRFLOW__OPENLINEAGE__TRANSPORT='{values.python_transport}'"
    return Snippet("environment", "Environment of the scheduler and the workers", text, AIRFLOW)


def cfg(values: SenderValues) -> Snippet:
    return Snippet("cfg", "airflow.cfg", f"[openlineage]\ntransport = {values.python_transport}", AIRFLOW_PARSED)


def compose(values: SenderValues) -> Snippet:
    text = f"""\
services:
  airflow-scheduler: &observatory
    environment:
      AIRFLOW__OPENLINEAGE__TRANSPORT: '{values.python_transport}'
  airflow-dag-processor: *observatory
  airflow-triggerer: *observatory
  airflow-worker: *observatory"""
    return Snippet("compose", "docker-compose.override.yaml", text, COMPOSE)


def secret(values: SenderValues) -> Snippet:
    text = (
        "kubectl create secret generic observatory --namespace airflow \\\n"
        f"  --from-literal=transport='{values.python_transport}'"
    )
    return Snippet("secret", "Shell", text, HELM)


def helm(_: SenderValues) -> Snippet:
    text = """\
secret:
  - envName: AIRFLOW__OPENLINEAGE__TRANSPORT
    secretName: observatory
    secretKey: transport"""
    return Snippet("helm", "values.yaml of the official Helm chart", text, HELM)


def terraform_key(values: SenderValues) -> Snippet:
    return Snippet("terraform_key", "Shell", f"export TF_VAR_observatory_api_key='{values.key}'", TERRAFORM)


def terraform(values: SenderValues) -> Snippet:
    text = f"""\
variable "observatory_api_key" {{
  type      = string
  sensitive = true
}}

locals {{
  observatory_transport = jsonencode({{
    type     = "http"
    url      = "{values.origin}"
    endpoint = "{values.path}"
    auth     = {{ type = "api_key", apiKey = var.observatory_api_key }}
  }})
}}"""
    return Snippet("terraform", "observatory.tf", text, TERRAFORM)


def terraform_mwaa(_: SenderValues) -> Snippet:
    text = """\
resource "aws_mwaa_environment" "airflow" {
  airflow_configuration_options = {
    "openlineage.transport" = local.observatory_transport
  }
}"""
    return Snippet("terraform_mwaa", "In your resource of Amazon MWAA", text, TERRAFORM)


def terraform_composer(_: SenderValues) -> Snippet:
    text = """\
resource "google_composer_environment" "airflow" {
  config {
    software_config {
      airflow_config_overrides = {
        "openlineage-transport" = local.observatory_transport
      }
    }
  }
}"""
    return Snippet("terraform_composer", "In your resource of Google Cloud Composer", text, TERRAFORM)
