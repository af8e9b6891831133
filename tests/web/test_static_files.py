"""Files of other projects are as their manifest says, every name resolves, and nothing is inline."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client

from observability.static_files import SITE, JoinedStyleSheets, Paths, joined
from vendor.trim import TRIMMED, trim, trimmed

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SPRITE = (VENDOR / "tabler-icons" / "icons.svg").read_text()
ICONS = set(re.findall(r'<symbol id="([\w-]+)"', SPRITE))


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_a_vendored_file_is_what_the_manifest_says(entry: dict[str, str]) -> None:
    path = VENDOR / entry["file"]
    published = ROOT / entry["from"] if "from" in entry else path
    assert hashlib.sha256(published.read_bytes()).hexdigest() == entry["sha256"]
    assert (path.parent / "LICENSE").read_text().strip()


def test_pages_get_what_they_use_of_tabler() -> None:
    """`make css` makes it anew."""
    css = TRIMMED.read_text()
    assert css == trimmed()
    assert "Licensed under MIT" in css
    assert len(gzip.compress(css.encode())) < 16_000


def test_rules_properties_and_animations_stay_if_something_uses_them() -> None:
    css = """
    :root{--used:var(--deep);--deep:1px;--idle:2px;--site:3px}
    .card,.gone{margin:var(--used)} .gone{color:red} .card:not(.gone)>a{color:blue}
    @media (width>1px){.gone{color:red}.card{animation:turn 1s}} @media print{.gone{color:red}}
    @keyframes turn{to{rotate:1turn}} @keyframes idle{to{rotate:1turn}}
    """
    assert trim(css, frozenset({"card"}), frozenset({"--site"})).split("\n") == [
        ":root{--used:var(--deep);--deep:1px;--site:3px}",
        ".card{margin:var(--used)}",
        ".card:not(.gone)>a{color:blue}",
        "@media (width>1px){",
        ".card{animation:turn 1s}",
        "}",
        "@keyframes turn{to{rotate:1turn}}",
        "",
    ]


def test_every_vendored_file_is_in_the_manifest() -> None:
    files = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    kept_beside = {name for name in files if Path(name).name in {"LICENSE", "README.md", "manifest.json"}}
    assert files - kept_beside == {entry["file"] for entry in MANIFEST}


def static_files() -> Paths:
    names = [str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file()]
    return {name: (FileSystemStorage(STATIC), name) for name in names}


def test_every_file_that_styles_and_scripts_name_is_there(tmp_path: Path) -> None:
    """`collectstatic` finds a file that is named and missing, and fails."""
    paths = static_files()
    storage = JoinedStyleSheets(location=tmp_path, base_url="/static/")
    for name, (source, path) in paths.items():
        with source.open(path) as file:
            storage.save(name, file)
    failures = [(name, done) for name, _, done in storage.post_process(paths) if isinstance(done, Exception)]
    assert failures == []

    served = (tmp_path / storage.stored_name(SITE)).read_text()
    assert "@import" not in served
    assert "--green-text:" in served
    assert ".chip {" in served


def test_the_site_has_every_base_and_component() -> None:
    """Each file once, so that no rule is forgotten or comes twice."""
    listed = re.findall(r'@import url\("([^"]+)"\);', (STATIC / SITE).read_text())
    folders = [STATIC / "css/base", STATIC / "css/components"]
    assert sorted(listed) == sorted(
        str(path.relative_to(STATIC / "css")) for folder in folders for path in folder.iterdir()
    )


def test_every_page_style_sheet_is_linked_by_a_template() -> None:
    texts = "".join(template.read_text() for template in TEMPLATES)
    assert [path.name for path in (STATIC / "css/pages").iterdir() if f"css/pages/{path.name}" not in texts] == []


def test_a_style_sheet_is_joined_in_the_order_of_its_imports(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css/one.css").write_text("a {}\n")
    (tmp_path / "css/two.css").write_text("b {}\n")
    (tmp_path / "css/all.css").write_text('@import url("two.css");\n@import url("one.css");\nc {}\n')
    storage = FileSystemStorage(tmp_path)
    paths: Paths = {f"css/{name}.css": (storage, f"css/{name}.css") for name in ("one", "two", "all")}
    assert joined(paths, "css/all.css").split() == ["b", "{}", "a", "{}", "c", "{}"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_nothing_inline_and_names_icons_that_exist(template: Path) -> None:
    text = template.read_text()
    assert not re.search(
        r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)|\|safe\b|autoescape off", text
    )
    assert set(re.findall(r'{% icon "([^"]+)"', text)) <= ICONS


def test_code_names_icons_that_exist() -> None:
    from connections.kinds import KINDS  # noqa: PLC0415 - needs Django set up
    from web.templatetags import observatory  # noqa: PLC0415

    named = {*(kind.icon for kind in KINDS), *(icon for icon, _, _ in observatory.STATES.values())}
    assert named <= ICONS


def test_the_policy_allows_nothing_inline(client: Client) -> None:
    policy = client.get("/sign-in")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
