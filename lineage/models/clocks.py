"""The rules of lineage/events/clocks.py, as SQL and as expressions of querysets."""

from typing import Final

from django.db.models import Case, DateTimeField, F, Func, Q, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Least

from lineage.events.clocks import LONGEST, MOST_AHEAD

LONGEST_SQL: Final = f"interval '{LONGEST.days} days'"
# Latest time that is believed of an event: MOST_AHEAD after its receipt. PostgreSQL adds to a time with a zone by the
# session's zone, which a generated column must not depend on; hence the way through UTC.
_LATEST: Final = f"((%(expressions)s AT TIME ZONE 'UTC') + interval '{MOST_AHEAD.seconds} seconds') AT TIME ZONE 'UTC'"
# Earliest time that is possible: LONGEST before the receipt.
_EARLIEST: Final = f"((%(expressions)s AT TIME ZONE 'UTC') - {LONGEST_SQL}) AT TIME ZONE 'UTC'"


def has_known_duration_sql(start: str, end: str) -> str:
    """SQL condition: the duration between two columns is known."""
    return f"{end} - {start} BETWEEN interval '0' AND {LONGEST_SQL}"


def has_known_duration(start: str, end: str) -> Q:
    """Condition: the duration between two columns is known."""
    return Q(**{f"{end}__gte": F(start), f"{end}__lte": F(start) + LONGEST})


def believed(at: Combinable, received_at: str) -> Least:
    """Expression: a time by the sender's clock, but no later than is believed. A receipt of NULL sets no limit."""
    return Least(at, _from_receipt(received_at, _LATEST))


def silent_since(at: str, received_at: str) -> Case:
    """Expression: a time by the sender's clock as far as it is believed; the receipt if it is impossibly early."""
    is_too_early = When(**{f"{at}__lt": _from_receipt(received_at, _EARLIEST)}, then=F(received_at))
    return Case(is_too_early, default=believed(F(at), received_at))


def _from_receipt(received_at: str, template: str) -> Func:
    return Func(F(received_at), template=template, output_field=DateTimeField())
