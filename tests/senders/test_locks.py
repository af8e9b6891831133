"""The lock of the real senders that all tests run: pip alone can install it."""

from importlib.metadata import distributions

from tests.locks import unpinned_extras
from tests.senders.dbt import NEWEST


def test_pip_finds_each_extra_pinned() -> None:
    NEWEST.install()
    packages = [str(path) for path in NEWEST.environment.glob("lib/python*/site-packages")]
    installed = list(distributions(path=packages))

    assert any(distribution.name == "openlineage-dbt" for distribution in installed)
    assert unpinned_extras("clients", installed) == []
