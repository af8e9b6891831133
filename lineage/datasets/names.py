"""Names of datasets as people see them."""

from typing import Final

NO_NAME: Final = "(no name)"


def shown_name(name: str) -> str:
    """Return the name, or NO_NAME for a blank one: some senders know only the namespace, such as a bucket."""
    return name if name.strip() else NO_NAME
