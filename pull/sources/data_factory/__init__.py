"""Azure Data Factory, by its REST API with the role Reader. Made from its reference, and never seen live."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from pull.http.faults import FaultCode
from pull.sources.data_factory.api import DataFactoryApi, Login
from pull.sources.data_factory.fetcher import DataFactoryFetcher
from pull.sources.fetcher import Fetcher, Field, Opened, Room
from pull.systems import System

_MANAGEMENT: Final = "https://management.azure.com"
_SIGN_IN: Final = "https://login.microsoftonline.com"
_FIELDS: Final = (
    Field("tenant", "Directory (tenant) id", "Of the application that reads."),
    Field("client_id", "Application (client) id"),
    Field("secret", "Client secret", "Its value, not its id.", is_secret=True),
    Field("subscription", "Subscription id"),
    Field("resource_group", "Resource group"),
    Field("factory", "Data factory", "Its name."),
)
_HINTS: Final[Mapping[str, str]] = {
    FaultCode.UNAUTHORIZED: "The client secret has ended, or is of another application: enter a new value.",
    FaultCode.BAD_REQUEST: "Microsoft does not know the tenant, the application or its secret.",
    FaultCode.FORBIDDEN: "The application needs the role Reader on the data factory.",
    FaultCode.NOT_FOUND: "Are the subscription, the resource group and the name of the factory right?",
}


def _url(config: Mapping[str, str]) -> str:
    """`endpoint` is for tests: no form has it."""
    return config.get("endpoint") or _MANAGEMENT


def _open(opened: Opened) -> Fetcher:
    config = opened.config
    sign_in = config.get("endpoint") or _SIGN_IN
    login = Login(
        config["tenant"], config["client_id"], opened.secret.get("secret", ""), partial(opened.client_of, sign_in)
    )
    names = (config["subscription"], config["resource_group"], config["factory"])
    api = DataFactoryApi(opened.client, login, names)
    return DataFactoryFetcher(opened, api, f"adf://{'/'.join(names)}")


DATA_FACTORY: Final = Room(System.DATA_FACTORY, _FIELDS, _url, _open, _HINTS)
