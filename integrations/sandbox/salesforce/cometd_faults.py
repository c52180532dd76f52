"""What can go wrong on the event bus's line, on demand: the fault kinds of cometd.* operations."""

import asyncio
import json
from typing import Protocol

from aiohttp import web

from integrations.sandbox.faults import ERROR_PAGE, Fault, Faults
from integrations.sandbox.salesforce.cometd_sessions import Message

# Instead of an answer; nothing happens in the session.
BEFORE_KINDS = frozenset(
    {
        "timeout_before", "reset", "html", "http_401", "http_401_html", "http_403", "http_429", "http_500", "http_503",
        "slow", "expire_token", "expire_session", "cut",
    }
)  # fmt: skip
# The first message is answered successful: false with options {text, reconnect}; nothing happens in the session.
REFUSE_KINDS = frozenset({"refuse"})
# The answer to the first message gets this advice: options {interval, timeout (milliseconds), reconnect}.
ADVICE_KINDS = frozenset({"advice"})
# To the finished answer; on cometd.connect only to one that carries events, which count as sent.
AFTER_KINDS = frozenset(
    {"timeout_after", "hold", "lose_reply", "truncate", "malformed", "lose_event", "duplicate", "malformed_event"}
)
# A subscription with a stored replay id is refused once, as if the id had aged out.
REPLAY_KINDS = frozenset({"expire_replay"})


class Lost(Exception):
    """The request is not answered: its connection is cut."""


class Line(Protocol):
    """The acts on the whole line that a fault may ask for."""

    def expire_sessions(self) -> int: ...

    def revoke_tokens(self) -> int: ...

    def drop_connections(self) -> int: ...


async def spoil_before(fault: Fault, faults: Faults, line: Line) -> web.Response | None:
    """The spoilt answer; None where the request is then answered as usual."""
    match fault.kind:
        case "timeout_before":
            await faults.hang()
            raise Lost
        case "reset":
            raise Lost
        case "slow":
            await asyncio.sleep(float(fault.options.get("delay", 1)))
        case "expire_token":
            line.revoke_tokens()
        case "expire_session":
            line.expire_sessions()
        case "cut":
            line.drop_connections()
            raise Lost
        case "http_401":
            refused = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
            return web.json_response(refused, status=401)
        case _:
            status = 200 if fault.kind == "html" else int(fault.kind.split("_")[1])
            page = ERROR_PAGE.format("Just a moment" if status == 200 else status)
            headers = {"Retry-After": "1"} if status == 429 else None
            return web.Response(status=status, text=page, content_type="text/html", headers=headers)
    return None


async def spoil_after(fault: Fault, faults: Faults, request: web.Request, answers: list[Message]) -> list[Message]:
    """The answers as they go out, unless the answer is lost on the way."""
    events = [answer for answer in answers if not answer["channel"].startswith("/meta/")]
    rest = answers[len(events) :]
    match fault.kind:
        case "lose_reply":
            raise Lost
        case "timeout_after" | "hold":
            await faults.hang(float(fault.options.get("delay", 0)) or 3600)
            raise Lost
        case "truncate" | "malformed":
            await send_half(request, answers, announce_all=fault.kind == "truncate")
            raise Lost
        case "lose_event":
            return rest
        case "duplicate":
            return events + events + rest
    channel = events[0]["channel"] if events else "/event/Unknown__e"
    return [{"channel": channel, **fault.options.get("message", {"data": "not an object"})}, *answers]


async def send_half(request: web.Request, answers: list[Message], *, announce_all: bool) -> None:
    """Send the first half of the answer: cut off, or as the whole of it."""
    body = json.dumps(answers).encode()
    half = body[: len(body) // 2]
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body) if announce_all else len(half)
    await response.prepare(request)
    await response.write(half)
    await asyncio.sleep(0)


def cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
