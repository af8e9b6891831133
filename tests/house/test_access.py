"""Access tables: the response of each route for each role, by each method.

A route that is missing in the table fails, so nobody adds one without stating who may use it.
"""

import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from connections.models import ApiKey, Connection
from tests.house.routes import NOW, World, ask, routes

pytestmark = pytest.mark.django_db

ROLES = ("anonymous", "viewer", "editor", "administrator")

# Responses to anonymous, viewer, editor and administrator, by GET and by POST: a status, or the target of a 302:
# `sign-in`, `closed` (the login of the operators' site) or `on` (anywhere else). Forms are posted empty: 422 means that
# a form was read, 400 or 404 that a request was.
PAGES = """
route                                                      | GET                          | POST
                                                           | sign-in 200    200    200    | 405     405    405    405
sign-in                                                    | 200     on     on     on     | 200     on     on     on
sign-in/inactive                                           | 200     200    200    200    | 405     405    405    405
sign-in/sso                                                | on      on     on     on     | 404     404    404    404
sign-in/sso/callback                                       | 404     404    404    404    | 405     405    405    405
sign-in/second-step                                        | on      on     on     on     | on      on     on     on
sign-out                                                   | on      200    200    200    | on      on     on     on
favicon.ico                                                | on      on     on     on     | 405     405    405    405
metrics                                                    | 401     403    403    200    | 405     405    405    405
account                                                    | sign-in 200    200    200    | 405     405    405    405
account/password                                           | sign-in 200    200    200    | sign-in 422    422    422
account/factors                                            | sign-in 200    200    200    | 405     405    405    405
account/factors/app                                        | sign-in 200    200    200    | sign-in 422    422    422
account/factors/key                                        | sign-in 200    200    200    | sign-in 422    422    422
account/factors/<int:factor_id>/remove                     | sign-in 404    404    404    | sign-in 404    404    404
account/recovery-codes                                     | sign-in 404    404    404    | sign-in 405    405    405
account/recovery-codes/make                                | sign-in 404    404    404    | sign-in 404    404    404
account/sessions/end                                       | 405     405    405    405    | sign-in on     on     on
account/tokens/create                                      | sign-in 200    200    200    | sign-in 422    422    422
account/tokens/<uuid:token_id>/delete                      | sign-in 404    404    404    | sign-in 404    404    404
workspace-keys                                             | sign-in 403    403    200    | 405     405    405    405
workspace-keys/add                                         | sign-in 403    403    200    | sign-in 403    403    422
workspace-keys/<uuid:workspace_key_id>/delete              | sign-in 403    403    200    | sign-in 403    403    on
account/password/<str:uidb64>/<str:token>                  | on      on     on     on     | on      on     on     on
people                                                     | sign-in 403    403    200    | 405     405    405    405
people/add                                                 | sign-in 403    403    200    | sign-in 403    403    422
people/<int:person_id>/role                                | sign-in 403    403    200    | sign-in 403    403    422
people/<int:person_id>/link                                | sign-in 403    403    200    | sign-in 403    403    200
people/<int:person_id>/factors/remove                      | sign-in 403    403    200    | sign-in 403    403    on
people/<int:person_id>/deactivate                          | sign-in 403    403    200    | sign-in 403    403    on
people/<int:person_id>/reactivate                          | sign-in 403    403    200    | sign-in 403    403    on
audit                                                      | sign-in 403    403    200    | 405     405    405    405
audit.csv                                                  | sign-in 403    403    200    | 405     405    405    405
theme                                                      | 405     405    405    405    | 400     400    400    400
time-zone                                                  | sign-in 200    200    200    | sign-in on     on     on
jobs                                                       | sign-in 200    200    200    | 405     405    405    405
runs                                                       | sign-in 200    200    200    | 405     405    405    405
datasets                                                   | sign-in 200    200    200    | 405     405    405    405
datasets/<uuid:dataset_id>                                 | sign-in 200    200    200    | 405     405    405    405
search                                                     | sign-in 200    200    200    | 405     405    405    405
lineage                                                    | sign-in 200    200    200    | 405     405    405    405
connections                                                | sign-in 200    200    200    | 405     405    405    405
connections/add                                            | sign-in 403    200    200    | sign-in 403    422    422
connections/<uuid:connection_id>                           | sign-in 200    200    200    | 405     405    405    405
connections/<uuid:connection_id>/jobs/<uuid:job_id>        | sign-in 200    200    200    | 405     405    405    405
connections/<uuid:connection_id>/settings                  | sign-in 200    200    200    | 405     405    405    405
connections/<uuid:connection_id>/rename                    | sign-in 403    200    200    | sign-in 403    422    422
connections/<uuid:connection_id>/privacy                   | sign-in 403    403    200    | sign-in 403    403    422
connections/<uuid:connection_id>/remove                    | sign-in 403    200    200    | sign-in 403    422    422
connections/<uuid:connection_id>/runs/<uuid:run_id>        | sign-in 200    200    200    | 405     405    405    405
connections/<uuid:connection_id>/test-event                | sign-in 403    200    200    | sign-in 403    422    422
connections/<uuid:connection_id>/keys/generate             | sign-in 403    200    200    | sign-in 403    422    422
connections/<uuid:connection_id>/keys/<uuid:key_id>/delete | sign-in 403    200    200    | sign-in 403    on     on
connections/<uuid:connection_id>/fetching                  | sign-in 403    200    200    | sign-in 403    422    422
connections/<uuid:connection_id>/fetching/test             | sign-in 403    on     on     | sign-in 403    422    422
connections/<uuid:connection_id>/fetching/check            | sign-in 403    200    200    | 405     405    405    405
connections/<uuid:connection_id>/fetching/remove           | sign-in 403    200    200    | sign-in 403    on     on
connections/<uuid:connection_id>/fetching/sync             | sign-in 403    on     on     | sign-in 403    on     on
connections/<uuid:connection_id>/fetching/pause            | sign-in 403    on     on     | sign-in 403    on     on
connections/<uuid:connection_id>/fetching/resume           | sign-in 403    on     on     | sign-in 403    on     on
connections/<uuid:connection_id>/routes/add                | sign-in 403    200    200    | sign-in 403    422    422
connections/<uuid:connection_id>/access/visibility         | sign-in 403    403    200    | sign-in 403    403    422
connections/<uuid:connection_id>/access/add                | sign-in 403    403    200    | sign-in 403    403    422
intake                                                     | 405     405    405    405    | 401     401    401    401
api/v1/connections                                         | 401     200    200    200    | 401     405    405    405
api/v1/connections/<any_case_uuid:connection_id>           | 401     200    200    200    | 401     405    405    405
api/v1/connections/<any_case_uuid:connection_id>/jobs      | 401     200    200    200    | 401     405    405    405
api/v1/connections/<any_case_uuid:connection_id>/runs      | 401     200    200    200    | 401     405    405    405
api/v1/jobs                                                | 401     200    200    200    | 401     405    405    405
api/v1/jobs/<any_case_uuid:job_id>                         | 401     200    200    200    | 401     405    405    405
api/v1/jobs/<any_case_uuid:job_id>/runs                    | 401     200    200    200    | 401     405    405    405
api/v1/runs                                                | 401     200    200    200    | 401     405    405    405
api/v1/runs/<any_case_uuid:run_id>                         | 401     200    200    200    | 401     405    405    405
api/v1/runs/<any_case_uuid:run_id>/children                | 401     200    200    200    | 401     405    405    405
api/v1/runs/<any_case_uuid:run_id>/events                  | 401     200    200    200    | 401     405    405    405
api/v1/datasets                                            | 401     200    200    200    | 401     405    405    405
api/v1/datasets/<any_case_uuid:dataset_id>                 | 401     200    200    200    | 401     405    405    405
api/v1/datasets/<any_case_uuid:dataset_id>/schemas         | 401     200    200    200    | 401     405    405    405
api/v1/datasets/<any_case_uuid:dataset_id>/columns         | 401     200    200    200    | 401     405    405    405
api/v1/datasets/<any_case_uuid:dataset_id>/runs            | 401     200    200    200    | 401     405    405    405
api/v1/lineage                                             | 401     400    400    400    | 401     401    401    401
api/v1/search                                              | 401     400    400    400    | 401     405    405    405
api/v1/schema                                              | 401     200    200    200    | 401     405    405    405
api/v1/docs                                                | sign-in 200    200    200    | sign-in 405    405    405
api/v1/                                                    | 401     404    404    404    | 401     404    404    404
admin/                                                     | closed  closed closed 200    | closed  closed closed 200
admin/login/                                               | sign-in 403    403    on     | sign-in 403    403    on
admin/logout/                                              | on      on     on     405    | on      on     on     200
admin/password_change/                                     | closed  closed closed on     | closed  closed closed on
admin/password_change/done/                                | closed  closed closed 200    | closed  closed closed 405
admin/autocomplete/                                        | closed  closed closed 403    | closed  closed closed 405
admin/jsi18n/                                              | closed  closed closed 200    | closed  closed closed 405
admin/auth/user/<id>/password/                             | closed  closed closed 200    | closed  closed closed 200
admin/app_list                                             | closed  closed closed 200    | closed  closed closed 200
admin/(?P<url>.*)$                                         | closed  closed closed 404    | closed  closed closed 404
"""

