"""The id that ties together the log lines, requests and answers of one act; apart from ``http`` because it is light."""

import contextvars

CORRELATION_HEADER = "X-Correlation-Id"
correlation_id: contextvars.ContextVar[str] = contextvars.ContextVar("correlation_id", default="")
