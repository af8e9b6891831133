"""Test of Glue, step by step."""

from collections.abc import Iterator
from itertools import islice

from pull.http.faults import Fault
from pull.sources.fetcher import Step
from pull.sources.glue.api import GlueApi


def probe(api: GlueApi) -> Iterator[Step]:
    """Try what fetching needs: to sign in, to list jobs and workflows, to read runs."""
    title = "Signs in"
    try:
        yield Step(title, True, f"AWS knows the key as {api.caller_arn()}.")
        title = "Lists jobs"
        names = list(islice(api.job_names(), 5))
        yield Step(title, True, f"For example {names[0]}." if names else "There are none in this region.")
        title = "Reads job runs"
        run = next((page[0] for name in names if (page := next(api.job_runs(name, 1), []))), None)
        yield Step(title, True, f"For example {run.id}." if run else "There are none yet.")
        title = "Lists workflows"
        workflow = next(api.workflow_names(), None)
        if workflow is not None:
            next(api.workflow_runs(workflow), None)
        yield Step(title, True, f"For example {workflow}." if workflow else "There are none in this region.")
    except Fault as fault:
        yield Step(title, False, fault.words)
