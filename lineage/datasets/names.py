"""Names of datasets and jobs as people see them."""

import re
from typing import Final

NO_NAME: Final = "(no name)"
# Control characters, marks of direction and spaces without width: they break a line, or make a name look like another.
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def shown_name(name: str) -> str:
    """Return the name, or NO_NAME for a blank one: some senders know only the namespace, such as a bucket."""
    return visible(name) if name.strip() else NO_NAME


def visible(name: str) -> str:
    """Write characters that cannot be seen as `\\u202e`. A sender's name may have any; it stays the name."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", name)
