"""Code and templates that the master loads for all its workers, before the first request."""

from django.conf import settings
from django.template.loader import get_template
from django.urls import URLResolver, get_resolver


def load_pages() -> None:
    """Load routes with their views, and the product's templates; else the first readers of each worker would wait for
    that."""
    _load_routes(get_resolver())
    templates = settings.BASE_DIR / "templates"
    for file in templates.rglob("*.html"):
        get_template(str(file.relative_to(templates)))


def _load_routes(resolver: URLResolver) -> None:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            _load_routes(pattern)
