"""Turns, windows and cursors: nothing is fetched twice at once, nothing is left out, whatever happens on the way."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.actions import end_connection
from lineage.models import Event
from pull import leases
from pull.actions import SecretNeeded, ask_for_sync, change_source, pause, remove_source, resume
from pull.leases import LEASE, LeaseLost, claim, end, renew, write
from pull.models import PullSource, SyncRun
from pull.sync import sync
from tests.pull.airflow.replay import NOW, PASSWORD, Replay, replayed
from tests.pull.conftest import ALLOWED, fetch, set_up
from tests.pull.local_server import Answer, Asked

pytestmark = pytest.mark.django_db

URL = "https://airflow.example.com"
HTML = {"Content-Type": "text/html"}


def moved(source: PullSource) -> PullSource:
    source.refresh_from_db()
    return source


def test_one_worker_has_a_source_at_a_time() -> None:
    source = set_up(URL)
    now = timezone.now()
    first = claim(now=now)
    assert first is not None
    assert claim(now=now + LEASE - timedelta(seconds=1)) is None
    renew(first, now=now + timedelta(minutes=1))
    later = now + timedelta(minutes=1) + LEASE
    second = claim(now=later)
    assert second is not None
    assert second.source_id == source.pk
    with pytest.raises(LeaseLost):
        renew(first, now=later)
    with pytest.raises(LeaseLost):
        write(first, cursor=now)
    with pytest.raises(LeaseLost):
        end(first, next_at=now, now=later)
    assert moved(source).cursor is None
    outcomes = SyncRun.objects.filter(source=source).order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["interrupted", "running"]


def test_the_one_that_waits_longest_comes_first() -> None:
    sources = [set_up(URL) for _ in range(3)]
    now = timezone.now()
    for minutes, source in zip((5, 9, 1), sources, strict=True):
        PullSource.objects.filter(pk=source.pk).update(next_at=now - timedelta(minutes=minutes))
    claimed = [claim(now=now) for _ in range(4)]
    assert [lease and lease.source_id for lease in claimed] == [sources[1].pk, sources[0].pk, sources[2].pk, None]


def test_what_is_paused_removed_or_not_due_is_not_fetched() -> None:
    source = set_up(URL)
    now = timezone.now()
    pause(source=source, now=now)
    assert claim(now=now) is None
    resume(source=source, now=now)
    PullSource.objects.filter(pk=source.pk).update(next_at=now + timedelta(minutes=1))
    assert claim(now=now) is None
    ask_for_sync(source=source, now=now)
    end_connection(connection=source.connection, now=now)
    assert claim(now=now) is None
    remove_source(source=source)
    assert not PullSource.objects.exists()


def test_a_sync_that_is_asked_for_while_one_is_under_way_follows_at_once() -> None:
    source = set_up(URL)
    now = timezone.now()
    lease = claim(now=now)
    assert lease is not None
    ask_for_sync(source=source, now=now + timedelta(seconds=10))
    end(lease, next_at=now + timedelta(minutes=5), now=now + timedelta(seconds=20), outcome="ok")
    assert moved(source).next_at == now + timedelta(seconds=10)


def test_the_newest_day_first_then_day_by_day() -> None:
    with replayed() as (server, _):
        source = set_up(server.url, backfill_days=3)
        fetch(source)
        theirs = source.cursor
        assert theirs is not None
        assert (source.backfill_to, source.backfilled_to) == (theirs - timedelta(days=3), theirs - timedelta(days=2))
        # The rest follows at once, one day in a turn.
        assert source.next_at == NOW
        PullSource.objects.filter(pk=source.pk).update(cursor=theirs - timedelta(minutes=10))
        fetch(source)
        assert source.backfilled_to == source.backfill_to
        assert not source.is_backfilling
        assert source.next_at == NOW + timedelta(minutes=5)
        windows = [
            (asked.query["updated_at_gte"][0], *asked.query.get("updated_at_lte", ()))
            for asked in server.asked
            if asked.path.endswith("~/dagRuns") and asked.query["offset"] == ["0"] and "updated_at_gte" in asked.query
        ]
    days = [theirs - timedelta(days=number) for number in range(4)]
    as_asked = [tuple(datetime.fromisoformat(text).astimezone(UTC) for text in window) for window in windows]
    # A window that ends now has no end that a changed run could leave.
    assert as_asked[:2] == [(days[1],), (days[2], days[1])]
    # The second turn begins a little before the first one's end.
    assert as_asked[2] == (days[0] - timedelta(minutes=10 + 5),)
    assert as_asked[3] == (days[3], days[2])


def refusing(status: int, part: str, headers: dict[str, str] | None = None) -> Any:
    def refuse(asked: Asked) -> Answer | None:
        return Answer(status, b"{}", headers or {}) if part in asked.path else None

    return refuse


@pytest.mark.parametrize(
    ("refuse", "code", "says"),
    [
        (refusing(401, "/auth/token"), "unauthorized", "refuses the user and password"),
        (refusing(403, "/taskInstances"), "forbidden", "does not allow to read /api/v2/dags/"),
        (refusing(500, "/dagRuns"), "server_fault", "500"),
        (refusing(200, "/dagRuns", HTML), "not_json", "sign-in page"),
        (refusing(302, "/version", {"Location": "https://sso.example.com/"}), "redirected", "https://sso.example.com"),
        (refusing(200, "/dagRuns"), "unexpected", "missing required field `dag_runs`"),
    ],
)
def test_failures_move_no_cursor_and_say_why(refuse: Any, code: str, says: str) -> None:
    with replayed(Replay(refuse=refuse)) as (server, replay):
        source = set_up(server.url)
        failed = fetch(source)
        assert (failed.outcome, failed.code) == ("failed", code)
        assert says in failed.reason
        assert PASSWORD not in failed.reason
        assert (source.cursor, source.failures) == (None, 1)
        assert source.next_at == NOW + timedelta(minutes=5)
        fetch(source)
        assert source.next_at == NOW + timedelta(minutes=10)
        replay.refuse = lambda _: None
        assert fetch(source).outcome == "ok"
    assert (source.failures, source.cursor is not None) == (0, True)


def test_a_system_that_asks_for_a_pause_gets_it() -> None:
    with replayed(Replay(refuse=refusing(429, "/dagRuns", {"Retry-After": "120"}))) as (server, _):
        source = set_up(server.url)
        assert fetch(source).code == "throttled"
    assert timedelta(seconds=110) < source.next_at - timezone.now() <= timedelta(seconds=120)


def test_a_token_that_ends_on_the_way_is_fetched_anew_once() -> None:
    tokens = []

    def refuse(asked: Asked) -> Answer | None:
        if asked.path == "/auth/token":
            tokens.append(asked)
        is_first_list = asked.path.endswith("/dags") and len(tokens) == 1
        return Answer(401, b"{}") if is_first_list else None

    with replayed(Replay(refuse=refuse)) as (server, _):
        assert fetch(set_up(server.url)).outcome == "ok"
    assert len(tokens) == 2


def test_unknown_states_are_named_and_lose_nothing_else() -> None:
    replay = Replay()
    first, second = replay.records["task_instances"][:2]
    first["state"] = second["state"] = "levitating"
    with replayed(replay) as (server, _):
        done = fetch(set_up(server.url))
    assert (done.outcome, done.problems) == ("partial", {"Unknown state levitating": 2})
    assert done.new_events > 150


def test_windows_get_shorter_after_failures() -> None:
    with replayed() as (server, replay):
        source = set_up(server.url)
        fetch(source)
        assert source.cursor is not None
        PullSource.objects.filter(pk=source.pk).update(cursor=source.cursor - timedelta(days=2), failures=3)
        asked_before = len(server.asked)
        replay.refuse = lambda asked: Answer(500) if _is_about(asked, 12) else None
        assert fetch(source).outcome == "failed"
        # Three hours at a time: the first four were fetched.
        assert len(server.asked) > asked_before
        assert source.cursor is not None
        replay.refuse = lambda _: None
        fetch(source)
    assert source.failures == 0


def _is_about(asked: Asked, hours: int) -> bool:
    until = asked.query.get("updated_at_lte")
    if until is None:
        return False
    return timezone.now() - datetime.fromisoformat(until[0]) < timedelta(days=2) - timedelta(hours=hours)


def test_whoever_lost_the_lease_stores_no_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    with replayed() as (server, _):
        source = set_up(server.url)
        lease = claim(now=NOW + timedelta(days=1))
        assert lease is not None
        PullSource.objects.filter(pk=source.pk).update(lease_token=uuid.uuid4())
        with pytest.raises(LeaseLost):
            sync(lease, memory={}, allowed=ALLOWED, clock=lambda: NOW)
    assert moved(source).cursor is None


def test_a_removed_connection_gets_no_events() -> None:
    with replayed() as (server, replay):
        source = set_up(server.url)

        def remove(asked: Asked) -> Answer | None:
            if asked.path.endswith("/tasks"):
                removals.append(asked)
            return None

        removals: list[Asked] = []
        replay.refuse = remove
        lease = claim(now=NOW + timedelta(days=1))
        assert lease is not None
        end_connection(connection=source.connection, now=NOW)
        with pytest.raises(LeaseLost):
            sync(lease, memory={}, allowed=ALLOWED, clock=lambda: NOW)
    assert not Event.objects.filter(connection_id=source.connection_id).exists()


def test_another_address_needs_the_secret_again() -> None:
    source = set_up(URL)
    config = {**source.config, "url": "https://attacker.example.com"}
    with pytest.raises(SecretNeeded):
        change_source(source=source, config=config, secret=None, every_minutes=5, now=NOW)
    change_source(source=source, config=config, secret={"secret": "another"}, every_minutes=15, now=NOW)
    assert (moved(source).config["url"], source.every_minutes) == ("https://attacker.example.com", 15)


def test_another_address_or_namespace_is_fetched_from_the_beginning() -> None:
    with replayed() as (server, _):
        memory: dict[str, Any] = {}
        source = set_up(server.url)
        fetch(source, memory=memory)
        assert memory["structures"]
        change_source(source=source, config=source.config, secret=None, every_minutes=15, now=NOW)
        assert moved(source).cursor is not None
        config = {**source.config, "namespace": "elsewhere"}
        change_source(source=source, config=config, secret=None, every_minutes=15, now=NOW)
        assert moved(source).cursor is None
        done = fetch(source, memory=memory)
        assert (done.outcome, done.new_events) == ("ok", done.events)
    assert set(source.connection.pull_source.described.values_list("key", flat=True)) != set()


def test_only_the_newest_syncs_are_kept() -> None:
    source = set_up(URL)
    now = timezone.now()
    for number in range(leases.SYNCS_KEPT + 3):
        lease = claim(now=now + timedelta(hours=number))
        assert lease is not None
        end(lease, next_at=now, now=now + timedelta(hours=number), outcome="ok")
    kept = SyncRun.objects.filter(source=source)
    assert kept.count() == leases.SYNCS_KEPT
    assert min(kept.values_list("began_at", flat=True)) == now + timedelta(hours=3)
