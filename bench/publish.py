"""Command `python -m bench.publish RESULT…`: replaces the reports in docs/performance.md by saved ones."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
_BEGIN, _END = "<!-- figures: python -m bench.publish -->\n", "<!-- end of figures -->\n"


def published(page: str, reports: Sequence[str]) -> str:
    """Return the page's text with these reports, their headings below the page's own."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page has no place for figures between {_BEGIN.strip()} and {_END.strip()}")
    lowered = [re.sub(r"^(#+) ", r"##\1 ", report, flags=re.MULTILINE) for report in reports]
    return "\n".join([before + begin, *lowered, end + after])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, help="files of bench/results/, in the order to show them")
    reports = [path.read_text() for path in parser.parse_args().results]
    PAGE.write_text(published(PAGE.read_text(), reports))


if __name__ == "__main__":
    main()
