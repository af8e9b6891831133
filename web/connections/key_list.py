"""Lists of keys: the lately used ones, and on demand all."""

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Count, QuerySet, Window
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from connections.models import ApiKey, WorkspaceKey

KEYS_SHOWN: Final = 10
_ALL: Final = "all"
_Key = TypeVar("_Key", ApiKey, WorkspaceKey)


@dataclass(frozen=True, slots=True)
class KeyList(Generic[_Key]):
    """`keys`: those to show, the one that was used or made last first. `count`: of all that there are."""

    keys: list[_Key]
    count: int

    @property
    def has_more(self) -> bool:
        return len(self.keys) < self.count


def read_keys(keys: "QuerySet[_Key, Any]", request: HttpRequest) -> "KeyList[_Key]":
    """Read KEYS_SHOWN keys, or all if the address says `?keys=all`. One query."""
    latest = keys.order_by(Coalesce("last_used_at", "created_at").desc(), "pk")
    rows = list(latest.annotate(in_all=Window(Count("pk")))[: None if request.GET.get("keys") == _ALL else KEYS_SHOWN])
    return KeyList(rows, vars(rows[0])["in_all"] if rows else 0)
