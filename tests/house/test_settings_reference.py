"""docs/settings.md names every variable of the environment that the product reads, and no other."""

import re

from tests.house.files import ROOT

ROOMS = ("audit", "api", "connections", "lineage", "observability", "people", "pull", "quickstart", "server", "web")
READ = re.compile(r"""(?:\benv\.\w+\(|environ(?:\.get\(|\[))\s*["']([A-Z_]+)["']""")
# Read by gunicorn itself; named by a constant.
READ_ELSEWHERE = {"FORWARDED_ALLOW_IPS", "METRICS_DIR"}
ROW = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def test_every_setting_is_explained() -> None:
    sources = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    read = {name for source in sources for name in READ.findall(source)} | READ_ELSEWHERE
    assert sorted(ROW.findall((ROOT / "docs/settings.md").read_text())) == sorted(read)
