"""Events of runs with up to three defects each, over real HTTP: 100,000 in make test-faults, 100 in make test.

None gives a 5xx. An event that still names its run, job, type and time is stored, whatever else is wrong in it: a run's
end is never refused for a bad part. Then each run and each job of them has its page and its representation in the API.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings

from lineage.models import Job, Run
from tests.faults.fuzz.mutations import MutantOfRun, mutants_of_runs
from tests.faults.scale import scaled, tell
from tests.live_server import Sender, wait_until_settled
from tests.serving import LiveServer

MUTANTS = scaled(100, 100_000)
# Copies of the samples' runs: so many times more runs, with fewer events each.
COPIES = scaled(1, 10)
GROUP = 100
BATCH = 25
THREADS = 8
SECONDS = 60
SETTINGS = settings(
    max_examples=MUTANTS, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)


class Caller:
    """Sends events with the sender's key, and reads pages and the API as a person who is signed in."""

    def __init__(self, server: LiveServer, sender: Sender, session: str) -> None:
        self.statuses: Counter[int] = Counter()
        self._url, self._path = server.url, server.path(sender.connection.id)
        self._key, self._session = sender.headers, session
        self._of_thread = threading.local()

    def send_one(self, mutant: MutantOfRun) -> None:
        answer = self._client().post(self._url + self._path, mutant.content, headers=self._key, timeout=SECONDS)
        self.statuses[answer.status_code] += 1
        may_be = {200, 201} if mutant.is_one else {200, 201, 400, 422}
        assert answer.status_code in may_be, (answer.status_code, answer.text, mutant.content[:20_000])

    def send_batch(self, mutants: Sequence[MutantOfRun]) -> None:
        """Send those together that are JSON: a batch with others is refused as a whole."""
        body = b"[%s]" % b",".join(mutant.content for mutant in mutants)
        answer = self._client().post(f"{self._url}{self._path}/batch", body, headers=self._key, timeout=SECONDS)
        self.statuses[answer.status_code] += 1
        assert answer.status_code == 200, (answer.status_code, answer.text, body[:20_000])
        refused = {failure["index"]: failure["reason"] for failure in answer.json()["failed_events"]}
        wrongly = [(refused[n], one.content[:20_000]) for n, one in enumerate(mutants) if n in refused and one.is_one]
        assert not wrongly, wrongly

    def read(self, path: str) -> str | None:
        """Ask for a page. Returns what is wrong with the answer: a status other than 200, or 300 for several runs."""
        answer = self._client().get(f"{self._url}{path}", cookies={"session": self._session}, timeout=SECONDS)
        self.statuses[answer.status_code] += 1
        is_right = answer.status_code in {200, 300} if "/runs/" in path else answer.status_code == 200
        return None if is_right else f"{path}: {answer.status_code} {answer.text[:2_000]}"

    def _client(self) -> requests.Session:
        if not hasattr(self._of_thread, "client"):
            self._of_thread.client = requests.Session()
        client: requests.Session = self._of_thread.client
        return client


@pytest.fixture
def caller(server: LiveServer, sender: Sender, administrator: User, client: Client) -> Caller:
    client.force_login(administrator)
    return Caller(server, sender, client.cookies["session"].value)


def test_a_bad_part_refuses_no_run_and_breaks_no_page(caller: Caller, sender: Sender, rng: random.Random) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        whole = _send(caller, threads, rng)
        wait_until_settled()
        runs = {run_id for (run_id,) in Run.objects.of(sender.connection).values_list("run_id")}
        jobs = {job_id for (job_id,) in Job.objects.of(sender.connection).values_list("id")}
        of_connection = f"/connections/{sender.connection.id}"
        paths = [f"{of_connection}/{kind}/{id_}" for kind, ids in (("runs", runs), ("jobs", jobs)) for id_ in ids]
        paths += [f"/api/v1/{kind}/{id_}" for kind, ids in (("runs", runs), ("jobs", jobs)) for id_ in ids]
        sent, caller.statuses = caller.statuses, Counter()
        wrong = list(filter(None, threads.map(caller.read, paths)))
    tell(f"{MUTANTS} mutants, {whole} of them with run, job, type and time; answers: {dict(sent)}")
    tell(f"{len(runs)} run ids, {len(jobs)} jobs; answers of pages and API: {dict(caller.statuses)}")
    assert not wrong, (len(wrong), wrong[:20])
    assert whole > MUTANTS / 5
    assert runs
    assert jobs


def _send(caller: Caller, threads: ThreadPoolExecutor, rng: random.Random) -> int:
    """Send all mutants in groups: half one by one, half in batches. Returns how many must be stored.

    What fails is kept, for hypothesis would send the last one of its group again, and alone.
    """
    group: list[MutantOfRun] = []
    failures: list[AssertionError] = []
    whole = 0

    @seed(rng.getrandbits(64))
    @SETTINGS
    @given(mutants_of_runs(COPIES))
    def send(mutant: MutantOfRun) -> None:
        nonlocal whole
        whole += mutant.is_one
        group.append(mutant)
        if len(group) == GROUP and not failures:
            try:
                _send_group(caller, threads, group)
            except AssertionError as error:
                failures.append(error)
            group.clear()

    send()
    if failures:
        raise failures[0]
    return whole


def _send_group(caller: Caller, threads: ThreadPoolExecutor, group: Sequence[MutantOfRun]) -> None:
    alone, together = group[: GROUP // 2], [mutant for mutant in group[GROUP // 2 :] if mutant.is_json]
    batches = [together[start : start + BATCH] for start in range(0, len(together), BATCH)]
    list(threads.map(caller.send_one, alone))
    list(threads.map(caller.send_batch, batches))