# Responses by the other methods, for routes that match an expression (the first match counts): by role, or `GET`
# if they are those by GET. All that is not listed is 405 for everybody.
OTHER_METHODS = """
sign-in$                                      | PUT OPTIONS                    | GET
sign-in$                                      | PATCH DELETE TRACE             | 405     on     on     on
(sign-in/inactive|sign-out)$                  | OPTIONS                        | 200     200    200    200
api/v1/$                                      | PUT PATCH DELETE OPTIONS TRACE | GET
api/v1/docs$                                  | PUT PATCH DELETE OPTIONS TRACE | sign-in 405    405    405
api/v1/lineage$                               | PUT PATCH DELETE TRACE         | 405     405    405    405
api/v1/                                       | PUT PATCH DELETE TRACE         | 401     405    405    405
api/v1/                                       | OPTIONS                        | 401     200    200    200
admin/logout/$                                | OPTIONS                        | on      on     on     200
admin/(password_change/done|jsi18n|autocomp)  | OPTIONS                        | closed  closed closed 200
admin/(password_change/done|jsi18n|autocomp)  | PUT PATCH DELETE TRACE         | closed  closed closed 405
admin/.*<path:object_id>/$                    | TRACE                          | closed  closed closed 405
admin/                                        | PUT PATCH DELETE OPTIONS TRACE | GET
"""

