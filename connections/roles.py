"""The one role that is a group. Any signed-in user views everything; a superuser administers."""

from typing import Final

# Made by the migration connections/0002_roles; an administrator adds people to it.
EDITOR: Final = "Editor"

EDITOR_PERMISSIONS: Final = (
    "add_connection",
    "change_connection",
    "delete_connection",
    "add_apikey",
    "change_apikey",
    "delete_apikey",
)
