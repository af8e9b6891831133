"""Routes of the URLconf, and rows for the ids in them."""

import re
import uuid
from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.http import urlsafe_base64_encode

from audit.models import AuditEntry
from connections.models import ApiKey, Attempt, Connection, ConnectionAccess, Route, UnmatchedNamespace, WorkspaceKey
from lineage.models import Activity, Edge, Event, Job, Run
from people.models import ApiToken
from people.password_links import LinkTokens
from pull.models import PullSource, SyncRun
from tests.lineage.dataset_rows import save_dataset

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield each pattern of the URLconf that leads to a view, with the route before it."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, prefix + str(pattern.pattern))
        else:
            assert isinstance(pattern, URLPattern)
            yield prefix, pattern


def routes() -> Iterator[str]:
    """Yield every route once, as the URLconf writes it; long expressions by their name."""
    named = {"intake", "app_list"}
    yield from dict.fromkeys(f"{prefix}{p.name if p.name in named else p.pattern}" for prefix, p in patterns())


def callbacks() -> Iterator[Callable[..., Any]]:
    """Return the view of every route."""
    return (pattern.callback for _, pattern in patterns())


def of_workspace(connection: Connection) -> tuple[WorkspaceKey, Route, UnmatchedNamespace]:
    """Make a workspace key, a route, and a namespace that has none."""
    key = WorkspaceKey.objects.create(name="all", lookup="w", created_at=NOW)
    route = Route.objects.create(namespace="n", connection=connection, created_at=NOW)
    unmatched = {"namespace": "m", "reason": "no_route", "type": "dbt", "last_at": NOW}
    return key, route, UnmatchedNamespace.objects.create(workspace_key=key, **unmatched)


def fetched(connection: Connection) -> tuple[PullSource, SyncRun]:
    """Make a source of the connection, and a sync."""
    of = {"connection": connection, "system": "airflow", "config": {"url": "https://a"}}
    source = PullSource.objects.create(created_at=NOW, next_at=NOW, **of)
    return source, SyncRun.objects.create(source=source, began_at=NOW)


class World:
    """Rows: one of each model that a route can name."""

    def __init__(self) -> None:
        connection = Connection.objects.create(name="Warehouse", type="dbt", created_at=NOW)
        of = {"connection": connection}
        times = {"first_event_at": NOW, "last_event_at": NOW}
        other = User.objects.create(username="other")
        key = ApiKey.objects.create(name="worker", lookup="l", created_at=NOW, **of)
        workspace = of_workspace(connection)
        job = Job.objects.create(id=uuid.uuid4(), namespace="n", name="j", described_at=NOW, **of)
        [run] = Run.objects.bulk_create(
            [Run(id=uuid.uuid4(), run_id=uuid.uuid4(), job=job, event_count=1, **times, **of)]
        )
        event = {"event_time": NOW, "received_at": NOW, "kind": "RUN", "subject_id": run.id}
        edge = {"job": job, "dataset_id": uuid.uuid4(), "direction": "READS"}
        event_row = Event.objects.create(id=uuid.uuid4(), body="{}", body_bytes=2, **event, **of)
        rows = [
            connection,
            *fetched(connection),
            key,
            *workspace,
            job,
            run,
            other,
            Attempt.objects.create(at=NOW, outcome="stored", status=201, **of),
            ConnectionAccess.objects.create(user=other, level="view", **of),
            event_row,
            save_dataset(connection, "d"),
            Edge.objects.create(id=uuid.uuid4(), first_event_hour=NOW, last_event_hour=NOW, **edge, **of),
            Activity.objects.create(**times, **of),
            EmailAddress.objects.create(user=other, email="other@example.com"),
            UserSession.objects.create(user=other, ip="192.0.2.1", session_key="k"),
            Authenticator.objects.create(user=other, type="totp", data={}),
            SocialAccount.objects.create(user=other, provider="sso", uid="u"),
            ApiToken.objects.create(user=other, name="t", lookup="t", created_at=NOW, expires_at=NOW),
            Group.objects.create(name="others"),
            AuditEntry.objects.create(via="page", verb="added", object="group"),
        ]
        self._rows = {row._meta.label_lower: row for row in rows}
        self._ids: dict[str, Any] = {"connection_id": connection.id, "key_id": key.id, "event_id": event_row.id}
        self._ids |= {"job_id": job.id, "run_id": run.run_id, "dataset_id": self._rows["lineage.dataset"].pk}
        self._ids |= {"workspace_key_id": workspace[0].pk, "route_id": workspace[1].pk} | self._further_ids(other)

    def _further_ids(self, person: User) -> dict[str, Any]:
        return {
            "factor_id": self._rows["mfa.authenticator"].pk,
            "token_id": self._rows["people.apitoken"].pk,
            "access_id": self._rows["connections.connectionaccess"].pk,
            "person_id": person.pk,
            "uidb64": urlsafe_base64_encode(b"%d" % person.pk),
            "token": LinkTokens().make_token(person),
        }

    def path(self, route: str) -> str:
        """Return the path of an existing route, with ids of existing rows."""
        if route == "intake":
            return f"/gateway/openlineage/{self._ids['connection_id']}"
        if route == "admin/app_list":
            return "/admin/lineage/"
        if match := re.match(r"admin/(\w+)/(\w+)/.*<", route):
            row = self._rows[f"{match[1]}.{match[2]}"]
            model_admin = admin.site.get_model_admin(type(row))
            address = model_admin.address_of(row) if hasattr(model_admin, "address_of") else row.pk
            return "/" + re.sub(r"<[^>]+>", lambda _: quote(str(address)), route)
        return "/" + re.sub(r"<\w+:(\w+)>", lambda match: str(self._ids[match[1]]), route.replace("(?P<url>.*)$", "x"))


def ask(client: Client, method: str, path: str, **options: Any) -> Any:
    """Send a request, and roll back what it changed."""
    cookies = copy(client.cookies)
    with transaction.atomic():
        response = client.generic(method, path, **options)
        transaction.set_rollback(True)
    client.cookies = cookies
    return response