# Rights of an administrator on the rows of each model in the operators' site, which nobody else can enter.
MODELS = {
    "audit.auditentry": set(),
    "account.emailaddress": {"add", "change", "delete"},
    "mfa.authenticator": {"delete"},
    "people.apitoken": {"delete"},
    "socialaccount.socialaccount": {"delete"},
    "usersessions.usersession": {"delete"},
    "auth.group": {"add", "change", "delete"},
    "auth.user": {"add", "change", "delete"},
    "connections.apikey": {"delete"},
    "connections.attempt": set(),
    "connections.connection": {"delete"},
    "connections.connectionaccess": {"delete"},
    "connections.route": {"delete"},
    "connections.unmatchednamespace": set(),
    "connections.workspacekey": {"delete"},
    "lineage.activity": set(),
    "lineage.dataset": set(),
    "lineage.edge": set(),
    "lineage.event": set(),
    "lineage.job": set(),
    "lineage.run": set(),
    "pull.pullsource": set(),
    "pull.syncrun": set(),
}

Expected = dict[tuple[str, str], str]  # by method and role


def pages() -> dict[str, Expected]:
    lines = [line.split("|") for line in PAGES.strip("\n").splitlines()[1:]]
    return {
        route.strip(): {
            (method, role): answer
            for method, answers in (("GET", get), ("POST", post))
            for role, answer in zip(ROLES, answers.split(), strict=True)
        }
        for route, get, post in lines
    }


def admin_pages() -> dict[str, Expected]:
    expected = {}
    for label, allowed in MODELS.items():
        row = f"admin/{label.replace('.', '/')}/"
        may = {verb: "200" if verb in allowed else "403" for verb in ("add", "change", "delete")}
        for route, get, post in (
            (row, "200", "200"),
            (f"{row}add/", may["add"], may["add"]),
            (f"{row}<path:object_id>/change/", "200", may["change"]),
            (f"{row}<path:object_id>/delete/", may["delete"], may["delete"]),
            (f"{row}<path:object_id>/history/", "200", "200"),
            (f"{row}<path:object_id>/", "on", "on"),
        ):
            expected[route] = dict.fromkeys(((m, role) for m in ("GET", "POST") for role in ROLES), "closed")
            expected[route] |= {("GET", "administrator"): get, ("POST", "administrator"): post}
    return expected


# Those whose routes are too long for a line of the table.
_ROUTE = "connections/<uuid:connection_id>/routes/<int:route_id>/remove"
_EVENT = "connections/<uuid:connection_id>/runs/<uuid:run_id>/events/<uuid:event_id>"
_READ_BY_ALL = pages()["connections/<uuid:connection_id>/runs/<uuid:run_id>"]
_DELETED_BY_EDITORS = pages()["connections/<uuid:connection_id>/keys/<uuid:key_id>/delete"]
_ACCESS = "connections/<uuid:connection_id>/access/<int:access_id>/remove"
_BY_ADMINISTRATORS = pages()["people/<int:person_id>/deactivate"]
EXPECTED = (
    pages()
    | {_EVENT: _READ_BY_ALL, f"{_EVENT}.json": _READ_BY_ALL, _ROUTE: _DELETED_BY_EDITORS, _ACCESS: _BY_ADMINISTRATORS}
    | admin_pages()
)


