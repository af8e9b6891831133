"""What the logs look like: JSON for collectors, or lines for a person. No key, token or password in either."""

import logging
import os
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from server.log_floods import FloodGuard

LogFormat = Literal["json", "console"]

_REMOVED: Final = "[removed]"
# Of a key, its public part stays: it tells which key it was. See connections/keys.py.
_KEY = re.compile(r"\b(ob[a-z]_[0-9A-Za-z]{1,12})[0-9A-Za-z_]*")
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic|token)(\s+)(?!ob[a-z]_)[0-9A-Za-z._~+/=-]{8,}")
# `password=…` of a connection string, `"secret": "…"` of some JSON.
_NAMED_SECRET = re.compile(
    r"""(?i)\b(\w*(?:passw(?:or)?d|secret|token|api_?key))(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|(?!ob[a-z]_)[^\s"',;&)}\]]+)"""
)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s:/@]*):[^\s@/]+@")
_SECRET_NAME = re.compile(r"(?i)authorization|cookie|passw|secret|token|api_?key|credential")


def remove_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last processor before rendering: whatever was logged, its secrets end here."""
    return {name: _without_secrets(name, value) for name, value in event.items()}


def _without_secrets(name: str, value: Any) -> Any:
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if _SECRET_NAME.search(name):
        return _REMOVED
    if isinstance(value, Mapping):
        return {_scrub(str(key)): _without_secrets(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_without_secrets(name, inner) for inner in value]
    return _scrub(value if isinstance(value, str) else repr(value))


def _scrub(text: str) -> str:
    text = _KEY.sub(rf"\1{_REMOVED}", text)
    text = _CREDENTIALS.sub(rf"\1\2{_REMOVED}", text)
    text = _NAMED_SECRET.sub(rf"\1\2{_REMOVED}", text)
    return _PASSWORD_IN_URL.sub(rf"\1:{_REMOVED}@", text)


# What every line gets, whether it comes from structlog or from a library's logging.
_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    # Plain text: structured tracebacks would hold local variables, and with them what senders sent.
    structlog.processors.format_exc_info,
]


def log_format() -> LogFormat:
    """LOG_FORMAT of the environment: `console`, or JSON for whatever else it says."""
    return "console" if os.environ.get("LOG_FORMAT") == "console" else "json"


def configure_structlog() -> None:
    """Passes structlog's lines to the standard library's logging, so that one set-up renders all."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            FloodGuard(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_config(kind: LogFormat) -> dict[str, Any]:
    """The dictConfig of Django and of gunicorn. `console` says only what a person must know: no line a request."""
    renderer: Processor = structlog.processors.JSONRenderer()
    if kind == "console":
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    level = "WARNING" if kind == "console" else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    remove_secrets,
                    renderer,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": _loggers(kind, level),
    }


def _loggers(kind: LogFormat, level: str) -> dict[str, Any]:
    # Of each request, production logs one line (django_structlog); Django's own of the 4xx ones would repeat it.
    requests = "ERROR" if kind == "console" else "INFO"
    return {
        "django": {"level": level},
        "django.request": {"level": "ERROR"},
        # Anybody can send any Host, and a traceback each time would bury the rest.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django_structlog": {"level": requests},
        "gunicorn.error": {"level": level},
        "uvicorn.error": {"level": level},
        # Says at INFO that each pool opened and closed.
        "psycopg.pool": {"level": "WARNING"},
    }


# Levels of django_structlog's lines: one INFO line a request, whatever its client did wrong.
REQUEST_STARTED_LEVEL: Final = logging.DEBUG
REQUEST_REFUSED_LEVEL: Final = logging.INFO
