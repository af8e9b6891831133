"""Choice of the sender: the one whose facets an event has, or the one that the job's integration names."""

from lineage.events import decode_event
from lineage.events.senders import SENDERS, sender_of, title_of, words_of
from lineage.events.senders.generic import GENERIC
from lineage.events.senders.sender import DEFAULT_WORDS
from tests.lineage.build import run_event

TASK = {"taskInstance": {"try_number": 2, "map_index": 3}, "task": {"retries": 4}}


def test_a_facet_is_read_by_its_own_sender_whoever_sent_it() -> None:
    run = decode_event(run_event(run_facets={"airflow": TASK}, producer="https://example.com/spark")).run

    assert run is not None
    assert (run.attempt, run.max_attempts, run.map_index) == (2, 5, 3)


def test_a_facet_of_one_sender_leaves_the_job_to_the_sender_that_its_integration_names() -> None:
    job = decode_event(run_event(run_facets={"airflow": TASK}, producer="https://example.com/spark", job="a.b")).job

    assert job is not None
    assert (job.kind, job.integration) == ("JOB", "SPARK")


def test_an_integration_that_no_room_claims_is_spoken_of_in_words_for_any() -> None:
    assert sender_of("MAGE") is GENERIC
    assert words_of("MAGE") is DEFAULT_WORDS
    assert title_of("MAGE") == "MAGE"


def test_every_integration_has_a_title() -> None:
    assert [name for sender in SENDERS for name, words in sender.integrations.items() if not words.title] == []
