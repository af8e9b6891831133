"""Base classes of the endpoints: they read only, refuse unknown parameters, and list in pages."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import KeysetPagination
from lineage.database.keyset import Keyset


class ReadView(GenericAPIView[Any]):
    """Refuses a query parameter that the view does not know, that is empty, or that comes twice: a filter that is
    ignored would show too much."""

    http_method_names = ["get", "head", "options"]
    filterset_class: Any = None
    pagination_class: type[KeysetPagination] | None = None
    # Those that neither filters nor pages bring.
    query_parameters: ClassVar[frozenset[str]] = frozenset()

    def get_queryset(self) -> Any:
        """The rows of `queryset` that the reader may see."""
        rows: Any = super().get_queryset()
        return rows.visible(self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        wrong = _wrong_parameters(request, self.known_parameters())
        if wrong:
            raise ValidationError(wrong)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let only the reader's own cache keep the answer, and ask each time."""
        final = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(final, ("Authorization", "Cookie"))
        patch_cache_control(final, private=True, no_cache=True)
        return final

    def known_parameters(self) -> set[str]:
        filters = self.filterset_class.base_filters.keys() if self.filterset_class else ()
        pages = self.pagination_class.query_parameters if self.pagination_class else ()
        return {*self.query_parameters, *filters, *pages}


class ListView(ReadView):
    """Lists rows in pages, in the order of `keyset`."""

    pagination_class = KeysetPagination
    filter_backends = [DjangoFilterBackend]
    keyset: ClassVar[Keyset]

    def page(self, queryset: QuerySet[Any, Any]) -> list[Any]:
        """The rows of the page that the request asks for, as it filters them."""
        return list(self.paginate_queryset(self.filter_queryset(queryset)) or ())

    def answer(self, rows: list[Any]) -> Response:
        """A page of these."""
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


def _wrong_parameters(request: Request, known: set[str]) -> dict[str, list[str]]:
    """Name → what is wrong with it, of those that no view could make sense of."""
    wrong = {}
    for name, values in sorted(request.query_params.lists()):
        if name not in known:
            wrong[name] = [f"Unknown here. Known: {', '.join(sorted(known)) or 'none'}."]
        elif len(values) > 1:
            wrong[name] = ["Given more than once."]
        elif values == [""]:
            wrong[name] = ["Empty: give it a value, or leave it out."]
    return wrong
