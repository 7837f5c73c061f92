"""Structured logs: a line of JSON an event, whose fields are an allow-list, so that none names a person."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import msgspec
import structlog

FIELDS = frozenset(
    (
        *("event", "level", "timestamp", "request_id", "method", "path", "status", "milliseconds"),
        *("error", "frames", "reaction", "fact", "fact_id", "attempt", "mail_id", "kind", "state", "count"),
        *("tenant_id", "sequence", "hash"),
        *("lag_seconds", "pid", "port", "version", "reply_code", "migration", "exit_code"),
    )
)


def keep_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not on the list."""
    return {name: value for name, value in event.items() if name in FIELDS}


def configure() -> None:
    """Write structlog's events, and warnings of libraries by name alone, to standard error."""
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Named(logging.WARNING)], force=True)


def _json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


# One list for good: a logger keeps the one that it was first used with.
_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    keep_allowed,
    structlog.processors.JSONRenderer(serializer=_json),
]


class _Named(logging.Handler):
    """A library's warning as its logger's name: its text may quote what a person wrote."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log where the warning came from."""
        structlog.get_logger().warning("library", error=f"{record.name}:{record.funcName}")
