"""Log formats: JSON for log collectors, or lines for a person. Secrets are removed from both."""

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
# The public part of an API key stays, to identify the key. See connections/keys.py.
_KEY = re.compile(r"\b(ob[a-z]_[0-9A-Za-z]{1,12})[0-9A-Za-z_]*")
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic|token)(\s+)(?!ob[a-z]_)[0-9A-Za-z._~+/=-]{8,}")
# `password=…` of a connection string, `"secret": "…"` of some JSON.
_NAMED_SECRET = re.compile(
    r"""(?i)\b(\w*(?:passw(?:or)?d|secret|token|api_?key))(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|(?!ob[a-z]_)[^\s"',;&)}\]]+)"""
)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s:/@]*):[^\s@/]+@")
# The token of a password link, in whatever line its path stands: Django logs paths of failures, too.
_LINK_TOKEN = re.compile(r"""(/account/password/[^/\s"']+/)[^/\s"'?,)]+""")
_SECRET_NAME = re.compile(r"(?i)authorization|cookie|passw|secret|token|api_?key|credential")


def remove_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Remove secrets from a line. Must be the last processor before rendering."""
    return {name: _without_secrets(name, value) for name, value in event.items()}


def _without_secrets(name: str, value: Any) -> Any:
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if _SECRET_NAME.search(name):
        return _REMOVED
    if isinstance(value, Mapping):
        return {_without_secrets_in_text(str(key)): _without_secrets(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_without_secrets(name, inner) for inner in value]
    return _without_secrets_in_text(value if isinstance(value, str) else repr(value))


def _without_secrets_in_text(text: str) -> str:
    text = _KEY.sub(rf"\1{_REMOVED}", text)
    text = _CREDENTIALS.sub(rf"\1\2{_REMOVED}", text)
    text = _NAMED_SECRET.sub(rf"\1\2{_REMOVED}", text)
    text = without_link_tokens(text)
    return _PASSWORD_IN_URL.sub(rf"\1:{_REMOVED}@", text)


def without_link_tokens(text: str) -> str:
    """Remove the tokens of password links."""
    return _LINK_TOKEN.sub(rf"\1{_REMOVED}", text)


# Processors for every line, from structlog or from a library's logging.
_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    # Plain text, because structured tracebacks contain local variables, and so the content of events.
    structlog.processors.format_exc_info,
]


def log_format() -> LogFormat:
    """Return LOG_FORMAT of the environment: `console`, or `json` for any other value."""
    return "console" if os.environ.get("LOG_FORMAT") == "console" else "json"


def configure_structlog() -> None:
    """Pass structlog's lines to the standard library's logging, so that one configuration renders all lines."""
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
    """Return the dictConfig for Django and gunicorn. `console` logs only what a person must know, without a line per
    request."""
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
    # Production logs one line per request (django_structlog); Django's own lines for 4xx responses would repeat it.
    requests = "ERROR" if kind == "console" else "INFO"
    return {
        "django": {"level": level},
        "django.request": {"level": "ERROR"},
        # Anybody can send any Host header, and a traceback each time would hide other lines.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django_structlog": {"level": requests},
        "gunicorn.error": {"level": level},
        "uvicorn.error": {"level": level},
        # It would log a line with the whole URL for each request to a system that is fetched from.
        "httpx": {"level": "WARNING"},
        # It would log the headers, and so the token.
        "httpcore": {"level": "WARNING"},
        # Logs at INFO each time that a pool opens or closes.
        "psycopg.pool": {"level": "WARNING"},
    }


# Levels of django_structlog's lines: one INFO line per request, also for errors of clients.
REQUEST_STARTED_LEVEL: Final = logging.DEBUG
REQUEST_REFUSED_LEVEL: Final = logging.INFO
