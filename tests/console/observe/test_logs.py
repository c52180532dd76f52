import gc
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
import structlog
from pydantic import BaseModel

from console.observe.logs import Logging, logger_of
from console.observe.redact import Redactor
from integrations.correlation import correlation_id

CANARY = "canary-5f2b9"


@contextmanager
def logs(form: Literal["json", "console"] = "json", level: str = "info") -> Iterator[io.StringIO]:
    gc.collect()  # what other tests left to be collected says so now, not into this stream
    stream = io.StringIO()
    logging_ = Logging(Redactor([CANARY]), form=form, level=level, stream=stream)
    logging_.start()
    try:
        yield stream
    finally:
        logging_.stop()


def rows(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_json_object_a_line_with_correlation() -> None:
    with logs() as stream:
        reset = correlation_id.set("c-41")
        logger_of("console.engine").info("order taken", order="801xx0000000001AAA", tries=3)
        correlation_id.reset(reset)
    (row,) = rows(stream)
    assert list(row)[:5] == ["timestamp", "level", "logger", "event", "correlation_id"]
    assert row["event"] == "order taken"
    assert (row["order"], row["tries"], row["level"], row["correlation_id"]) == (
        "801xx0000000001AAA",
        3,
        "info",
        "c-41",
    )
    assert row["timestamp"].endswith("Z")


def test_nothing_secret_comes_through_any_way_in() -> None:
    with logs() as stream:
        ours = logger_of("console.x")
        ours.info(
            f"event {CANARY}", value=CANARY, password="other-secret", nested={"access_token": "zzz-1", "a": [CANARY]}
        )
        ours.warning("card", number="4111 1111 1111 1111", who="hana\x1b[2J\u202e@example.com")
        logging.getLogger("some.library").warning("sent %s to %s", f"token={CANARY}", "hana@example.com")
        ours.bind(secret="bound-secret").info("bound")
        ours.info("positional %s", CANARY)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"about {CANARY}", UserWarning, stacklevel=1)
    text = stream.getvalue()
    for secret in (CANARY, "other-secret", "zzz-1", "4111 1111", "hana@", "bound-secret", "\x1b", "\u202e"):
        assert secret not in text
    assert len(rows(stream)) == 6


def test_tracebacks_have_no_locals_and_no_secrets() -> None:
    class Answer(BaseModel):
        total: int

    hidden = "-".join(("canary", "in"))  # the source lines of a traceback must not show it either

    def fail() -> None:
        local = f"{hidden}-a-local"
        try:
            Answer.model_validate({"total": f"{hidden}-an-answer {local}"})
        except ValueError as error:
            raise RuntimeError(f"broken by {CANARY}") from error

    with logs() as stream:
        try:
            fail()
        except RuntimeError:
            logger_of("console.x").exception("it failed")
            logging.getLogger("library").exception("it failed there")
            logging.getLogger("library").error("again", exc_info=sys.exc_info())
    found = rows(stream)
    assert len(found) == 3
    for row in found:
        assert "RuntimeError: broken by" in row["exception"]
        assert "direct cause" in row["exception"]
        assert "Answer: total: Input should be a valid integer" in row["exception"]
        assert "\n" in row["exception"]
    assert hidden not in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_lines_for_people() -> None:
    with logs("console") as stream:
        logger_of("console.engine").info("order taken", order=7, name="a b", forged="x\nERROR fake: line")
        try:
            raise ValueError("bad")
        except ValueError:
            logger_of("integrations.whmcs").exception("failed")
    lines = stream.getvalue().splitlines()
    assert lines[0][12:] == ' info    engine: order taken  order=7 name="a b" forged="x ERROR fake: line"'
    assert "integrations.whmcs: failed" in lines[1]
    assert lines[2] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: bad"


def test_levels_and_libraries() -> None:
    with logs(level="debug") as stream:
        logger_of("console.x").debug("ours")
        logging.getLogger("integrations.y").debug("ours too")
        logging.getLogger("httpx").info("HTTP Request: GET https://a.example/?q=name")
    assert [row["event"] for row in rows(stream)] == ["ours", "ours too"]
    with logs(level="warning") as stream:
        logger_of("console.x").info("quiet")
    assert stream.getvalue() == ""


def test_stop_puts_everything_back() -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.getLogger("console").level)
    with logs():
        assert root.handlers != before[0]
    assert (root.handlers, root.level, logging.getLogger("console").level) == before
    assert not structlog.is_configured()


@pytest.mark.parametrize("value", [object(), {1, 2}, (1, "a"), b"\xff", float("nan"), 10**30])
def test_any_value_can_be_logged(value: Any) -> None:
    with logs() as stream:
        logger_of("console.x").info("odd", value=value)
    assert rows(stream)[0]["event"] == "odd"
