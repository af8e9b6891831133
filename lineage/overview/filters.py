"""Filters of connections, for pages and the API."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django_filters import FilterSet

from connections.models import Connection
from lineage.database import filters
from lineage.models import Activity
from lineage.overview.summaries import ConnectionStatus


def _in_status(connections: QuerySet[Connection], status: str) -> QuerySet[Connection]:
    has_sent = Exists(Activity.objects.filter(connection=OuterRef("pk")))
    return connections.filter(has_sent if status == ConnectionStatus.CONNECTED else ~has_sent)


def _named(connections: QuerySet[Connection], text: str) -> QuerySet[Connection]:
    return connections.filter(*(Q(name__icontains=word) for word in text.split()))


class ConnectionFilter(FilterSet):
    status = filters.choice(
        ConnectionStatus.choices, method=filters.by(_in_status), help_text="Whether a valid event was ever received."
    )
    type = filters.choice(Connection.Type.choices, help_text="What sends the events.")
    search = filters.search("Words that the name contains, in any case and order.", method=filters.by(_named))


def has_words(connection: Connection, text: str) -> bool:
    """Tell whether the search finds a connection that was read already."""
    name = connection.name.casefold()
    return all(word in name for word in text.casefold().split())
