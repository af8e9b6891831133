"""Lines of the log about requests."""

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from server.logging import without_link_tokens


class RequestLines(RequestMiddleware):
    """django-structlog's middleware, which would log whole URLs. Their queries hold codes of the identity provider, and
    what people search for."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {without_link_tokens(request.path)}"
