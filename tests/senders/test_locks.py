"""The lock of the real senders: pip alone can install it."""

from importlib.metadata import distributions

from tests.locks import unpinned_extras
from tests.senders.dbt import ENVIRONMENT, install


def test_pip_finds_each_extra_pinned() -> None:
    install()
    packages = [str(path) for path in ENVIRONMENT.glob("lib/python*/site-packages")]
    installed = list(distributions(path=packages))

    assert any(distribution.name == "openlineage-dbt" for distribution in installed)
    assert unpinned_extras("clients", installed) == []
