"""Descriptions of jobs of AWS, and the facets that they share. Pure."""

from collections.abc import Mapping
from typing import Any, Final

_OWNER: Final = "owner"
# Of tags that AWS makes by itself, such as those of CloudFormation.
_RESERVED: Final = "aws:"


def facets_of_tags(tags: Mapping[str, str] | None) -> dict[str, Mapping[str, Any]]:
    """Make the facets `tags` and `ownership`: the tag `owner` names an owner. None: they are not known."""
    if tags is None:
        return {}
    own = {key: value for key, value in sorted(tags.items()) if not key.startswith(_RESERVED)}
    return {
        "ownership": {"owners": [{"name": value} for key, value in own.items() if key.lower() == _OWNER]},
        "tags": {
            "tags": [
                {"key": key, "value": value, "source": "AWS"} for key, value in own.items() if key.lower() != _OWNER
            ]
        },
    }


def error_facet(error: str | None, cause: str | None) -> dict[str, Mapping[str, Any]]:
    """Make the facet `errorMessage` of an error's name and its cause. Empty if there are none."""
    message = ": ".join(part for part in (error, cause) if part)
    return {"errorMessage": {"message": message, "programmingLanguage": "AWS"}} if message else {}
