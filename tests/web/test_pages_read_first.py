"""Every page reads the database before its template renders, and sends few words to it however much it shows."""

import re
import uuid
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import connection as database
from django.template.backends.django import Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.actions import create_connection
from connections.models import ApiKey, Connection, ConnectionAccess, WorkspaceKey
from connections.routes import claim_route
from connections.routing import Unrouted
from connections.workspace_keys import Unmatched, create_workspace_key, note_unmatched
from lineage.models import Dataset, Event, Job, Run
from people.models import ApiToken
from people.password_links import make_password_link
from people.tokens import create_api_token
from tests.house.routes import routes
from tests.lineage.build import at, run_event
from tests.lineage.conftest import make_sender
from tests.web.everything import FAILED_TASK, PARENT, UNKNOWN_PARENT, Everything, SampleLines, make_everything

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_sample_events", "no_query_while_rendering")]

# With the statements of lineage, which PostgreSQL keeps prepared: their text is sent once for each session.
MOST_BYTES_OF_SQL = 15 * 1024
NOT_THERE = "00000000-0000-0000-0000-0000000000ff"
# The DOM id of the region or dialog that each page answers with by itself.
REGIONS = {
    "": "now",
    "jobs": "jobs",
    "runs": "runs",
    "datasets": "datasets",
    "datasets/<uuid:dataset_id>": "dataset",
    "search": "search-list",
    "connections": "connection-list",
    "connections/<uuid:connection_id>": "overview",
    "connections/<uuid:connection_id>/jobs/<uuid:job_id>": "job",
    "connections/<uuid:connection_id>/runs/<uuid:run_id>": "run",
    "connections/<uuid:connection_id>/settings": "arrivals",
    "connections/add": "dialog-content",
    "connections/<uuid:connection_id>/routes/add": "dialog-content",
    "connections/<uuid:connection_id>/routes/<int:route_id>/remove": "dialog-content",
    "account/factors/key": "dialog-content",
    "account/factors/<int:factor_id>/remove": "dialog-content",
    "account/password": "dialog-content",
    "account/tokens/create": "dialog-content",
    "account/tokens/<uuid:token_id>/delete": "dialog-content",
    "connections/<uuid:connection_id>/rename": "dialog-content",
    "connections/<uuid:connection_id>/remove": "dialog-content",
    "connections/<uuid:connection_id>/access/visibility": "dialog-content",
    "connections/<uuid:connection_id>/access/add": "dialog-content",
    "connections/<uuid:connection_id>/access/<int:access_id>/remove": "dialog-content",
    "connections/<uuid:connection_id>/keys/generate": "dialog-content",
    "connections/<uuid:connection_id>/fetching/remove": "dialog-content",
    "connections/<uuid:connection_id>/test-event": "dialog-content",
    "connections/<uuid:connection_id>/keys/<uuid:key_id>/delete": "dialog-content",
}
QUERIES = {
    "": ("?kind=failing", "?owner=finance", "?page=2", "?kind=lost&owner=nobody"),
    "jobs": ("?q=load&state=FAILED", "?sort=-duration", "?open={parent}", "?connection=x&density=compact"),
    "runs": ("?q=load&kind=TASK&min=10", "?state=FAILED&range=7d", "?q=nothing", "?orchestrator_run_id=x", "?cursor=x"),
    "datasets": ("?q=orders", "?connection=x", "?namespace=warehouse", "?q=nothing", "?cursor=x"),
    "datasets/<uuid:dataset_id>": ("?all=jobs", "?all=columns", "?all=history"),
    "search": ("?q=shop", "?q=job", f"?q={FAILED_TASK}", "?q=nothing"),
    "connections": ("?q=shop&type=dbt", "?status=connected&sort=-jobs", "?q=nothing"),
    "connections/<uuid:connection_id>": (
        "?q=load&state=FAILED",
        "?sort=-duration&page=2",
        "?open={parent}",
        "?q=nothing",
    ),
    "connections/<uuid:connection_id>/jobs/<uuid:job_id>": ("?state=FAILED&min=10", "?range=1h"),
    "connections/<uuid:connection_id>/runs/<uuid:run_id>": ("?state=FAILED", "?state=RUNNING", "?read=all"),
    "connections/<uuid:connection_id>/settings": ("?guide=curl",),
}


