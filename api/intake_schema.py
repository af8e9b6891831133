"""The intake in the OpenAPI document: its paths are no views of the framework, which would describe themselves.

Errors are the intake's own words: each example is made by what makes the answer.
"""

from http import HTTPStatus
from typing import Any, Final, get_args

from django.conf import settings

from lineage.events.decode import MAX_BATCH_EVENTS
from lineage.events.document import MAX_DATASETS, MAX_NAME_CHARACTERS
from lineage.events.event import EventType
from lineage.intake import answers
from lineage.intake.answers import Rejection
from lineage.intake.workspace import Unroutable

Schema = dict[str, Any]

_BY_ID: Final = "/gateway/openlineage/{connection_id}"
_BY_KEY: Final = "/api/v1/lineage"
_ALIASES_BY_ID: Final = (
    "A slash at the end makes no difference, and `/lineage` or `/api/v1/lineage` may stand behind the id: what clients "
    "make of the URL arrives."
)
_ALIASES_BY_KEY: Final = (
    "With a workspace key each event goes to the connection that has its job's `namespace`; one without a job to the "
    "key's default connection. A slash at the end makes no difference. The same at `/gateway/openlineage/lineage`, "
    "`/gateway/openlineage/api/v1/lineage` and `/events/openlineage/generic-openlineage/api/v1/lineage`."
)
_CONNECTION_ID: Final = {
    "name": "connection_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}


def describe_intake(result: Schema, **_kwargs: Any) -> Schema:
    """A post-processing hook of drf-spectacular: adds the intake's paths and what they refer to."""
    paths: Schema = {
        _BY_ID: {"post": _operation("send_event", "One event", _EVENT, names_id=True)},
        f"{_BY_ID}/batch": {"post": _operation("send_batch", "Many events", _BATCH, names_id=True)},
        _BY_KEY: {"post": _operation("send_event_by_key", "One event, without a connection in the URL", _EVENT)},
        f"{_BY_KEY}/batch": {
            "post": _operation("send_batch_by_key", "Many events, without a connection in the URL", _BATCH)
        },
    }
    for path, operations in paths.items():
        # At one path the read API answers GET.
        result["paths"][path] = result["paths"].get(path, {}) | operations
    result["components"]["schemas"] |= _SCHEMAS
    result["components"]["securitySchemes"]["apiKey"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of the connection, `obs_…`: it sends, and reads nothing.",
    }
    result["components"]["securitySchemes"]["workspaceKey"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "A workspace key, `obw_…`: it sends to many connections, and reads nothing.",
    }
    return result


def _operation(id_: str, summary: str, kind: Schema, *, names_id: bool = False) -> Schema:
    """`names_id`: whether the path says which connection is meant."""
    limit = settings.INTAKE_MAX_BODY_BYTES
    return {
        "operationId": id_,
        "tags": ["intake"],
        "summary": summary,
        "description": f"{kind['description']} {_ALIASES_BY_ID if names_id else _ALIASES_BY_KEY}",
        "security": [{"apiKey": []}] if names_id else [{"apiKey": []}, {"workspaceKey": []}],
        "parameters": [_CONNECTION_ID] if names_id else [],
        "requestBody": {
            "required": True,
            "description": f"JSON in UTF-8, whatever `Content-Type` says, of at most {limit} bytes; as it is, or with "
            "`Content-Encoding: gzip` (then the limit holds for both sizes). With a length or in chunks.",
            "content": {"application/json": {"schema": kind["schema"], "example": kind["example"]}},
        },
        "responses": {**kind["responses"], **_refusals(limit), **(_REFUSALS_BY_ID if names_id else _REFUSALS_BY_KEY)},
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Schema, **more: Any) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema, **more}}}


def _refusal(description: str, *rejections: Rejection) -> Schema:
    """An answer that says no, with the intake's own words as examples."""
    examples = {str(rejection.code): {"value": rejection.answer.content} for rejection in rejections}
    response = _json(description, _ref("Error"), examples=examples)
    if headers := rejections[0].headers:
        response["headers"] = {
            name: {"required": True, "schema": {"type": "string", "example": value}} for name, value in headers.items()
        }
    return response


_INVALID: Final = (answers.invalid_event("Expected `str`, got `null` - at `$.job.name`"), answers.unstorable())


def _refusals(limit: int) -> Schema:
    not_json = answers.not_json("Input data was truncated")
    away, busy = answers.database_away(), answers.too_busy("")
    return {
        "400": _refusal("Not JSON, or not the gzip that was promised.", not_json, answers.broken_gzip("it breaks off")),
        "401": _refusal("No key, or not one of this server; always in the same words.", answers.key_refused("")),
        "413": _refusal("Larger than the limit, as sent or inflated.", answers.body_too_large(limit)),
        "415": _refusal("Compressed by anything but gzip.", answers.unsupported_encoding("br")),
        "422": _refusal("JSON, and no event: where, and what was expected.", *_INVALID),
        "503": _refusal("Nothing was acknowledged. The one answer upon which clients try again.", away, busy),
    }


_REFUSALS_BY_ID: Final = {
    "403": _refusal(
        "The key is one of another connection, or came over plain HTTP to a server of https.",
        answers.key_of_another_connection(),
        answers.plain_http(),
    ),
    "404": _refusal("There is no such connection.", answers.unknown_connection()),
}

