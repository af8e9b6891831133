"""Lineage: what a request asks, and how the answer is written."""

from typing import Any, Final

from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from api.queries import visible_connections
from lineage.graph.asked import WrongParameter, asked_in
from lineage.graph.compare import answer_to
from lineage.graph.details import JobDetails
from lineage.graph.found import CHANGES, Answer, FoundEdge, FoundNode
from lineage.graph.question import COLUMN_LINES, DIRECTIONS, MAX_DEPTH, MAX_NODES, VIEWS

_ID: Final = "[0-9a-f]{8}((-[0-9a-f]{4}){3}-[0-9a-f]{12})?"
_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _matching(pattern: str) -> dict[str, str]:
    return {"type": "string", "pattern": pattern}


PARAMETERS: Final = [
    OpenApiParameter(
        "node",
        _matching(rf"^((dataset|job|run):{_UUID}|dataset:.+:[^:]+)$"),
        required=True,
        description="What the graph is drawn around: `dataset:<id>`, `job:<id>`, `run:<id>` or "
        "`dataset:<namespace>:<name>`.",
    ),
    OpenApiParameter(
        "nodeId", _matching("."), description="Another name of `node`, as Marquez has it; either is enough."
    ),
    OpenApiParameter("direction", enum=DIRECTIONS, default="both"),
    OpenApiParameter("depth", OpenApiTypes.INT, description=f"Datasets from the node: 1 to {MAX_DEPTH}."),
    OpenApiParameter("at", OpenApiTypes.DATETIME, description="As it was then. Without: as it is now."),
    OpenApiParameter(
        "compare",
        OpenApiTypes.DATETIME,
        description="An earlier time: `change` of nodes and edges says what was added since, or is gone.",
    ),
    OpenApiParameter(
        "view",
        enum=VIEWS,
        default="datasets",
        description="`jobs`: with the jobs between datasets, and which of them depend on which.",
    ),
    OpenApiParameter(
        "columns",
        enum=COLUMN_LINES,
        default="false",
        description="`true`: with the columns of each node, and the lines between them along which values flow. `all`: "
        "also the lines of columns that only filter, join or sort. Then edges between datasets have a place in "
        "`view=jobs`, too.",
    ),
    OpenApiParameter("varying", OpenApiTypes.BOOL, description="`false`: only what each job's latest round names."),
    OpenApiParameter(
        "expand",
        _matching(rf"^{_ID}(,{_ID})*$"),
        description="Ids of datasets, or their first 8 digits, with commas: one step beyond the depth from these.",
    ),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"Most datasets: 1 to {MAX_NODES}."),
    OpenApiParameter("connection", OpenApiTypes.UUID, description="Only what this connection knows."),
]
QUERY: Final = frozenset(parameter.name for parameter in PARAMETERS)


class _Checks(serializers.Serializer[Any]):
    failed = serializers.IntegerField()
    count = serializers.IntegerField()


class _More(serializers.Serializer[Any]):
    up = serializers.IntegerField(help_text="Jobs that write it and are not in the graph; 1,000 at most.")
    down = serializers.IntegerField(help_text="Jobs that read it and are not in the graph; 1,000 at most.")


class _Incomplete(serializers.Serializer[Any]):
    failed = serializers.IntegerField(help_text="Statements of the latest run whose lineage is not known.")
    total = serializers.IntegerField(help_text="0: not known.")


class _Frame(serializers.Serializer[Any]):
    """Job whose run started the run of another job that writes this dataset."""

    id = serializers.UUIDField()
    connection = serializers.UUIDField()
    namespace = serializers.CharField()
    name = serializers.CharField()


class _Similar(serializers.Serializer[Any]):
    """Dataset whose name differs only in capitals, quotes or the port."""

    id = serializers.CharField(help_text="`dataset:<id>`.")
    namespace = serializers.CharField()
    name = serializers.CharField()


_CHANGE: Final = "Since the time `compare`. Null: nothing is compared."
_WITHIN: Final = (
    "Jobs that write it, too, and whose run started this one: a task that runs a model. They are not drawn themselves. "
    "From near to far."
)


class _Node(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`dataset:<id>` or `job:<id>`.")
    kind = serializers.ChoiceField(("dataset", "job"))
    namespace = serializers.CharField()
    name = serializers.CharField()
    distance = serializers.IntegerField(help_text="In datasets from the focus; negative upstream.")
    connections = serializers.ListField(child=serializers.UUIDField())
    state = serializers.CharField(allow_null=True, help_text="Of a job: its latest run's. Of a dataset: its writers'.")
    written_by = serializers.ListField(child=serializers.UUIDField(), help_text="Jobs in the graph that write it.")
    within = serializers.ListField(child=_Frame(), help_text=f"Of a job, or of the jobs in `written_by`. {_WITHIN}")
    last_written_at = serializers.DateTimeField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True, help_text="After the last write.")
    checks = _Checks(allow_null=True, help_text="Of the latest run that checked it.")
    aliases = serializers.ListField(child=serializers.CharField(), help_text="Its other names: namespace and name.")
    partitions = serializers.IntegerField(
        help_text="Datasets whose names differ from its name in their ending only, such as `/day=2026-01-31`: they are "
        "one node. 0: it has none."
    )
    similar = serializers.ListField(child=_Similar(), help_text="Perhaps one table with it. They are never merged.")
    dropped_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was dropped, or renamed to another name; null if it was written since."
    )
    referenced_only = serializers.BooleanField(help_text="True: no job writes it, and nothing more is known.")
    more = _More()
    incomplete = _Incomplete(
        allow_null=True, help_text="Null: its sender found out what all statements read and write."
    )
    impact = serializers.ChoiceField(
        ("failed", "waiting", "old_data", "fresh_again"),
        allow_null=True,
        help_text="What a failure upstream means for it. `waiting`: its job did not run since. `old_data`: it did, too "
        "early. Null: no failure concerns it.",
    )
    columns = serializers.ListField(
        child=serializers.CharField(), help_text="Of its schema, then others that edges name. Empty: not asked for."
    )
    change = serializers.ChoiceField(CHANGES, allow_null=True, help_text=_CHANGE)


