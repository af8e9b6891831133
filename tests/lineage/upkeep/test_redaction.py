"""Parts that nobody may see are not stored any more, and can be removed from what is stored."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from connections.actions import set_privacy
from connections.privacy import Audience, PrivacyClass
from lineage.digest.dropping import KnownDrops
from lineage.models import Event, Run
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender, make_sender
from tests.web.test_privacy import JOB_FACETS, MESSAGE, RUN_FACETS

pytestmark = pytest.mark.django_db

WITH_ALL = run_event("FAIL", run_facets=RUN_FACETS, job_facets=JOB_FACETS)
LATER = run_event("FAIL", run="00000000-0000-0000-0000-000000000002", run_facets=RUN_FACETS, job_facets=JOB_FACETS)


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def choose(sender: Sender, audience: Audience) -> None:
    set_privacy(connection=sender.connection, audiences=dict.fromkeys(PrivacyClass, audience))


def stored() -> str:
    return "".join(Event.objects.values_list("body", flat=True))


def run(command: str, *arguments: str) -> str:
    output = StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


def test_what_nobody_may_see_is_not_stored(sender: Sender) -> None:
    # The process knows from its first event that nothing is dropped.
    sender.send(run_event("START"))
    choose(sender, Audience.NOBODY)
    sender.send(WITH_ALL)
    assert "canary" not in stored()
    assert '"_observatory_dropped":["job.facets.sourceCode"' in stored()
    assert Run.objects.get().error_message == MESSAGE
    # A copy is a repeat, although the stored body is another one.
    sender.send(WITH_ALL)
    assert Event.objects.count() == 2
    assert "every row was right" in run("rebuild_lineage")
    choose(sender, Audience.ADMINISTRATORS)
    sender.send(LATER)
    assert all(f"canary-{kind}" in stored() for kind in PrivacyClass)


def test_only_some_classes_of_only_that_connection(sender: Sender) -> None:
    other = make_sender()
    set_privacy(connection=sender.connection, audiences={PrivacyClass.SQL: Audience.NOBODY})
    for each in (sender, other):
        each.send(WITH_ALL)
    bodies = {event.connection_id: event.body for event in Event.objects.all()}
    assert "canary-sql" in bodies[other.connection.pk]
    assert "canary-sql" not in bodies[sender.connection.pk]
    assert "canary-code" in bodies[sender.connection.pk]


def test_stored_events_are_redacted(sender: Sender) -> None:
    sender.send(run_event("START"), WITH_ALL)
    with pytest.raises(CommandError, match="show every class of parts to somebody"):
        run("redact_events", str(sender.connection.pk))
    choose(sender, Audience.NOBODY)
    assert "1 of 2 events rewritten" in run("redact_events", str(sender.connection.pk))
    assert "canary" not in stored()
    assert "0 of 2 events rewritten" in run("redact_events", str(sender.connection.pk))
    sender.send(WITH_ALL)
    assert Event.objects.count() == 2
    assert "every row was right" in run("rebuild_lineage")


def test_a_choice_that_another_thread_has_learnt_is_learnt_again(sender: Sender) -> None:
    """Two transactions that assumed the old choice fail at once; each has to digest once more."""
    drops, id_ = KnownDrops(), sender.connection.pk
    assumed = drops.of([id_])
    choose(sender, Audience.NOBODY)
    assert drops.learn(assumed)
    assert drops.learn(assumed)
    assert not drops.learn(drops.of([id_]))
