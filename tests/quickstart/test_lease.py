"""The embedded server is shared: its first user starts it, its last one stops it, however that one ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from quickstart.data_directory import DataDirectory
from quickstart.lease import Lease
from quickstart.postgres import Cluster
from tests.quickstart.conftest import ROOT
from tests.waiting import wait_until

USE = """
import sys
from pathlib import Path
from quickstart.data_directory import DataDirectory
from quickstart.lease import Lease
lease = Lease(DataDirectory(Path(sys.argv[1])))
lease.join()
print("joined", flush=True)
sys.stdin.read()
lease.leave()
"""


@pytest.fixture
def cluster(data: DataDirectory) -> Iterator[Cluster]:
    cluster = Cluster(data.postgres, data.log)
    yield cluster
    cluster.stop()


@pytest.fixture
def join(data: DataDirectory) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Start another process that uses the server until its standard input ends."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        user = subprocess.Popen(
            [sys.executable, "-c", USE, str(data.root)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(user)
        assert user.stdout
        assert user.stdout.readline() == "joined\n"
        return user

    yield start
    for user in started:
        user.kill()
        user.communicate()


def test_the_last_user_stops_the_server(cluster: Cluster, join: Callable[[], "subprocess.Popen[str]"]) -> None:
    first, second = join(), join()

    first.communicate()
    assert cluster.takes_queries()
    second.communicate()
    assert cluster.postmaster() is None


def test_a_killed_user_does_not_keep_the_server_running(
    cluster: Cluster, join: Callable[[], "subprocess.Popen[str]"]
) -> None:
    user = join()

    user.kill()

    wait_until(lambda: cluster.postmaster() is None, "the keeper stops the server")


def test_the_server_outlives_a_killed_keeper_and_gets_another(
    cluster: Cluster, join: Callable[[], "subprocess.Popen[str]"], data: DataDirectory
) -> None:
    user = join()
    postmaster = cluster.postmaster()
    assert postmaster
    keeper = postmaster.parent()
    assert keeper
    keeper.kill()
    second = join()
    user.communicate()

    assert cluster.postmaster() == postmaster
    second.communicate()
    assert cluster.postmaster() is None


def test_a_killed_keeper_is_replaced_by_a_user(
    cluster: Cluster, join: Callable[[], "subprocess.Popen[str]"], data: DataDirectory
) -> None:
    user = join()
    postmaster = cluster.postmaster()
    assert postmaster
    keeper = postmaster.parent()
    assert keeper
    keeper.kill()
    postmaster.kill()

    wait_until(lambda: cluster.postmaster() not in {None, postmaster} and cluster.takes_queries(), "a new server runs")
    user.communicate()
    assert cluster.postmaster() is None


def test_a_server_that_died_is_started_again(cluster: Cluster, join: Callable[[], "subprocess.Popen[str]"]) -> None:
    join()
    postmaster = cluster.postmaster()
    assert postmaster
    postmaster.kill()

    wait_until(lambda: cluster.postmaster() not in {None, postmaster} and cluster.takes_queries(), "a new server runs")


def test_lock_files_that_name_another_process_are_no_hindrance(cluster: Cluster, data: DataDirectory) -> None:
    cluster.start()
    lock_files = [data.postgres / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock")]
    stale = [file.read_text().split("\n", 1)[1] for file in lock_files]
    cluster.stop()
    owner = data.postgres.stat()
    # As in a container, where process ids start again: the id belongs to another process of this user.
    stranger = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        for file, text in zip(lock_files, stale, strict=True):
            file.write_text(f"{stranger.pid}\n{text}")
            os.chown(file, owner.st_uid, owner.st_gid)

        cluster.start()

        assert cluster.takes_queries()
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_creation_is_made_anew(cluster: Cluster, data: DataDirectory) -> None:
    draft = data.root / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")

    cluster.start()

    assert cluster.takes_queries()


def test_the_server_listens_on_no_network(cluster: Cluster, data: DataDirectory) -> None:
    lease = Lease(data)
    lease.join()
    postmaster = cluster.postmaster()
    assert postmaster
    try:
        assert [c for c in postmaster.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []
        assert data.postgres.stat().st_mode & 0o077 == 0
        assert (data.root / "secret_key").exists() is False
        assert data.secret_key() == data.secret_key()
        assert (data.root / "secret_key").stat().st_mode & 0o777 == 0o600
    finally:
        lease.leave()


def test_ctrl_c_in_a_terminal_does_not_reach_the_server(
    cluster: Cluster, join: Callable[[], "subprocess.Popen[str]"]
) -> None:
    user = join()
    postmaster = cluster.postmaster()
    assert postmaster

    assert os.getpgid(postmaster.pid) != os.getpgid(user.pid)
    keeper = postmaster.parent()
    assert keeper
    keeper.send_signal(signal.SIGINT)
    assert cluster.takes_queries()