_REFUSALS_BY_KEY: Final = {
    "422": _refusal(
        "JSON, and no event: where, and what was expected; or an event of a namespace that no connection has.",
        *_INVALID,
        answers.unmatched(str(Unroutable("warehouse"))),
    ),
}

# --- What is sent, and answered ---------------------------------------------------------------------------

_NAME: Final = {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS}
_FACETS: Final = {
    "description": "By name. A part of an unexpected shape is stored with its event and otherwise left out."
}
_NAMED: Final = {"namespace": _NAME, "name": _NAME, "facets": _FACETS}
_EVENT_TIME: Final = {
    "type": "string",
    "format": "date-time",
    "description": "ISO 8601. UTC where no zone is given; digits past microseconds are dropped.",
}
_ABSENT: Final = {"type": "null", "description": "Absent: its presence makes another kind of event."}
_LEFT_OUT: Final = {"description": "Anything else is left out."}
_DATASETS: Final = {
    "anyOf": [{"type": "array", "items": {"anyOf": [_ref("LineageDataset"), _LEFT_OUT]}}, _LEFT_OUT],
    "description": f"Of inputs and outputs together the first {MAX_DATASETS} are kept; one without a name is left out.",
}


def _event(description: str, required: list[str], **properties: Schema) -> Schema:
    producer = {"description": "The URI of what sent it."}
    return {
        "type": "object",
        "description": f"{description} Fields that are not named here are stored with the rest.",
        "required": ["eventTime", *required],
        "properties": {"eventTime": _EVENT_TIME, "producer": producer, **properties},
    }


_RUN: Final = {
    "type": "object",
    "required": ["runId"],
    "properties": {"runId": {**_NAME, "description": "A UUID; another text is mapped to one."}, "facets": _FACETS},
}
_JOB: Final = {"type": "object", "required": ["namespace", "name"], "properties": _NAMED}
_TYPES: Final = {"type": ["string", "null"], "enum": [*get_args(EventType), None]}
_NO_TYPE: Final = {"enum": ["OTHER", None], "description": "Any other type needs a run."}
_SCHEMAS: Final = {
    "LineageEvent": {
        "description": "An OpenLineage event, of a version up to 2-0-2.",
        "anyOf": [_ref("RunEvent"), _ref("JobEvent"), _ref("DatasetEvent")],
    },
    "RunEvent": _event(
        "Something that happened to a run.",
        ["run", "job"],
        eventType=_TYPES,
        run=_RUN,
        job=_JOB,
        inputs=_DATASETS,
        outputs=_DATASETS,
    ),
    "JobEvent": _event(
        "What a job is.",
        ["job"],
        eventType=_NO_TYPE,
        run=_ABSENT,
        job=_JOB,
        inputs=_DATASETS,
        outputs=_DATASETS,
    ),
    "DatasetEvent": _event(
        "What a dataset is.",
        ["dataset"],
        eventType=_NO_TYPE,
        run=_ABSENT,
        job=_ABSENT,
        dataset=_ref("LineageDataset"),
    ),
    "LineageDataset": {"type": "object", "required": ["namespace", "name"], "properties": _NAMED},
    "BatchAnswer": {
        "type": "object",
        "required": ["status", "summary", "failed_events"],
        "properties": {
            "status": {"enum": ["success", "partial_success"]},
            "summary": {
                "type": "object",
                "required": (counts := ["received", "successful", "failed", "retriable", "non_retriable"]),
                "properties": {name: {"type": "integer", "minimum": 0} for name in counts},
            },
            "failed_events": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["index", "reason", "retriable"],
                    "properties": {
                        "index": {"type": "integer", "minimum": 0, "description": "In the array, from 0."},
                        "reason": {"type": "string"},
                        "retriable": {"type": "boolean"},
                    },
                },
            },
        },
    },
}


def _outcome(description: str, answer: answers.Answer) -> Schema:
    outcome = {
        "type": "object",
        "required": ["outcome"],
        "properties": {"outcome": {"const": answer.content["outcome"]}},
    }
    return _json(description, outcome)


_EXAMPLE: Final = {
    "eventTime": "2026-01-31T12:00:00Z",
    "eventType": "COMPLETE",
    "producer": "https://example.com/pipelines",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "019c14bb-6400-7000-8000-000000000001", "facets": {}},
    "job": {"namespace": "warehouse", "name": "load_orders", "facets": {}},
    "inputs": [{"namespace": "postgres://shop:5432", "name": "shop.public.orders"}],
    "outputs": [{"namespace": "postgres://warehouse:5432", "name": "warehouse.staging.orders"}],
}
_EVENT: Final = {
    "description": "Takes one OpenLineage event. A 2xx answer means that it is committed and shown; nothing else does.",
    "schema": _ref("LineageEvent"),
    "example": _EXAMPLE,
    "responses": {
        str(HTTPStatus.CREATED): _outcome("Stored.", answers.STORED),
        str(HTTPStatus.OK): _outcome("The same event was stored before; nothing changed.", answers.REPEAT),
    },
}
_BATCH: Final = {
    "description": "Takes an array of OpenLineage events; good ones are stored beside bad ones, which are listed.",
    "schema": {
        "type": "array",
        "maxItems": MAX_BATCH_EVENTS,
        "description": "Events. What is none is listed in the answer, and does not keep the others from being stored.",
        "items": _ref("LineageEvent"),
    },
    "example": [_EXAMPLE],
    "responses": {str(HTTPStatus.OK): _json("What became of each.", _ref("BatchAnswer"))},
}
