"""Test of Databricks, step by step."""

from collections.abc import Iterator

from pull.http.faults import Fault
from pull.sources.databricks.api import DatabricksApi
from pull.sources.fetcher import Step


def probe(api: DatabricksApi) -> Iterator[Step]:
    """Try what fetching needs: to sign in, to list jobs, to read runs."""
    title = "Signs in"
    try:
        api.sign_in()
        jobs = next(api.jobs(), [])
        yield Step(title, True, "Databricks accepts the token or secret.")
        title = "Lists jobs"
        yield Step(title, True, f"For example {jobs[0].settings.name}." if jobs else "It shows none to this user.")
        title = "Reads runs"
        runs = next(api.runs(), [])
        yield Step(title, True, f"For example run {runs[0].run_id}." if runs else "There are none yet.")
    except Fault as fault:
        yield Step(title, False, fault.words)
