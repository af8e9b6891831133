"""Spark, with OpenLineage's listener."""

from typing import Final

from lineage.events.senders.sender import Sender, Words

_INTEGRATION: Final = "SPARK"


def _derived_type(_integration: str, name: str, _has_parent: bool) -> tuple[str, str]:
    # An action's job is called `application.action_of_what`.
    return "JOB" if "." in name else "APPLICATION", ""


SPARK: Final = Sender(
    integrations={_INTEGRATION: Words(title="Spark")},
    producers={"spark": _INTEGRATION},
    derived_type=_derived_type,
)
