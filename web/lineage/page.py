"""The page of lineage: the graph around a dataset, a job or a run, as a picture, as a table and as CSV."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.models import Connection
from lineage.datasets.likeness import MOST_FOLLOWED, NamedDataset
from lineage.datasets.names import shown_name
from lineage.events.extraction import in_words
from lineage.graph.asked import WrongParameter, asked_in
from lineage.graph.compare import answer_to
from lineage.graph.details import JobDetails
from lineage.graph.found import CHANGES, Answer, FoundNode
from lineage.graph.nodes import State
from lineage.graph.picture import Picture
from lineage.graph.question import DEFAULT_DEPTH, MAX_DEPTH, MAX_EXPANDED
from lineage.models import Dataset, Job
from web.components.rendering import for_this_reader, render_page
from web.lineage.choices import CSV, SVG, TABLE, LineageChoices
from web.lineage.filling import picture, state_of
from web.lineage.svg import file_name, svg_file
from web.lineage.table import TableRow, csv_file, table_rows
from web.lineage.tracing import Trace, trace_of

LIST: Final = "lineage"
_MOST_FOUND: Final = 20
# Writers or neighbours that the panel lists. All are in the table.
MOST_IN_PANEL: Final = 10
_DIRECTIONS: Final = (("up", "Upstream"), ("both", "Both"), ("down", "Downstream"))


@dataclass(frozen=True, slots=True)
class Option:
    title: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Node that the panel lists, with the URL that selects it."""

    node: FoundNode
    state: State | None
    url: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Details of the node that is selected, or of the focus. `upstream`, `downstream`: all neighbours, of which the
    panel lists the first."""

    node: FoundNode
    state: State | None
    upstream: list[Neighbour]
    downstream: list[Neighbour]
    choices: LineageChoices

    @property
    def writers(self) -> list[JobDetails]:
        """Return the first writers of a dataset: those that failed, then by name."""
        return sorted(self.node.jobs, key=lambda job: (job.state != "FAILED", job.name))[:MOST_IN_PANEL]

    @property
    def most(self) -> int:
        return MOST_IN_PANEL

    @property
    def more_writers(self) -> int:
        return len(self.node.jobs) - len(self.writers)

    @property
    def focus_url(self) -> str:
        return self.choices.url(node=self.node.key, select=None, expand=None)

    @property
    def similar(self) -> list[tuple[NamedDataset, str]]:
        """Return the datasets that are perhaps one table with it, with the URL of their lineage."""
        return [
            (one, self.choices.url(node=f"dataset:{one.id}", select=None, expand=None)) for one in self.node.similar
        ]

    @property
    def checks(self) -> str:
        """Return how the latest checks of a dataset ended; empty if there are none."""
        results = self.node.results
        if not results.checks:
            return ""
        failed = results.failed_checks or 0
        return f"{failed} of {results.checks} failed" if failed else f"{results.checks} of {results.checks} passed"

    @property
    def partitions(self) -> str:
        """Return how many partitions a dataset has, and which of them the graph follows; empty if it has none."""
        count = self.node.partitions
        if count <= MOST_FOLLOWED:
            return f"{count:,}" if count else ""
        return f"{count:,}. The graph follows the last {MOST_FOLLOWED} by name."

    @property
    def extraction(self) -> str:
        return in_words(self.node.extraction) if self.node.extraction else ""

    @property
    def run(self) -> JobDetails | None:
        """Return the job whose latest run the button opens: of a dataset's writers one that failed comes first."""
        jobs = (self.node.job,) if self.node.job else self.node.jobs
        with_run = [job for job in jobs if job.run_id]
        return min(with_run, key=lambda job: (job.state != "FAILED", job.name), default=None)


