"""Rules by which an event that came with a workspace key finds its connection."""

from uuid import UUID

import pytest

from connections.kinds import type_of_integration
from connections.models import UnmatchedNamespace
from connections.routing import (
    KeyRules,
    Made,
    MakeConnection,
    RouteFound,
    Unrouted,
    Verdict,
    may_make_another,
    route_of,
)

A, B = UUID(int=1), UUID(int=2)
ROUTES = {"a": RouteFound(A), "b": RouteFound(B), "gone": RouteFound(None)}
MAKES = KeyRules(makes_connections=True)


@pytest.mark.parametrize(
    ("namespace", "rules", "verdict"),
    [
        ("a", KeyRules(), A),
        ("b", KeyRules(), B),
        ("A", KeyRules(), Unrouted.NO_ROUTE),
        ("a ", KeyRules(), Unrouted.NO_ROUTE),
        ("new", MAKES, MakeConnection("new")),
        ("gone", KeyRules(), Unrouted.REMOVED),
        ("gone", MAKES, Unrouted.REMOVED),
        ("a", KeyRules(scope=frozenset({A})), A),
        ("b", KeyRules(scope=frozenset({A})), Unrouted.OUT_OF_SCOPE),
        ("b", KeyRules(scope=frozenset()), Unrouted.OUT_OF_SCOPE),
        (None, KeyRules(), Unrouted.NO_JOB),
        (None, MAKES, Unrouted.NO_JOB),
        (None, KeyRules(default_connection_id=B), B),
        (None, KeyRules(scope=frozenset({A}), default_connection_id=B), Unrouted.OUT_OF_SCOPE),
        ("new", KeyRules(default_connection_id=B), Unrouted.NO_ROUTE),
    ],
)
def test_where_an_event_goes(namespace: str | None, rules: KeyRules, verdict: Verdict) -> None:
    assert route_of(namespace, ROUTES, rules) == verdict


@pytest.mark.parametrize(
    ("made", "may"),
    [(Made(0, 0), True), (Made(19, 199), True), (Made(20, 20), False), (Made(0, 200), False)],
)
def test_events_make_20_connections_an_hour_and_200_in_all(made: Made, may: bool) -> None:
    assert may_make_another(made) is may


def test_the_type_follows_the_integration() -> None:
    types = [type_of_integration(name).value for name in ("AIRFLOW", "dbt", "SPARK", "")]
    assert types == ["airflow", "dbt", "openlineage", "openlineage"]


def test_each_reason_can_be_noted() -> None:
    choices = dict(UnmatchedNamespace._meta.get_field("reason").choices or ())
    assert set(choices) == set(Unrouted)
