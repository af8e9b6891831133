"""Schema parts that drf-spectacular cannot see by itself: the bearer token, and the errors of each endpoint."""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002
        scopes = "Scopes: `read`, and `read:hidden` for parts of events that privacy settings hide from some people."
        return {"type": "http", "scheme": "bearer", "description": f"A personal API token, `obt_…`. {scopes}"}


class ErrorBodySerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For programs: `not_found`, `invalid`, `not_authenticated`, …")
    message = serializers.CharField(help_text="For people.")
    detail = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        allow_null=True,
        help_text="Wrong query parameters, each with what is wrong; null where none is to blame.",
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """Shape of every error."""

    error = ErrorBodySerializer()


def _error(description: str) -> OpenApiResponse:
    return OpenApiResponse(ErrorSerializer, description=description)


_EVERY: Final = {
    400: _error("A query parameter is unknown or wrong."),
    401: _error("No valid token and no session."),
    406: _error("Only JSON is served."),
    503: _error("The database cannot be reached; nothing is wrong with the request."),
}
_NOT_FOUND: Final = {404: _error("There is none, or its connection was removed.")}
_SEVERAL: Final = {300: _error("Several runs have this id: choose one by `job` and `map_index`.")}

CONNECTION_PARAMETER: Final = OpenApiParameter(
    "connection_id",
    OpenApiTypes.UUID,
    description="Whose run is meant, where several connections hold one with this id. "
    "Without it, the one that was last active is given.",
)


RUN_PARAMETERS: Final = [
    CONNECTION_PARAMETER,
    OpenApiParameter(
        "job", OpenApiTypes.UUID, description="Whose run is meant, where runs of several jobs have this run id."
    ),
    OpenApiParameter(
        "map_index",
        {"type": "integer", "minimum": 0, "maximum": 999_999_999},
        description="Which instance of a mapped task is meant, where all of them have this run id.",
    ),
]

READ_PARAMETER: Final = OpenApiParameter(
    "read",
    OpenApiTypes.STR,
    enum=["all"],
    description="`all`: read up to 1,000 events of the run, 32 MiB of them, where `events_read` is less than "
    "`event_count`. Without it 100 events are read, half a MiB of them, the most telling first.",
)


def answers(success: Any, *, found: bool = True, several: bool = False) -> dict[int, Any]:
    """The responses of an endpoint. `found`: what its path names may be missing. `several`: it may name several."""
    return {200: success, **_EVERY, **(_NOT_FOUND if found else {}), **(_SEVERAL if several else {})}
