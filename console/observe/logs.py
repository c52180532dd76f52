"""Structured logs to stderr: JSON for machines or lines for people, everything redacted."""

import logging
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from console.observe.redact import Redactor
from console.observe.tracebacks import format_error
from integrations.correlation import correlation_id

OURS = ("console", "integrations", "storage")
_FIRST = ("timestamp", "level", "logger", "event", "correlation_id")
_LAST = "exception"
_SAFE = ("timestamp", "level", _LAST)


class Logging:
    """The process's logging while it is started. Our packages log at ``level``, all others warnings and worse.

    Others are held down because libraries write addresses, headers and whole commands at their lower levels.
    """

    def __init__(
        self, redactor: Redactor, *, form: Literal["json", "console"], level: str, stream: TextIO | None = None
    ) -> None:
        self._redactor = redactor
        self._form = form
        self._level = level.upper()
        self._stream = stream
        self._before: list[tuple[logging.Logger, int]] = []
        self._replaced: list[logging.Handler] = []
        self._handler: logging.Handler | None = None

    def start(self) -> None:
        """Route structlog and the standard library's logging to the stream, in place of what was there."""
        self._handler = self._make_handler()
        root = logging.getLogger()
        self._replaced = root.handlers[:]
        root.handlers[:] = [self._handler]
        self._set_level(root, "WARNING")
        for name in OURS:
            self._set_level(logging.getLogger(name), self._level)
        logging.captureWarnings(True)
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                *self._shared(),
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=False,
        )

    def stop(self) -> None:
        """Put back what was there before."""
        if self._handler is None:
            return
        logging.getLogger().handlers[:] = self._replaced
        for logger, level in reversed(self._before):
            logger.setLevel(level)
        self._before.clear()
        logging.captureWarnings(False)
        structlog.reset_defaults()
        self._handler.close()
        self._handler = None

    def _set_level(self, logger: logging.Logger, level: str) -> None:
        self._before.append((logger, logger.level))
        logger.setLevel(level)

    def _make_handler(self) -> logging.Handler:
        handler = logging.StreamHandler(self._stream or sys.stderr)
        render = structlog.processors.JSONRenderer(ensure_ascii=False) if self._form == "json" else as_line
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=self._shared(),
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    _traceback_writer(self._redactor),
                    _redacting(self._redactor),
                    render,
                ],
            )
        )
        return handler

    def _shared(self) -> list[Processor]:
        return [
            structlog.contextvars.merge_contextvars,
            _with_correlation,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]


def _with_correlation(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if current := correlation_id.get():
        event.setdefault("correlation_id", current)
    return event


def _traceback_writer(redactor: Redactor) -> Processor:
    def write(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        info = event.pop("exc_info", None)
        error = _error_of(info)
        if error is not None:
            event[_LAST] = format_error(error, redactor)
        return event

    return write


def _error_of(info: Any) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


def _redacting(redactor: Redactor) -> Processor:
    """Everything in an event but our own words and the traceback, which was redacted when it was written."""

    def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        shown = {
            redactor.text(str(key)): value if key in _SAFE else redactor.value(value, str(key))
            for key, value in event.items()
        }
        return {key: shown[key] for key in sorted(shown, key=_place)}

    return redact


def _place(key: str) -> int:
    if key in _FIRST:
        return _FIRST.index(key)
    return len(_FIRST) + (key == _LAST)


def as_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """``12:04:30.912 info    engine: order taken  run=41 order=801…`` and the traceback below, if there is one."""
    moment = str(event.get("timestamp", ""))[11:23]
    name = str(event.get("logger", "")).removeprefix("console.")
    values = " ".join(f"{key}={_quoted(value)}" for key, value in event.items() if key not in (*_FIRST[:4], _LAST))
    line = f"{moment} {event.get('level', ''):<8}{name}: {event.get('event', '')}"
    below = f"\n{event[_LAST]}".rstrip() if event.get(_LAST) else ""
    return f"{line}  {values}".rstrip() + below


def _quoted(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text


def logger_of(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: ``logger_of(__name__).info("order taken", order=…)``."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound
