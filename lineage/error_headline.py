"""The one line of an error message that a list has room for."""

from lineage.events.airflow import FAILURES


def error_headline(message: str) -> str:
    """The line that says most: the first, or the exception below a Python traceback. Airflow's own words for why a DAG
    run failed are put into ours."""
    lines = [line for line in message.splitlines() if line.strip()]
    traceback = max((n for n, line in enumerate(lines) if line.startswith("Traceback (most recent")), default=-1)
    below = (line for line in lines[traceback + 1 :] if traceback < 0 or not line.startswith(" "))
    headline = next(below, lines[0] if lines else "").strip()
    return FAILURES.get(headline, headline)