def by_other_methods(route: str) -> Expected:
    """Return the responses by each method but GET and POST. HEAD is answered as GET."""
    by_get = {role: EXPECTED[route]["GET", role] for role in ROLES}
    expected = {("HEAD", role): answer for role, answer in by_get.items()}
    for line in OTHER_METHODS.strip("\n").splitlines():
        pattern, methods, answers = (part.strip() for part in line.split(" | "))
        if re.match(pattern, route):
            by_role = by_get if answers == "GET" else dict(zip(ROLES, answers.split(), strict=True))
            for method in methods.split():
                for role in ROLES:
                    expected.setdefault((method, role), by_role[role])
    refused = dict.fromkeys(
        ((method, role) for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE") for role in ROLES), "405"
    )
    return refused | expected


@pytest.fixture
def clients(viewer: User, editor: User, administrator: User) -> dict[str, Client]:
    made = {role: Client(raise_request_exception=False) for role in ROLES}
    for role, user in zip(ROLES[1:], (viewer, editor, administrator), strict=True):
        made[role].force_login(user)
    return made


def in_words(response: HttpResponse) -> str:
    if response.status_code != 302:
        return str(response.status_code)
    if response["Location"].startswith("/sign-in?next="):
        return "sign-in"
    return "closed" if response["Location"].startswith("/admin/login/?next=") else "on"


def test_each_route_is_listed_and_no_other() -> None:
    assert sorted(routes()) == sorted(EXPECTED)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_its_answer(clients: dict[str, Client], role: str) -> None:
    world = World()
    wrong = []
    for route in set(routes()) & set(EXPECTED):
        for (method, one), expected in (EXPECTED[route] | by_other_methods(route)).items():
            if one == role and (answer := in_words(ask(clients[role], method, world.path(route)))) != expected:
                wrong.append(f"{method} {route}: {answer}, expected {expected}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_without_a_token_no_route_takes_an_unsafe_method_from_a_session(administrator: User, method: str) -> None:
    """Intake is the exception: it knows no session, and answers as usual."""
    world = World()
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    answers = {route: in_words(ask(client, method, world.path(route))) for route in routes()}
    for intake in ("intake", "api/v1/lineage"):
        assert answers.pop(intake) == ("401" if method == "POST" else "405")
    assert set(answers.values()) == {"403"}, [route for route, answer in answers.items() if answer != "403"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_other_method_does_anything(clients: dict[str, Client], method: str) -> None:
    """A viewer, who may change nothing, tries each method."""
    world = World()
    before = Connection.objects.values().get(), ApiKey.objects.values().get()
    for route in routes():
        response = clients["viewer"].generic(method, world.path(route))
        assert response.status_code in {302, 400, 401, 403, 404, 405}, (method, route, response.status_code)
    assert (Connection.objects.values().get(), ApiKey.objects.values().get()) == before


def test_pages_of_what_is_not_there_answer_404_and_say_no_more(clients: dict[str, Client]) -> None:
    """Removed rows and rows that never existed give one response, for each signed-in user."""
    removed = Connection.objects.create(name="gone", type="dbt", created_at=NOW, removed_at=NOW)
    for route in (route for route in EXPECTED if "connection_id" in route):
        for id_ in (removed.id, uuid.uuid4()):
            path = "/" + re.sub(r"<\w+:\w+>", str(id_), re.sub(r"<int:\w+>", "1", route))
            answers = {role: in_words(ask(clients[role], "GET", path)) for role in ROLES}
            assert answers["anonymous"] in {"sign-in", "401"}
            assert answers["administrator"] == answers["editor"] == answers["viewer"] == "404", path


def test_a_person_who_was_deactivated_is_anonymous(
    clients: dict[str, Client], viewer: User, editor: User, administrator: User
) -> None:
    world = World()
    User.objects.update(is_active=False)
    for route in ("connections", "connections/add", "api/v1/connections", "admin/"):
        anonymous = in_words(ask(clients["anonymous"], "GET", world.path(route)))
        for role in ROLES:
            assert in_words(ask(clients[role], "GET", world.path(route))) == anonymous
