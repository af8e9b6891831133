"""What drf-spectacular cannot see by itself: the bearer token, and the errors that each endpoint answers with."""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002
        return {"type": "http", "scheme": "bearer", "description": "A personal API token, `obt_…`."}


class ErrorBodySerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For programs: `not_found`, `invalid`, `not_authenticated`, …")
    message = serializers.CharField(help_text="For people.")
    detail = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        allow_null=True,
        help_text="Wrong query parameters, each with what is wrong; null where none is to blame.",
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """What every error looks like."""

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

CONNECTION_PARAMETER: Final = OpenApiParameter(
    "connection_id",
    OpenApiTypes.UUID,
    description="Whose run is meant, where several connections hold one with this id. "
    "Without it, the one that was last active is given.",
)


def answers(success: Any, *, found: bool = True) -> dict[int, Any]:
    """The responses of an endpoint; `found`: whether what its path names may be missing."""
    return {200: success, **_EVERY, **(_NOT_FOUND if found else {})}
