"""The expressions of state_sql.py and shown_state_sql.py, for querysets of runs and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.db import models
from django.db.models import F, Func
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models.expressions import Col


# States of a job's latest run, as the rows say them.
RUNNING, FAILED, LOST = "RUNNING", "FAILED", "LOST"


# In an expression, where it asks for the time: that at which the query is made, for a queryset may be older. It is
# a parameter, so that PostgreSQL knows the statement again.
_MOMENT = "%s::timestamptz"


class OnRow(Func):
    """One of the expressions of state_sql.py or shown_state_sql.py, on the rows of a queryset of runs or jobs."""

    def __init__(self, write: Callable[[str], str], *, output_field: models.Field[Any, Any]) -> None:
        super().__init__(F("id"), output_field=output_field)
        self.write = write

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002
        column = cast("Col", self.source_expressions[0])
        sql = self.write(compiler.quote_name_unless_alias(column.alias))
        return sql, (timezone.now(),) * sql.count(_MOMENT)


def at_moment(expression: Callable[[str, str], str]) -> Callable[[str], str]:
    return lambda row: expression(row, _MOMENT)
