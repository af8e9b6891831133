"""Command `python -m vendor.trim` (`make css`): takes from Tabler's style sheet what pages use.

A page asks for every byte of a style sheet before it is drawn, and pages use a tenth of Tabler's. A rule stays if each
class in its selector is a word in a template, a script or the Python code of pages; a custom property or an animation
if something that stays uses it.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import tinycss2
from tinycss2 import ast

ROOT: Final = Path(__file__).parents[1]
FULL: Final = ROOT / "vendor/tabler/tabler.min.css"
TRIMMED: Final = ROOT / "static/vendor/tabler/tabler.css"
# Where names of classes stand.
_PAGES: Final = {"templates": ("*.html", "*.svg"), "static/js": ("*.js",), "web": ("*.py",)}
_WORD: Final = re.compile(r"[\w-]+")
_CLASS: Final = re.compile(r"\.((?:\\.|[\w-])+)")
_PROPERTY: Final = re.compile(r"--[\w-]+")
_ANIMATION: Final = ("animation", "animation-name")


def words_of_pages(root: Path = ROOT) -> frozenset[str]:
    """Return every word that may be the name of a class."""
    texts = (
        path.read_text() for folder, names in _PAGES.items() for name in names for path in (root / folder).rglob(name)
    )
    return frozenset(word for text in texts for word in _WORD.findall(text))


def properties_of_site(root: Path = ROOT) -> frozenset[str]:
    """Return the custom properties that the product's own styles use."""
    texts = (path.read_text() for path in (root / "static/css").rglob("*.css"))
    return frozenset(name for text in texts for name in _PROPERTY.findall(text))


def trim(css: str, words: frozenset[str], properties: frozenset[str]) -> str:
    """Return the style sheet without rules of other classes than `words`, and without custom properties and animations
    that neither these rules nor `properties` use."""
    rules = list(_kept(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), words))
    used = _used(rules, properties)
    return "".join(_text(rule, used) for rule in rules)


def _kept(rules: Iterable[Any], words: frozenset[str]) -> Iterator[Any]:
    for rule in rules:
        if isinstance(rule, ast.QualifiedRule):
            selectors = [one for one in _split(tinycss2.serialize(rule.prelude)) if _is_used(one, words)]
            if selectors:
                rule.prelude = tinycss2.parse_component_value_list(",".join(selectors))
                yield rule
        elif isinstance(rule, ast.AtRule) and rule.lower_at_keyword in ("media", "supports"):
            inner = list(_kept(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True), words))
            if inner:
                rule.content = inner
                yield rule
        elif isinstance(rule, ast.AtRule) and rule.lower_at_keyword != "charset":
            yield rule


def _split(selectors: str) -> Iterator[str]:
    """Split at commas outside parentheses."""
    depth, start = 0, 0
    for position, character in enumerate(selectors):
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            yield selectors[start:position].strip()
            start = position + 1
    yield selectors[start:].strip()


def _is_used(selector: str, words: frozenset[str]) -> bool:
    return all(name.replace("\\", "") in words for name in _CLASS.findall(re.sub(r":not\([^)]*\)", "", selector)))


def _used(rules: list[Any], properties: frozenset[str]) -> frozenset[str]:
    """Return the custom properties and animations that are used, also by way of other properties."""
    uses: dict[str, set[str]] = {"": set(properties)}
    for declaration in _declarations(rules):
        value = tinycss2.serialize(declaration.value)
        names = set(_PROPERTY.findall(value))
        if declaration.lower_name in _ANIMATION:
            names |= set(_WORD.findall(value))
        owner = declaration.name if declaration.name.startswith("--") else ""
        uses.setdefault(owner, set()).update(names)
    found: set[str] = set()
    new = uses[""]
    while new:
        found |= new
        new = {name for one in new for name in uses.get(one, ())} - found
    return frozenset(found)


def _declarations(rules: Iterable[Any]) -> Iterator[ast.Declaration]:
    for rule in rules:
        if isinstance(rule, ast.QualifiedRule):
            yield from _of_rule(rule)
        elif rule.lower_at_keyword in ("media", "supports"):
            yield from _declarations(rule.content)
        elif rule.lower_at_keyword == "keyframes":
            yield from _declarations(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))


def _of_rule(rule: ast.QualifiedRule) -> list[ast.Declaration]:
    found = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    return [one for one in found if isinstance(one, ast.Declaration)]


def _text(rule: Any, used: frozenset[str]) -> str:
    if isinstance(rule, ast.QualifiedRule):
        declarations = [
            _declaration(one) for one in _of_rule(rule) if not one.name.startswith("--") or one.name in used
        ]
        return f"{tinycss2.serialize(rule.prelude)}{{{';'.join(declarations)}}}\n" if declarations else ""
    prelude = tinycss2.serialize(rule.prelude).strip()
    if rule.lower_at_keyword in ("media", "supports"):
        inner = "".join(_text(one, used) for one in rule.content)
        return f"@{rule.at_keyword} {prelude}{{\n{inner}}}\n" if inner else ""
    if rule.lower_at_keyword == "keyframes" and prelude not in used:
        return ""
    content = f"{{{tinycss2.serialize(rule.content)}}}" if rule.content is not None else ";"
    return f"@{rule.at_keyword} {prelude}{content}\n"


def _declaration(one: ast.Declaration) -> str:
    return f"{one.name}:{tinycss2.serialize(one.value).strip()}{'!important' if one.important else ''}"


def trimmed() -> str:
    """Return Tabler's style sheet as pages need it now, below its licence."""
    css = FULL.read_text()
    licence = re.search(r"/\*!.*?\*/", css, re.DOTALL)
    assert licence, "the licence must stay"  # noqa: S101 - of a file that is committed
    return f"{licence[0]}\n{trim(css, words_of_pages(), properties_of_site())}"


def main() -> None:
    TRIMMED.write_text(trimmed())


if __name__ == "__main__":
    main()
