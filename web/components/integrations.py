"""The source system of a job, beside its connection."""

from connections.kinds import kind_of
from lineage.events.senders import title_of


def other_integration(integration: str, connection_type: str) -> str:
    """Return the source system of a job as its makers spell it; empty if unknown, or if it is that of most jobs of such
    connections, which goes without saying."""
    return title_of(integration) if integration and integration != kind_of(connection_type).integration else ""
