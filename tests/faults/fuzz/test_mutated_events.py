"""A hundred thousand real events with defects (make test-faults; a thousand in make test).

None gives a 5xx, and exactly the stored ones give a 2xx. Everything stored can be shown, and does not depend on the
order of the events.
"""

import random
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings

from lineage.events import deep_nesting_allowed
from lineage.models import Event
from tests.faults.fuzz.books import check_any_order, check_readers, check_rows
from tests.faults.fuzz.judge import CONNECTIONS, Judge
from tests.faults.fuzz.mutations import Mutant, mutants
from tests.faults.scale import scaled
from tests.live_server import Sender
from tests.serving import LiveServer

BODIES = scaled(1_000, 100_000)
# Runs whose documents the API is asked for.
DOCUMENTS = scaled(50, 1_000)
SETTINGS = settings(
    max_examples=BODIES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate]
)


@pytest.fixture
def judge(server: LiveServer, sender: Sender) -> Iterator[Judge]:
    judge = Judge(server, sender)
    with deep_nesting_allowed():
        yield judge
    judge.close()


def test_what_is_answered_is_what_happens(
    judge: Judge, sender: Sender, administrator: User, client: Client, rng: random.Random
) -> None:
    group: list[Mutant] = []
    failures: list[AssertionError] = []

    # One mutant each time: within one list, hypothesis repeats itself. What fails is kept, for hypothesis would send
    # the last one of its group again, and alone.
    @seed(rng.getrandbits(64))
    @SETTINGS
    @given(mutants())
    def send(mutant: Mutant) -> None:
        group.append(mutant)
        if len(group) == CONNECTIONS and not failures:
            try:
                judge.judge(group)
            except AssertionError as error:
                failures.append(error)
            group.clear()

    send()

    if failures:
        raise failures[0]
    assert judge.answers.total() > BODIES - CONNECTIONS
    assert judge.answers.keys() == {200, 201, 400, 415, 422}
    assert set(Event.objects.of(sender.connection).values_list("id", flat=True)) == judge.stored
    assert Event.objects.count() == len(judge.stored)
    check_rows(sender.connection)
    client.force_login(administrator)
    check_readers(client, sender.connection, documents=DOCUMENTS)
    check_any_order(sender, rng)


def test_too_deep_and_no_json_is_told_to_be_either(judge: Judge) -> None:
    # A byte is lost, with five openings: the closing ones are too many.
    body = b'{"a":' * 400 + b'{"":' + b'{"a":' * 590 + b"1" + b"}" * 996
    judge.judge([Mutant(body, body)])

    assert judge.answers == {422: 1}