_COLUMN: Final = inline_serializer(
    "LineageColumn",
    {
        "from": serializers.CharField(),
        "to": serializers.CharField(help_text="Empty: all columns, such as of a filter."),
        "type": serializers.ChoiceField(("DIRECT", "INDIRECT")),
        "subtype": serializers.CharField(help_text="Empty: the sender does not say how."),
    },
)
_EDGE: Final = inline_serializer(
    "LineageEdge",
    {
        "from": serializers.CharField(),
        "to": serializers.CharField(),
        "kind": serializers.ChoiceField(("current", "varying", "declared", "implied", "renamed", "depends")),
        "evidence": serializers.ChoiceField(
            ("explicit", "columns", "assumed", ""),
            help_text="`explicit`: the sender states it. `columns`: it names columns of the one as sources of the "
            "other. `assumed`: each input of a job counts for each output. Empty: stated.",
        ),
        "jobs": serializers.ListField(child=serializers.UUIDField(), help_text="Through which the data flows."),
        "within": serializers.ListField(child=_Frame(), help_text=f"Of the jobs in `jobs`. {_WITHIN}"),
        "effects": serializers.IntegerField(
            help_text="Bits: 1 data, 2 ALTER, 4 RENAME, 8 DROP, 16 TRUNCATE, 32 implied, 64 explicit."
        ),
        "last_at": serializers.DateTimeField(allow_null=True, help_text="The last hour in which it was seen."),
        "columns": serializers.ListField(child=_COLUMN),
        "change": serializers.ChoiceField(CHANGES, allow_null=True, help_text=_CHANGE),
    },
)


class _Cut(serializers.Serializer[Any]):
    nodes = serializers.IntegerField(
        help_text="Datasets that `limit` leaves out, at least: the walk ends when it is reached."
    )


class LineageSerializer(serializers.Serializer[Any]):
    """Graph of datasets and jobs."""

    focus = serializers.CharField(allow_null=True)
    direction = serializers.ChoiceField(DIRECTIONS)
    depth = serializers.IntegerField()
    at = serializers.DateTimeField(allow_null=True)
    compare = serializers.DateTimeField(allow_null=True)
    nodes = serializers.ListField(child=_Node())
    edges = serializers.ListField(child=_EDGE)
    cut = _Cut()


def read_lineage(request: Request) -> dict[str, Any]:
    """Return the answer to a request, as LineageSerializer has it. Raises ValidationError and Http404."""
    try:
        asked = asked_in(request.query_params.dict(), visible_connections(request.user), now=timezone.now())
    except WrongParameter as error:
        raise ValidationError({error.name: [error.message]}) from None
    if asked is None:
        raise Http404
    return as_json(answer_to(asked))


def as_json(found: Answer) -> dict[str, Any]:
    focus = found.focus
    return {
        "focus": focus.key if focus else None,
        "direction": found.question.direction,
        "depth": found.question.depth,
        "at": found.question.at,
        "compare": found.question.compare,
        "nodes": [_node(node) for node in found.nodes],
        "edges": [_edge(edge, found) for edge in found.edges],
        "cut": {"nodes": found.left_out},
    }


def _node(node: FoundNode) -> dict[str, Any]:
    results = node.results
    return {
        "id": node.key,
        "kind": node.kind,
        "namespace": node.namespace,
        "name": node.name,
        "distance": node.distance,
        "connections": [str(id_) for id_ in node.connection_ids],
        "state": node.state,
        "written_by": [str(job.id) for job in node.jobs],
        "within": [_frame(job) for job in node.within],
        "last_written_at": node.last_written_at,
        "rows": results.rows,
        "checks": {"failed": results.failed_checks, "count": results.checks} if results.checks else None,
        "aliases": list(node.aliases),
        "partitions": node.partitions,
        "similar": [{"id": f"dataset:{one.id}", "namespace": one.namespace, "name": one.name} for one in node.similar],
        "dropped_at": node.dropped_at,
        "referenced_only": node.referenced_only,
        "more": {"up": node.more_up, "down": node.more_down},
        "incomplete": node.extraction._asdict() if node.extraction else None,
        "impact": node.impact,
        "columns": list(node.columns),
        "change": node.change or None,
    }


def _frame(job: JobDetails) -> dict[str, Any]:
    return {"id": str(job.id), "connection": str(job.connection_id), "namespace": job.namespace, "name": job.name}


def _edge(edge: FoundEdge, found: Answer) -> dict[str, Any]:
    return {
        "from": edge.source,
        "to": edge.target,
        "kind": edge.kind,
        "evidence": edge.evidence,
        "jobs": [str(job) for job in edge.jobs],
        "within": [_frame(found.frames[job]) for job in edge.within if job in found.frames],
        "effects": edge.effects,
        "last_at": edge.last_at,
        "columns": [
            {"from": column.source, "to": column.target, "type": column.type, "subtype": column.subtype}
            for column in edge.columns
        ],
        "change": edge.change or None,
    }
