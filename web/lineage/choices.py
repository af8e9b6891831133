"""Choices of the reader on the page of lineage: its URL holds all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from lineage.graph.question import MAX_EXPANDED, SHORT_ID
from web.components.time_zones import in_utc

# Parameters in the order in which a URL has them.
NAMES: Final = (
    *("node", "direction", "depth", "view", "columns", "at", "compare", "varying", "expand", "show"),
    *("select", "column", "from", "to", "q"),
)
# Those that name a node by its key.
_OF_NODES: Final = ("select", "from", "to")
# How the answer is shown.
GRAPH, TABLE, CSV, SVG = "graph", "table", "csv", "svg"
SHOWN: Final = (GRAPH, TABLE, CSV, SVG)


def short(key: str) -> str:
    """Return the key of a node as URLs have it: with the first characters of its id."""
    kind, _, id_ = key.partition(":")
    return f"{kind}:{id_[:SHORT_ID]}"


@dataclass(frozen=True, slots=True)
class LineageChoices:
    """Parameters of a request, without empty ones."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str, parameters: Mapping[str, str]) -> "LineageChoices":
        node = parameters.get("node") or parameters.get("nodeId", "")
        # PostgreSQL takes no NUL.
        known = {name: parameters.get(name, "").replace("\0", " ").strip() for name in NAMES} | {"node": node}
        # A form says by which clock its times are, so that the page's links mean one time to everybody.
        known |= {name: in_utc(known[name], parameters.get("tz", "")) for name in ("at", "compare")}
        return cls(path, {name: value for name, value in known.items() if value})

    def url(self, **changes: str | None) -> str:
        """Return the URL of the page with other choices. None removes one."""
        chosen = {**self.parameters, **changes}
        kept = {name: short(value) if name in _OF_NODES else value for name in NAMES if (value := chosen.get(name))}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def at(self, path: str, **changes: str | None) -> "LineageChoices":
        """Return other choices, whose URLs begin with `path`."""
        kept = {name: value for name, value in {**self.parameters, **changes}.items() if value}
        return LineageChoices(path, kept)

    def get(self, name: str) -> str:
        return self.parameters.get(name, "")

    @property
    def words(self) -> str:
        return self.get("q")

    @property
    def other(self) -> str:
        """Return the URL where another dataset or job is chosen."""
        return self.path

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Return what a form has to send beside its own fields."""
        return [(name, value) for name, value in self.parameters.items() if name not in ("depth", "at", "compare")]

    @property
    def show(self) -> str:
        shown = self.get("show")
        return shown if shown in SHOWN else GRAPH

    def with_whole_keys(self, keys: Iterable[str]) -> "LineageChoices":
        """Return the choices with the whole keys of nodes in place of short ones. `keys`: of the graph's nodes."""
        whole = {short(key): key for key in keys}
        chosen = {name: whole.get(self.get(name), self.get(name)) for name in _OF_NODES}
        return self.at(self.path, **chosen)

    def lock(self, start: str | None, end: str | None) -> str:
        """Return the URL with a path through one node, between two, or with none."""
        return self.url(column=None, **{"from": start, "to": end})

    @property
    def can_expand(self) -> bool:
        """Tell whether the neighbours of another dataset can be shown."""
        return len(self._expanded) < MAX_EXPANDED

    def expand(self, dataset: UUID) -> str:
        """Return the URL that also shows the neighbours of a dataset; empty if no more can be expanded."""
        if not self.can_expand:
            return ""
        return self.url(expand=",".join(dict.fromkeys([*self._expanded, str(dataset)[:SHORT_ID]])), select=None)

    @property
    def _expanded(self) -> list[str]:
        return [part for part in self.get("expand").split(",") if part]