@dataclass(frozen=True, slots=True)
class LineagePage:
    choices: LineageChoices
    answer: Answer
    picture: Picture | None
    rows: list[TableRow]
    panel: Panel | None
    trace: Trace | None

    @property
    def title(self) -> str:
        return self.answer.focus.title if self.answer.focus else ""

    @property
    def datasets(self) -> int:
        return sum(node.kind == "dataset" for node in self.answer.nodes)

    @property
    def hidden(self) -> int:
        """Number of jobs that read or write what is shown, and are not shown themselves."""
        return sum(node.more_up + node.more_down for node in self.answer.nodes)

    @property
    def summary(self) -> str:
        """Return in one sentence what is shown and what is not."""
        parts = [f"{self.datasets:,} dataset{'' if self.datasets == 1 else 's'}"]
        if self.answer.left_out:
            parts.append(f"at least {self.answer.left_out:,} more left out because the graph is full")
        if self.hidden:
            parts.append(f"{self.hidden:,} more readers and writers behind +N")
        if self.hidden and not self.choices.can_expand:
            parts.append(f"{MAX_EXPANDED} are expanded, the most at once")
        return ", ".join(parts)

    @property
    def path_links(self) -> list[Option]:
        """Return what can be locked of the node in the panel: the way from it, or to it if another one is locked."""
        if self.panel is None:
            return []
        key = self.panel.node.key
        start = self.choices.get("from")
        links = [Option("Path from here", self.choices.lock(key, None), is_chosen=False)] if start != key else []
        if start and start != key and self.choices.get("to") != key:
            links.append(Option("Path to here", self.choices.lock(start, key), is_chosen=False))
        return links

    @property
    def directions(self) -> list[Option]:
        chosen = self.answer.question.direction
        return [
            Option(title, self.choices.url(direction=None if value == "both" else value), chosen == value)
            for value, title in _DIRECTIONS
        ]

    @property
    def depths(self) -> list[Option]:
        chosen = self.answer.question.depth
        return [
            Option(f"Depth {n}", self.choices.url(depth=None if n == DEFAULT_DEPTH else str(n)), chosen == n)
            for n in range(1, MAX_DEPTH + 1)
        ]

    @property
    def at(self) -> datetime | None:
        """Return the moment that is shown. None: now."""
        return self.answer.question.at

    @property
    def compare(self) -> datetime | None:
        """Return the moment with which that is compared. None: with none."""
        return self.answer.question.compare

    @property
    def changes(self) -> str:
        """Return how many lines changed since the moment with which that is compared."""
        changes = [edge.change for edge in self.answer.edges]
        counts = [f"{changes.count(change):,} {change}" for change in CHANGES]
        return f"lines: {', '.join(counts)}"

    @property
    def is_table(self) -> bool:
        return self.choices.show == TABLE

    @property
    def graph_url(self) -> str:
        return self.choices.url(show=None)

    @property
    def table_url(self) -> str:
        return self.choices.url(show=TABLE)

    @property
    def csv_url(self) -> str:
        return self.choices.url(show=CSV)

    @property
    def svg_url(self) -> str:
        return self.choices.url(show=SVG)

    @property
    def png_name(self) -> str:
        return f"{file_name(self.title)}.png"

    @property
    def has_jobs(self) -> bool:
        return self.choices.get("view") == "jobs"

    @property
    def jobs_url(self) -> str:
        return self.choices.url(view=None if self.has_jobs else "jobs")

    @property
    def has_columns(self) -> bool:
        return self.choices.get("columns") in ("true", "all")

    @property
    def columns_url(self) -> str:
        return self.choices.url(columns=None if self.has_columns else "true", column=None)

    @property
    def has_indirect(self) -> bool:
        return self.choices.get("columns") == "all"

    @property
    def indirect_url(self) -> str:
        return self.choices.url(columns="true" if self.has_indirect else "all")

    @property
    def varying_url(self) -> str:
        return self.choices.url(varying="false" if self.answer.question.varying else None)


