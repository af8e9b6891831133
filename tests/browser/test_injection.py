"""Texts that events and people give are only shown: on no page do they run, load or change anything.

Fifty payloads are in every text field, and each page is opened in Chromium: as a page, and what htmx swaps into it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Dialog, Page, Request

from connections.models import MAX_TEXT_LENGTH, ApiKey, Attempt, Connection
from connections.names import MAX_NAME_LENGTH, validate_name
from lineage.events.document import MAX_NAME_CHARACTERS
from lineage.models import Dataset, Event, Job, Run
from tests.browser.payloads import ELSEWHERE, PAYLOADS, texts
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import Sender
from tests.web.test_pages_read_first import page_routes

OpenPage = Callable[..., Page]

NAMES = list(texts(MAX_NAME_LENGTH))
# As long as texts of events may be.
TEXTS = list(texts(MAX_NAME_CHARACTERS - len(".task")))
# Elements and attributes that no page has by itself. What a payload makes is found also if the policy keeps it from
# running.
FOREIGN = r"""
const leadsAway = (value, elsewhere) => {
    try {
        const url = new URL(value, location.href);
        return url.protocol === "javascript:" || url.href.startsWith("data:text") || url.host === elsewhere;
    } catch {
        return false;
    }
};
const foreign = (page, elsewhere) => [...page.querySelectorAll("*")].filter((element) =>
    element.matches("iframe, object, embed, base, marquee, video, math, animate, noscript, style, meta[http-equiv]")
    || element.matches("script:not([src], [type='application/json'])")
    || [...element.attributes].some(({ name, value }) =>
        /^on|^(data-)?hx-on/.test(name)
        || /^(href|src|action|data)$/.test(name) && leadsAway(value, elsewhere)
        || name === "hx-get" && value === "/sign-out")
).map((element) => element.outerHTML);
"""
CHECK = f"(elsewhere) => {{ {FOREIGN} return foreign(document, elsewhere); }}"
READ = f"""
async ([path, elsewhere]) => {{
    {FOREIGN}
    const page = await (await fetch(path)).text();
    return foreign(new DOMParser().parseFromString(page, "text/html"), elsewhere);
}}
"""
SWAP = """
async ([path, target]) => { await htmx.ajax("GET", path, { target, swap: "innerHTML" }); }
"""
ADMIN_LISTS = ["connections/connection", "connections/apikey", "lineage/job", "lineage/run", "lineage/dataset"]


class Watched:
    """Page on which nothing may happen that a payload wants."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        self._host = urlsplit(page.url).netloc
        page.on("dialog", self._refuse)
        page.on("request", self._check_request)
        page.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))")

    def visit(self, path: str) -> None:
        self.page.goto(path)
        self.check(path)

    def read(self, path: str) -> None:
        """Parse a page without showing it, which takes a tenth of the time."""
        self.found += [f"{path}: {html}" for html in self.page.evaluate(READ, [path, ELSEWHERE])]

    def swap(self, path: str, target: str) -> None:
        """Have htmx put what the path answers to it into an element."""
        self.page.evaluate(SWAP, [path, target])
        self.check(f"{path} in {target}")

    def check(self, where: str) -> None:
        self.found += [f"{where}: {html}" for html in self.page.evaluate(CHECK, ELSEWHERE)]

    def _refuse(self, dialog: Dialog) -> None:
        self.found.append(f"{self.page.url}: dialog {dialog.message}")
        dialog.dismiss()

    def _check_request(self, request: Request) -> None:
        if urlsplit(request.url).netloc not in {self._host, ""}:
            self.found.append(f"{self.page.url}: asks {request.url}")


@pytest.fixture
def senders(product: object) -> list[Sender]:
    """Connections with all payloads in their names; the first ones with all of them in all fields of events."""
    senders = [make_sender(number, name) for number, name in enumerate(NAMES)]
    for number, text in enumerate(TEXTS):
        send_events(senders[number], number, text)
    return senders


def make_sender(number: int, name: str) -> Sender:
    validate_name(name)
    now = timezone.now()
    connection = Connection.objects.create(name=name, type="airflow", created_at=now)
    key = ApiKey.objects.create(connection=connection, name=name, lookup=f"lookup {number}", created_at=now)
    Attempt.objects.bulk_create(
        Attempt(
            connection=connection, at=now, outcome="rejected", status=400, reason=text, key_name=name, job_name=text
        )
        for text in texts(MAX_TEXT_LENGTH)
    )
    return Sender(connection, key)


def send_events(sender: Sender, number: int, text: str) -> None:
    """Send two failed tries of a task, and the failed run that it is part of."""
    now = timezone.now()
    parent, *tries = (UUID(int=10 * number + digit) for digit in range(1, 4))
    common = {"namespace": text, "producer": text, "schemaURL": text, "job_facets": job_facets(text)}
    tables = [dataset(name, name, documentation={"description": name}) for name in (text, *PAYLOADS)]
    tests = [{"assertion": name, "success": False, "column": name} for name in PAYLOADS]
    inputs = [{**tables[0], "inputFacets": {"dataQualityAssertions": {"assertions": tests}}}, *tables[1:]]
    of_parent = {"parent": {"run": {"runId": str(parent)}, "job": {"namespace": text, "name": text}}}
    for run, job, facets in ((parent, text, {}), *((run, f"{text}.task", of_parent) for run in tries)):
        fields = common | {"run": str(run), "job": job, "run_facets": facets | run_facets(text)}
        sender.send(
            run_event("START", now.isoformat(), **fields),
            run_event("FAIL", now.isoformat(), **fields, inputs=inputs, outputs=tables),
            now=now,
        )


