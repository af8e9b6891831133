"""Settings of drf-spectacular, which describes the API (OpenAPI)."""

from typing import Any, Final

OPENAPI: Final[dict[str, Any]] = {
    "TITLE": "Observatory API",
    "DESCRIPTION": "Receives events from orchestrators, and shows connections, jobs, runs, their events, and datasets.",
    "VERSION": "1",
    # Schemas of version 3.1 are JSON Schema, so tests can check responses against them.
    "OAS_VERSION": "3.1.0",
    "PATH_CONVERTER_OVERRIDES": {"any_case_uuid": {"type": "string", "format": "uuid"}},
    "ENUM_NAME_OVERRIDES": {
        "ConnectionStatus": "lineage.overview.summaries.ConnectionStatus",
        "ConnectionType": "connections.models.Connection.Type",
        "EdgeDirection": "lineage.models.Edge.Direction",
        "LineageChange": "lineage.graph.found.CHANGES",
        "JobKind": "lineage.models.Job.Kind",
        "RunState": "lineage.models.RunState",
        "TestState": "lineage.events.assertions.TEST_STATES",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.intake_schema.describe_intake",
    ],
    # The documentation page must not send the schema to a validator on the internet.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