@require_safe
@login_required
def lineage(request: HttpRequest) -> HttpResponse:
    choices = LineageChoices.of(request.path, request.GET.dict())
    connections = {of.pk: of for of in Connection.objects.visible(request.user)}
    now = timezone.now()
    if not choices.get("node"):
        return _chooser(request, choices, connections)
    try:
        asked = asked_in(choices.parameters, list(connections), now=now)
        if asked is None:
            raise Http404
        found = answer_to(asked)
        choices = choices.with_whole_keys(node.key for node in found.nodes)
        trace = trace_of(found, choices)
    except WrongParameter as error:
        return _refusal(request, choices, error)
    if choices.show == CSV:
        return for_this_reader(_csv(found, trace, with_columns=asked.columns != "false"))
    if choices.show == SVG:
        absolute = choices.at(request.build_absolute_uri(choices.path), show=None)
        return for_this_reader(_svg(found, absolute, connections, trace, now))
    page = _page(found, trace, choices, connections, now)
    context = {"page": page, "choices": choices, "now": now, "asked": asked}
    return render_page(request, "lineage/lineage.html", context, region=LIST)


def _refusal(request: HttpRequest, choices: LineageChoices, error: WrongParameter) -> HttpResponse:
    """Answer with the field that finds something, and with what is wrong in the address."""
    context = {"choices": choices, "wrong": error, "found": [], "now": timezone.now()}
    response = render_page(request, "lineage/choose.html", context)
    response.status_code = HTTPStatus.BAD_REQUEST
    return response


def _csv(found: Answer, trace: Trace | None, *, with_columns: bool) -> HttpResponse:
    with timezone.override(UTC):
        return csv_file(found, trace, with_columns=with_columns)


def _svg(
    found: Answer,
    choices: LineageChoices,
    connections: Mapping[UUID, Connection],
    trace: Trace | None,
    now: datetime,
) -> HttpResponse:
    """Answer with the picture as a file. Its times are in UTC: it leaves the page, which names the reader's zone."""
    with timezone.override(UTC):
        return svg_file(picture(found, choices, connections, trace, now=now), found.focus.title if found.focus else "")


def _page(
    found: Answer,
    trace: Trace | None,
    choices: LineageChoices,
    connections: Mapping[UUID, Connection],
    now: datetime,
) -> LineagePage:
    is_table = choices.show == TABLE
    return LineagePage(
        choices,
        found,
        None if is_table else picture(found, choices, connections, trace, now=now),
        list(table_rows(found, trace)) if is_table else [],
        _panel(found, choices, now),
        trace,
    )


def _panel(found: Answer, choices: LineageChoices, now: datetime) -> Panel | None:
    selected = next((node for node in found.nodes if node.key == choices.get("select")), found.focus)
    if selected is None:
        return None
    nodes = {node.key: node for node in found.nodes}
    edges = [edge for edge in found.edges if not edge.is_for_columns and edge.kind != "depends"]

    def neighbours(keys: set[str]) -> list[Neighbour]:
        of = sorted((nodes[key] for key in keys), key=lambda node: node.name)
        return [Neighbour(node, state_of(node, now), choices.url(select=node.key)) for node in of]

    return Panel(
        selected,
        state_of(selected, now),
        neighbours({edge.source for edge in edges if edge.target == selected.key} - {selected.key}),
        neighbours({edge.target for edge in edges if edge.source == selected.key} - {selected.key}),
        choices,
    )


@dataclass(frozen=True, slots=True)
class Found:
    """Dataset or job that the field finds."""

    title: str
    namespace: str
    icon: str
    url: str


def _chooser(request: HttpRequest, choices: LineageChoices, connections: Mapping[UUID, Connection]) -> HttpResponse:
    """Answer with the field that finds a dataset or a job, and what it finds."""
    words = choices.get("q")
    datasets = Dataset.objects.filter(connection_id__in=connections).named(words)
    names = datasets.order_by("name", "namespace").values_list("id", "namespace", "name").distinct()[:_MOST_FOUND]
    found = [
        Found(shown_name(name), namespace, "database", choices.url(node=f"dataset:{id_}", q=None))
        for id_, namespace, name in names
    ]
    if words:
        jobs = Job.objects.shown().filter(connection_id__in=connections).named(words).order_by("name")[:_MOST_FOUND]
        found += [
            Found(job.name, job.namespace, "list-check", choices.url(node=f"job:{job.id}", q=None)) for job in jobs
        ]
    context = {"choices": choices, "found": found, "wrong": None, "most": _MOST_FOUND}
    return render_page(request, "lineage/choose.html", context)
