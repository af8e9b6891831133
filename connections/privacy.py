"""Privacy of what a connection's events hold: four classes of their parts, and who sees each. Pure.

A class that nobody may see is removed from new events before they are stored.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final


class PrivacyClass(StrEnum):
    """Kind of part of an event, after what it may give away. lineage/events/privacy.py says which facets it holds."""

    CODE = "code"
    SQL = "sql"
    STACK_TRACES = "stack_traces"
    ENVIRONMENT = "environment"

    @property
    def label(self) -> str:
        return _TITLES[self]


class Audience(StrEnum):
    """Least role that a person needs to see a class of parts. NOBODY: it is not stored."""

    EVERYONE = "everyone"
    EDITORS = "editors"
    ADMINISTRATORS = "administrators"
    NOBODY = "nobody"

    @property
    def label(self) -> str:
        return _AUDIENCES[self]


_TITLES: Final[Mapping[PrivacyClass, str]] = {
    PrivacyClass.CODE: "Source code",
    PrivacyClass.SQL: "SQL",
    PrivacyClass.STACK_TRACES: "Stack traces",
    PrivacyClass.ENVIRONMENT: "Environment",
}
_AUDIENCES: Final[Mapping[Audience, str]] = {
    Audience.EVERYONE: "Everyone who sees the connection",
    Audience.EDITORS: "Editors and administrators",
    Audience.ADMINISTRATORS: "Administrators",
    Audience.NOBODY: "Nobody: remove it before storing",
}
EVERYTHING: Final = frozenset(PrivacyClass)
NOTHING: Final[frozenset[PrivacyClass]] = frozenset()
DEFAULT_AUDIENCE: Final = Audience.EDITORS
AUDIENCE_CHOICES: Final = [(audience.value, audience.label) for audience in Audience]


def hidden_from(audiences: Mapping[PrivacyClass, Audience], sees: Collection[Audience]) -> frozenset[PrivacyClass]:
    """Return the classes that somebody may not see who belongs to the audiences `sees`. Nobody sees what is not stored
    any more, but was."""
    return frozenset(kind for kind, audience in audiences.items() if audience not in sees)


def dropped(audiences: Mapping[PrivacyClass, Audience]) -> frozenset[PrivacyClass]:
    """Return the classes that are removed from new events before they are stored."""
    return frozenset(kind for kind, audience in audiences.items() if audience == Audience.NOBODY)