def run_facets(text: str) -> dict[str, Any]:
    return {
        "errorMessage": {"message": text, "programmingLanguage": text, "stackTrace": text},
        "externalQuery": {"externalQueryId": text, "source": text},
        "processing_engine": {"name": text, "version": text, "openlineageAdapterVersion": text},
        "airflow": {
            "dag": {"dag_id": text, "owner": text, "tags": text, "description": text},
            "dagRun": {"run_id": text, "run_type": text},
            "taskInstance": {"try_number": 1},
            "task": {"task_id": text, "operator_class": text, "retries": 2},
        },
        "tags": {"tags": [{"key": name, "value": name, "source": name} for name in PAYLOADS]},
        text: {text: [text, {text: text}]},
    }


def job_facets(text: str) -> dict[str, Any]:
    return {
        "documentation": {"description": text},
        "ownership": {"owners": [{"name": name, "type": name} for name in PAYLOADS]},
        "tags": {"tags": [{"key": name, "value": name, "source": name} for name in PAYLOADS]},
        "jobType": {"jobType": "TASK", "integration": text, "processingType": text},
        "sourceCodeLocation": {"type": text, "url": text, "repoUrl": text},
        "sql": {"query": text},
        text: {text: text},
    }


def ids_of(sender: Sender) -> Iterator[dict[str, object]]:
    """Yield values for the parameters of routes."""
    own: dict[str, object] = {"connection_id": sender.connection.pk}
    yield own
    yield own | {"key_id": sender.key.pk}
    for of_text in Dataset.objects.of(sender.connection).order_by("id")[:3]:
        yield {"dataset_id": of_text.id}
    for job in Job.objects.of(sender.connection):
        yield own | {"job_id": job.id}
        run = Run.objects.of(sender.connection).filter(job=job).order_by("id")[0]
        yield own | {"run_id": run.run_id}
        event = Event.objects.of(sender.connection).filter(subject_id=run.id)[0]
        yield own | {"run_id": run.run_id, "event_id": event.id}


def paths_of(sender: Sender) -> Iterator[str]:
    """Yield the path of each page of a connection. A document as received is a download, no page."""
    for ids in ids_of(sender):
        for route in page_routes():
            if set(re.findall(r"<\w+:(\w+)>", route)) == ids.keys() and not route.endswith(".json"):
                yield "/" + re.sub(r"<\w+:(\w+)>", lambda match: str(ids[match[1]]), route)  # noqa: B023


def test_texts_are_only_shown(open_page: OpenPage, administrator: User, senders: list[Sender]) -> None:
    assert len(PAYLOADS) >= 50
    watched = Watched(open_page("/connections", administrator))
    for sender in senders[: len(TEXTS)]:
        for path in paths_of(sender):
            watched.visit(path)
            for region in watched.page.locator("[data-live]").all():
                watched.swap(path, f"#{region.get_attribute('id')}")
    for sender in senders[len(TEXTS) :]:
        for path in paths_of(sender):
            watched.read(path)
    assert watched.found == []
    check_texts(watched.page, senders[0], TEXTS[0])


def check_texts(page: Page, sender: Sender, text: str) -> None:
    """Check that the texts are on the pages: the tests would pass on pages without them."""
    job = Job.objects.of(sender.connection).get(name=f"{text}.task")
    for path in (f"jobs/{job.id}", f"runs/{job.latest_run_sent_id}"):
        page.goto(f"/connections/{sender.connection.pk}/{path}")
        for shown in (PAYLOADS[0], PAYLOADS[-1], text):
            assert shown in (page.text_content("main") or "")


def test_lists_only_show_them(open_page: OpenPage, administrator: User, senders: list[Sender]) -> None:
    watched = Watched(open_page("/connections", administrator))
    lists = [f"/{route}" for route in page_routes() if "<" not in route and route not in {"sign-out", "audit.csv"}]
    lists += [f"/admin/{name}/" for name in ADMIN_LISTS]
    lists += ["/runs?cursor=x", "/datasets?namespace=x", "/search?q=alert", "/search?q=script", "/api/v1/docs"]
    for path in lists:
        watched.visit(path)
    for region, path in {
        "runs": "/runs",
        "datasets": "/datasets",
        "connection-list": "/connections",
        "search-list": "/search?q=alert",
    }.items():
        watched.visit(path)
        watched.swap(path, f"#{region}")
    assert watched.found == []


def test_addresses_only_show_them(open_page: OpenPage, administrator: User, senders: list[Sender]) -> None:
    watched = Watched(open_page("/connections", administrator))
    own = f"/connections/{senders[0].connection.pk}"
    paths = [
        "/connections?q={}",
        "/runs?q={}",
        "/datasets?q={}",
        "/datasets?namespace={}",
        "/runs?orchestrator_run_id={}",
        "/search?q={}",
        f"{own}?q={{}}",
        "/{}",
    ]
    for text in texts(1000):
        for path in paths:
            watched.visit(path.format(quote(text, safe="")))
    watched.visit("/sign-in?next=javascript:alert(1)")
    assert watched.found == []


def test_what_would_happen_is_noticed(open_page: OpenPage) -> None:
    """The test sees each kind of harm where a text is not escaped, and no policy forbids it."""
    page = open_page("/sign-in")
    watched = Watched(page)
    page.goto("about:blank")
    page.set_content(f"<img src=x onerror=alert(1)><img src=//{ELSEWHERE}/x.png><b hx-on:click=x></b><base href=/x>")
    watched.check("here")

    found = " ".join(watched.found)
    assert all(sign in found for sign in ("dialog 1", "hx-on:click", "<base", "onerror"))