@pytest.fixture
def no_query_while_rendering() -> Iterator[None]:
    render = Template.render

    def refuse(_execute: Any, sql: str, *_: Any) -> None:
        raise AssertionError(f"a query while a template renders: {sql}")

    def guarded(self: Template, *args: Any, **options: Any) -> Any:
        with database.execute_wrapper(refuse):
            return render(self, *args, **options)

    with mock.patch.object(Template, "render", guarded):
        yield


@pytest.fixture
def everything(db: None, sample_lines: SampleLines) -> Everything:
    return make_everything(sample_lines)


def page_routes() -> list[str]:
    """The routes of pages, with that of the API's docs: not of the API itself, of the operators' site or of probes."""
    return [route for route in routes() if not re.match(r"admin/|api/v1/(?!docs)|intake|metrics", route)]


def addresses() -> Iterator[tuple[str, str]]:
    """(route, path) of every page, for each connection and some of its jobs and runs."""
    for route in page_routes():
        if "<" not in route:
            yield route, f"/{route}"
    yield from _addresses_of_people()
    for connection in Connection.objects.all():
        for ids in (*_ids(connection), *_ids_of_datasets(connection)):
            for route in page_routes():
                if set(re.findall(r"<\w+:(\w+)>", route)) == ids.keys():
                    yield route, "/" + re.sub(r"<\w+:(\w+)>", lambda match: str(ids[match[1]]), route)  # noqa: B023


def _addresses_of_people() -> Iterator[tuple[str, str]]:
    for token in ApiToken.objects.all():
        yield "account/tokens/<uuid:token_id>/delete", f"/account/tokens/{token.pk}/delete"
    for factor in Authenticator.objects.all():
        yield "account/factors/<int:factor_id>/remove", f"/account/factors/{factor.pk}/remove"
    for key in WorkspaceKey.objects.all():
        yield "workspace-keys/<uuid:workspace_key_id>/delete", f"/workspace-keys/{key.pk}/delete"
    for person in User.objects.filter(is_superuser=False):
        uid, secret = make_password_link(user=person, now=timezone.now())
        yield "account/password/<str:uidb64>/<str:token>", f"/account/password/{uid}/{secret}"
        for verb in ("role", "link", "factors/remove", "deactivate", "reactivate"):
            yield f"people/<int:person_id>/{verb}", f"/people/{person.pk}/{verb}"
    for access in ConnectionAccess.objects.all():
        path = f"/connections/{access.connection_id}/access/{access.pk}/remove"
        yield "connections/<uuid:connection_id>/access/<int:access_id>/remove", path


def _ids(connection: Connection) -> Iterator[dict[str, Any]]:
    own = {"connection_id": connection.pk}
    yield own
    for job in Job.objects.of(connection).order_by("-kind", "name", "id")[:3]:
        yield own | {"job_id": job.id}
    for run_id in (PARENT, FAILED_TASK, UNKNOWN_PARENT, NOT_THERE):
        yield own | {"run_id": run_id}
    for run in Run.objects.of(connection).order_by("shown_state", "id")[::25]:
        yield own | {"run_id": run.run_id}
    for event in Event.objects.of(connection)[:1]:
        yield own | {"run_id": Run.objects.of(connection).get(id=event.subject_id).run_id, "event_id": event.id}
    for key in ApiKey.objects.filter(connection=connection):
        yield own | {"key_id": key.id}
    for route in connection.routes.all():
        yield own | {"route_id": route.pk}


def _ids_of_datasets(connection: Connection) -> Iterator[dict[str, Any]]:
    for dataset in Dataset.objects.of(connection).order_by("name")[::2]:
        yield {"dataset_id": dataset.id}


def visit(client: Client, path: str, **headers: str) -> Any:
    """Ask for a page, and sum up the text of its statements, without the values that are sent beside it."""
    statements: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with database.execute_wrapper(note):
        response = client.get(path, headers=headers)
    size = sum(map(len, statements))
    assert size <= MOST_BYTES_OF_SQL, f"{path}: {size} bytes of SQL in {len(statements)} statements"
    return response


def visit_all(client: Client) -> dict[str, set[int]]:
    """Route → the statuses of its answers: as a page, as a fragment, and with its queries."""
    statuses: dict[str, set[int]] = {}
    parent = Job.objects.filter(parent_job_id__isnull=False).values_list("parent_job_id", flat=True).first()
    for route, path in addresses():
        headers = {"HX-Request": "true", "HX-Target": REGIONS[route]} if route in REGIONS else {}
        found = statuses.setdefault(route, set())
        is_first = not found
        for query in ("", *(QUERIES.get(route, ()) if is_first else ())):
            found.add(visit(client, path + query.format(parent=parent)).status_code)
        if headers:
            found.add(visit(client, path, **headers).status_code)
    return statuses


