"""Test of Data Factory, step by step."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pull.http.faults import Fault
from pull.sources.data_factory.api import DataFactoryApi
from pull.sources.fetcher import Step


def probe(api: DataFactoryApi) -> Iterator[Step]:
    """Try what fetching needs: to sign in, to list pipelines, to read runs."""
    title = "Signs in"
    try:
        api.sign_in()
        yield Step(title, True, "Microsoft gives a token to the application.")
        title = "Lists pipelines"
        pipelines = next(api.pipelines(), [])
        yield Step(title, True, f"For example {pipelines[0].name}." if pipelines else "There are none yet.")
        title = "Reads runs"
        now = datetime.now(UTC)
        runs = next(api.pipeline_runs(now - timedelta(days=7), now), [])
        yield Step(title, True, f"For example one of {runs[0].pipeline_name}." if runs else "None in the last 7 days.")
    except Fault as fault:
        yield Step(title, False, fault.words)
