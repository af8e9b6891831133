"""Test of a place with dbt's artifacts, step by step."""

from collections.abc import Iterator

from pull.http.faults import Fault
from pull.sources.dbt.artifacts import CATALOG, MANIFEST, RUN_RESULTS, Catalog, Manifest, RunResults, decode
from pull.sources.dbt.places import Artifacts, Place, read_manifest
from pull.sources.dbt.tables import NAMESPACES
from pull.sources.fetcher import Step


def probe(place: Place, tables: str) -> Iterator[Step]:
    """Try what fetching needs. `tables`: namespace of the tables."""
    title = "Finds the artifacts"
    try:
        found = place.find({})
        if not found:
            yield Step(title, False, f"There is no {RUN_RESULTS} in it. dbt writes it at the end of a command.")
            return
        newest = found[-1]
        yield Step(title, True, f"{RUN_RESULTS} of {len(found)} command{'s' if len(found) > 1 else ''}.")
        title = f"Reads {RUN_RESULTS}"
        results = decode(place.read(newest.name) or b"", RunResults, newest.name)
        yield Step(title, True, _command(results))
        title = f"Reads {MANIFEST}"
        manifest = read_manifest(place, newest)
        yield Step(title, True, f"Project {manifest.project}, with {len(manifest.nodes)} nodes.")
        title = "Lineage"
        yield _lineage(place, newest, manifest, tables)
    except Fault as fault:
        yield Step(title, False, fault.words)


def _command(results: RunResults) -> str:
    when = f"dbt {results.args.which or '?'}, ended {results.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    if not results.is_of_runs:
        return f"{when}: no runs, so it is left out. Results of run, build, test, seed and snapshot are fetched."
    return f"{when}: {len(results.results)} results."


def _lineage(place: Place, newest: Artifacts, manifest: Manifest, tables: str) -> Step:
    adapter = manifest.metadata.adapter_type or ""
    beginning = NAMESPACES.get(adapter, "")
    if not tables.startswith(beginning):
        words = f"The project is for {adapter}: the namespace of its tables begins with {beginning}"
        return Step("Lineage", False, words)
    count = sum(1 for node in manifest.nodes.values() if node.has_table)
    content = place.read(newest.catalog) if newest.catalog else None
    of_catalog = len(decode(content, Catalog, newest.catalog).nodes) if content else 0
    columns = (
        f"columns of {of_catalog} from {CATALOG}" if content else f"columns by {MANIFEST}, as there is no {CATALOG}"
    )
    return Step("Lineage", True, f"{count + len(manifest.sources)} tables; {columns}.")