@pytest.mark.usefixtures("everything")
def test_no_page_queries_while_it_renders(as_viewer: Client, as_editor: Client, client: Client, editor: User) -> None:
    create_api_token(user=editor, name="report", now=timezone.now())
    Authenticator.objects.create(user=editor, type="totp", data={})
    _make_workspace()
    for connection in Connection.objects.all():
        ConnectionAccess.objects.create(connection=connection, user=editor, level="admin")
    statuses = visit_all(as_editor)
    assert statuses.keys() == set(page_routes())
    assert statuses["connections/<uuid:connection_id>/runs/<uuid:run_id>"] == {200, 404}
    assert [route for route in REGIONS if 200 not in statuses[route]] == []
    for path, status in (("/connections", 200), ("/runs", 200), ("/nothing", 404), ("/connections/add", 403)):
        assert visit(as_viewer, path).status_code == status
    for path, status in (("/sign-in", 200), ("/sign-in/inactive", 200), ("/nothing", 404)):
        assert visit(client, path).status_code == status
    # Editors may not see these.
    client.force_login(User.objects.create(username="administrator", is_superuser=True))
    of_workspace = [path for route, path in addresses() if route.startswith("workspace-keys")]
    assert [visit(client, path).status_code for path in of_workspace] == [200] * 4


def _make_workspace() -> None:
    now = timezone.now()
    connections = list(Connection.objects.all())
    claim_route(connection=connections[0], namespace="shop", now=now)
    new = create_workspace_key(name="all", default_connection=connections[0], created_by=None, now=now)
    create_workspace_key(name="some", chosen=connections, created_by=None, now=now)
    unmatched = [Unmatched(reason.value, reason) for reason in Unrouted]
    note_unmatched(key_id=new.workspace_key.pk, unmatched=unmatched[:4], now=now)


def test_no_page_of_administrators_queries_while_it_renders(as_administrator: Client, viewer: User) -> None:
    create_connection(name="Lake", type="dbt", created_by=None, now=timezone.now())
    uid, secret = make_password_link(user=viewer, now=timezone.now())
    dialogs = [f"/people/{viewer.pk}/{verb}" for verb in ("role", "link", "factors/remove", "deactivate", "reactivate")]
    pages = [("/audit", "audit"), ("/audit?q=lake&density=compact", "audit"), ("/audit.csv", "")]
    pages += [("/people", "people"), ("/people?q=view&role=viewer", "people")]
    pages += [(path, "dialog-content") for path in ("/people/add", *dialogs)]
    for path, region in pages:
        headers = {"HX-Request": "true", "HX-Target": region} if region else {}
        assert visit(as_administrator, path).status_code == visit(as_administrator, path, **headers).status_code == 200
    assert visit(as_administrator, f"/account/password/{uid}/x").status_code == 410
    form = visit(as_administrator, f"/account/password/{uid}/{secret}")["Location"]
    assert visit(as_administrator, form).status_code == 200


def test_no_empty_page_queries_while_it_renders(as_editor: Client, as_viewer: Client) -> None:
    for path in (
        "/",
        "/connections",
        "/jobs",
        "/runs",
        "/datasets",
        f"/datasets/{NOT_THERE}",
        "/search",
        "/search?q=x",
        f"/connections/{NOT_THERE}",
    ):
        visit(as_editor, path)
        visit(as_viewer, path)


def test_the_page_of_a_run_that_sent_nothing_takes_as_many_queries_for_thirty_child_runs(as_viewer: Client) -> None:
    facets = {"parent": {"run": {"runId": PARENT}, "job": {"namespace": "namespace", "name": "shop"}}}
    sender = make_sender()

    def queries(children: int) -> int:
        ids = [str(uuid.UUID(int=children * 100 + number)) for number in range(children)]
        sender.send(*(run_event("START", at(1), run=run, job=f"shop.{run}", run_facets=facets) for run in ids))
        with CaptureQueriesContext(database) as found:
            assert visit(as_viewer, f"/connections/{sender.connection.pk}/runs/{PARENT}").status_code == 404
        return len(found)

    assert queries(1) == queries(30)
