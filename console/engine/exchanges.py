"""One exchange of a run with a system, and what the journal says of it: the intent before, the outcome after (rules §2)."""

import asyncio
import functools
import logging
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from console.engine.failures import StepStop
from console.engine.ledger import Ledger
from console.engine.services import Engine
from console.engine.states import CallState, Effect
from integrations.correlation import correlation_id
from integrations.errors import CallFailed, ErrorClass, IntegrationError, System
from storage import calls, runs
from storage.runs import Run

T = TypeVar("T")
Output = Mapping[str, Any]
log = logging.getLogger(__name__)


class Exchanges:
    """The exchanges of one run. ``step`` is set by the runner. What the law asks for around them: ``calls.CallMaker``."""

    def __init__(self, engine: Engine, ledger: Ledger, run: Run) -> None:
        self._engine = engine
        self._ledger = ledger
        self._run = run
        self._subject = run.order_id or run.subject
        self._sent: set[tuple[str, str]] = set()
        self._correlation_root = f"{run.id}-{secrets.token_hex(4)}"
        self._exchanges = 0
        self.step = ""

    async def _send(
        self, system: System, operation: str, item: str, effect: Effect, marker: str | None, request: Output,
        send: Callable[[], Awaitable[Output]], before: Callable[[], Awaitable[None]] | None = None,
    ) -> Output:  # fmt: skip
        """The intent is committed when it is this call's turn: what waits in a queue has not left (rules §3.3)."""
        gate = self._engine.gates[system]
        async with gate.slot():
            if before is not None:
                await before()
            async with gate.asked():
                call_id, send_id = await self._intend(system, operation, item, effect, marker, request)
                try:
                    output = await self._exchange(system, operation, send, write=True)
                except IntegrationError as error:
                    if error.refused:
                        self._end(call_id, send_id, "refused", error, CallState.REFUSED)
                    else:
                        await self._ledger.commit(functools.partial(self._outcome_unknown, call_id, send_id, error))
                    raise
        self._end(call_id, send_id, "ok", None, CallState.DONE, output)
        return output

    async def _read_standing(
        self, system: System, operation: str, standing: Callable[[], Awaitable[Output | None]]
    ) -> Output | None:
        gate = self._engine.gates[system]
        async with gate.slot(), gate.asked():
            return await self._exchange(system, operation, standing, write=False)

    async def _exchange(
        self,
        system: System,
        operation: str,
        fetch: Callable[[], Awaitable[T]],
        *,
        write: bool,
        budget: float | None = None,
    ) -> T:
        meter, clock = self._engine.meter, self._engine.clock
        began = clock.monotonic()
        try:
            answer = await self._judged(
                system, operation, fetch, budget or self._engine.deadline(system, write=write), write=write
            )
        except IntegrationError as error:
            meter.call_finished(system, operation, error.error_class, clock.monotonic() - began)
            raise
        meter.call_finished(system, operation, "ok", clock.monotonic() - began)
        return answer

    async def _judged(
        self, system: System, operation: str, fetch: Callable[[], Awaitable[T]], seconds: float, *, write: bool
    ) -> T:
        unsure = ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.TRANSIENT
        try:
            async with asyncio.timeout(seconds):
                return await fetch()
        except IntegrationError as error:
            self._engine.gates[system].mask_words(error)  # its outcome is journaled before the gate hears of it
            raise
        except StepStop:
            raise
        except TimeoutError as error:
            raise CallFailed(system, operation, unsure, "timeout", f"no answer within {seconds:.0f} s") from error
        except Exception as error:
            log.exception("%s %s: the answer could not be understood", system, operation)
            raise CallFailed(system, operation, unsure, "unreadable_answer", type(error).__name__) from error

    async def _intend(
        self, system: System, operation: str, item: str, effect: Effect, marker: str | None, request: Output
    ) -> tuple[int, int]:
        if effect is not Effect.READ:
            self._sent.add((operation, item))
        now, correlation = self._engine.clock.now(), self._correlation()
        deadline = now + self._engine.deadline(system, write=effect is not Effect.READ)
        return await self._ledger.commit(
            lambda db: calls.intend(
                db, run_id=self._run.id, order_id=self._subject, step=self.step, operation=operation, item=item,
                system=system, effect=effect, marker=marker, request=request, now=now, deadline=deadline,
                correlation=correlation,
            )
        )  # fmt: skip

    def _correlation(self) -> str:
        self._exchanges += 1
        value = f"{self._correlation_root}-{self._exchanges}"
        correlation_id.set(value)
        return value

    def _end(
        self,
        call_id: int,
        send_id: int,
        outcome: str,
        error: IntegrationError | None,
        state: CallState,
        output: Output | None = None,
    ) -> None:
        ended = self._engine.clock.now()

        def write(db: sqlite3.Connection) -> None:
            calls.end_send(
                db, send_id, ended, outcome, error_class=error.error_class if error else None,
                code=error.code if error else None, message=error.message if error else None,
                evidence=error.detail if error and error.detail else None,
            )  # fmt: skip
            calls.settle(db, call_id, state, ended, output=output)

        self._ledger.later(write)

    def _outcome_unknown(self, call_id: int, send_id: int, error: IntegrationError, db: sqlite3.Connection) -> None:
        now = self._engine.clock.now()
        calls.end_send(
            db, send_id, now, "unknown", error_class=error.error_class, code=error.code, message=error.message
        )
        calls.unknown(db, call_id)
        runs.refresh_unknown(db, self._run.id, self._subject)

    def _settle_and_refresh(
        self, db: sqlite3.Connection, call_id: int, state: CallState, output: Output, by: str
    ) -> None:
        calls.settle(db, call_id, state, self._engine.clock.now(), output=output, by=by)
        runs.refresh_unknown(db, self._run.id, self._subject)

    async def _settle_without_send(
        self, system: System, operation: str, item: str, effect: Effect, output: Output, by: str = "read"
    ) -> None:
        self._sent.add((operation, item))

        def write(db: sqlite3.Connection) -> None:
            call_id = calls.open_unknown(
                db, run_id=self._run.id, order_id=self._subject, step=self.step, operation=operation, item=item,
                system=system, effect=effect, marker=None, wait_from=0.0,
            )  # fmt: skip
            self._settle_and_refresh(db, call_id, CallState.DONE, output, by)

        await self._ledger.commit(write)
