"""Making outside calls: the law of single effect (rules §2, §3).

Each call is announced by a committed intent before it leaves and concluded by a committed outcome. What may happen
after a crash or an unknown outcome depends on the kind of effect; a guarded call is never repeated without a look.
"""

import sqlite3
from collections.abc import Awaitable, Callable

from console.engine.exchanges import Exchanges, Output, T
from console.engine.failures import MakingSure, NeedsPerson, NotNow, conflict
from console.engine.ledger import Ledger
from console.engine.looks import Absent, Found, Look, Unknown
from console.engine.services import Engine
from console.engine.states import CallState, Effect
from integrations.errors import IntegrationError, System
from storage import calls, runs
from storage.runs import Run

MOST_SENDS = 3
PROVED_BY_REFUSAL = "refusal of the repeat"
MOST_BLIND_LOOKS = 6


class CallMaker(Exchanges):
    """The calls of one run. ``before_guarded`` re-reads the order (rules §9)."""

    def __init__(self, engine: Engine, ledger: Ledger, run: Run) -> None:
        super().__init__(engine, ledger, run)
        self._look_first = run.look_first
        self._foreign_since = float(run.state_data.get("foreign_since") or 0.0)
        self._effects: dict[tuple[str, str], calls.Call] | None = None
        self.before_guarded: Callable[[], Awaitable[None]] | None = None

    def distrust(self, since: float) -> None:
        """Somebody else may have begun with this order, at the latest at ``since``: look before every guarded call."""
        self._look_first, self._foreign_since = True, since

    async def read(
        self,
        system: System,
        operation: str,
        fetch: Callable[[], Awaitable[T]],
        *,
        item: str = "",
        request: Output | None = None,
        summary: Callable[[T], Output] | None = None,
        pages: int = 1,
    ) -> T:
        """Read the outside; ``summary`` cuts the answer to what the journal may keep. Raises what ``fetch`` raises.

        ``pages``: how many exchanges ``fetch`` may need (a list is read page by page).
        """
        gate, budget = self._engine.gates[system], self._engine.deadline(system, write=False) * pages
        async with gate.slot(), gate.asked():
            call_id, send_id = await self._intend(system, operation, item, Effect.READ, None, request or {})
            try:
                answer = await self._exchange(system, operation, fetch, write=False, budget=budget)
            except IntegrationError as error:
                self._end(call_id, send_id, "failed", error, CallState.REFUSED)
                raise
        self._end(call_id, send_id, "ok", None, CallState.DONE, summary(answer) if summary else {})
        return answer

    async def keyed(
        self,
        system: System,
        operation: str,
        send: Callable[[], Awaitable[Output]],
        *,
        standing: Callable[[], Awaitable[Output | None]] | None = None,
        item: str = "",
        request: Output | None = None,
        fresh: bool = False,
    ) -> Output:
        """A write that may be repeated: it carries a remote key, or sets known values that ``standing`` can read.

        ``standing`` answers the output when the values stand already. ``fresh``: an earlier success does not count
        (the values are new).
        """
        call = await self._known(operation, item)
        if call is not None and call.state == CallState.DONE and not fresh:
            return call.output or {}
        repeated = self._look_first or (call is not None and call.state != CallState.DONE)
        if standing is not None and repeated:
            found = await self._read_standing(system, operation, standing)
            if found is not None:
                await self._settle_without_send(system, operation, item, Effect.KEYED, found)
                return found
        return await self._send(system, operation, item, Effect.KEYED, None, request or {}, send)

    async def refusable(
        self,
        system: System,
        operation: str,
        send: Callable[[], Awaitable[Output]],
        *,
        proves: Callable[[IntegrationError], bool],
        proved: Output,
        item: str,
        request: Output | None = None,
    ) -> Output:
        """A write whose repeat is refused in a way that proves the first (rules §2).

        ``proves`` recognises that refusal. On the first call of an item it is a conflict: somebody else made the effect.
        """
        call = await self._known(operation, item)
        if call is not None and call.state == CallState.DONE:
            return call.output or {}
        sent_before = call is not None and self._ever_left(call.id)
        try:
            return await self._send(system, operation, item, Effect.REFUSABLE, None, request or {}, send)
        except IntegrationError as error:
            if not proves(error):
                raise
            if not sent_before:
                raise conflict(
                    "taken_by_another",
                    f"{operation} of {item} was refused with {error.code} although we never sent it before",
                    system=system,
                    item=item,
                ) from error
            await self._settle_without_send(system, operation, item, Effect.REFUSABLE, proved, by=PROVED_BY_REFUSAL)
            return proved

    async def guarded(
        self,
        system: System,
        operation: str,
        send: Callable[[], Awaitable[Output]],
        look: Callable[[], Awaitable[Look]],
        *,
        item: str = "",
        marker: str,
        request: Output | None = None,
    ) -> Output:
        """A write that nothing outside protects from being done twice.

        Sent without a look only on a first start; otherwise looked for first, and sent again only when absence is
        certain. Raises MakingSure while it cannot be told yet, NeedsPerson when it cannot be told at all.
        """
        call = await self._known(operation, item)
        if call is not None and call.state == CallState.DONE:
            return call.output or {}
        certain = call is not None and call.state == CallState.ABSENT and not self._distrusted_since(call)
        first = call is None and not self._look_first and not self._engine.recovery
        if not certain and not first:
            found = await self._make_sure(system, operation, item, marker, call, look)
            if found is not None:
                return found
            unanswered = self._unanswered(operation, item)
            if unanswered >= MOST_SENDS:
                raise NeedsPerson(
                    operation, f"{operation} was sent {unanswered} times and made no effect that can be seen"
                )
        return await self._send(
            system, operation, item, Effect.GUARDED, marker, request or {}, send, before=self._may_send
        )

    async def look_until_certain(
        self, system: System, call: calls.Call, look: Callable[[], Awaitable[Look]]
    ) -> Output | None:
        """Settle an open call without sending it: its output when it stands, None when it is certainly absent."""
        return await self._make_sure(system, call.operation, call.item, call.marker or "", call, look)

    # What a guarded call does before it may leave -----------------------------------------------------------------

    async def _may_send(self) -> None:
        self._engine.holds.check()
        if not self._run.cancel_asked and self._engine.journal.peek(lambda db: runs.cancel_asked(db, self._run.id)):
            raise NotNow("guarded", "a person asked to cancel", after=0.05)
        if self.before_guarded is not None:
            await self.before_guarded()
        self._engine.holds.check()

    async def _make_sure(
        self,
        system: System,
        operation: str,
        item: str,
        marker: str,
        call: calls.Call | None,
        look: Callable[[], Awaitable[Look]],
    ) -> Output | None:
        """The output when the effect stands, None when it is certainly absent; raises while neither is certain."""
        if call is None or call.state in (CallState.REFUSED, CallState.UNDONE, CallState.ABSENT):
            wait_from = self._distrusted_since(call)  # 0: nothing can land late
            call = await self._open_unknown(system, operation, item, marker, wait_from)
        elif call.wait_from is None:  # under way as far as the journal knows: it was sent and nobody heard
            call = await self._open_unknown(system, operation, item, marker, call.intent_at)
        now = self._engine.clock.now()
        due = (call.wait_from or 0.0) + (self._engine.late_after(system) if call.wait_from else 0.0)
        answer = await self._look(call, system, operation, look)
        match answer:
            case Found(output=output):
                await self._ledger.commit(
                    lambda db: self._settle_and_refresh(db, call.id, CallState.DONE, output, "look")
                )
                return output
            case Unknown(reason=reason, final=final):
                self._cannot_tell(call, operation, reason, final, now, due)
            case Absent():
                self._absent(call, operation, now, due)
        return None

    def _distrusted_since(self, call: calls.Call | None) -> float:
        """Since when somebody else may have made the call (another journal, or ours after a backup), 0.0 for never."""
        known_later = call is not None and (call.settled_at or 0.0) >= self._foreign_since
        return 0.0 if known_later else self._foreign_since

    def _cannot_tell(self, call: calls.Call, operation: str, reason: str, final: bool, now: float, due: float) -> None:
        blind = self._engine.journal.peek(lambda db: calls.looks_without_answer(db, call.id))
        if final or (now >= due and blind >= MOST_BLIND_LOOKS):
            raise NeedsPerson(operation, reason)
        wait = self._engine.settings.engine.retry.base * 2.0 ** min(blind, 6)
        raise MakingSure(operation, f"the look could not tell: {reason}", now + wait, max(due, now + wait))

    def _absent(self, call: calls.Call, operation: str, now: float, due: float) -> None:
        if not call.wait_from:
            return
        apart = self._engine.settings.engine.look_apart
        if now < due:
            waited = now - call.wait_from
            # Soon at first, as most answers that were lost left an effect; then ever rarer.
            between = max(self._engine.settings.engine.retry.base * 2, min(waited, apart))
            raise MakingSure(operation, "not there yet, and it may still arrive", min(due, now + between), due + apart)
        if call.absent_at is None:
            self._ledger.later(lambda db: calls.absent_seen(db, call.id, now))
            raise MakingSure(operation, "not there; looking once more", now + apart, now + apart)
        if now - call.absent_at < apart:
            raise MakingSure(operation, "not there; looking once more", call.absent_at + apart, call.absent_at + apart)

    async def _look(
        self, call: calls.Call, system: System, operation: str, look: Callable[[], Awaitable[Look]]
    ) -> Look:
        gate, budget = self._engine.gates[system], self._engine.deadline(system, write=False) * 4
        answer: Look
        try:
            async with gate.slot(), gate.asked():
                now, correlation = self._engine.clock.now(), self._correlation()
                send_id = await self._ledger.commit(
                    lambda db: calls.intend_look(db, call.id, self._run.id, now, now + budget, correlation)
                )
                answer = await self._exchange(system, operation, look, write=False, budget=budget)
        except IntegrationError as error:
            answer = Unknown(f"the look failed: {error.code}")
        outcome = {Found: "found", Absent: "absent", Unknown: "unknown"}[type(answer)]
        message = answer.reason if isinstance(answer, Unknown) else None
        ended = self._engine.clock.now()
        await self._ledger.commit(
            lambda db: calls.end_send(db, send_id, ended, outcome, message=message, evidence=answer.evidence)
        )
        return answer

    async def _open_unknown(
        self, system: System, operation: str, item: str, marker: str, wait_from: float
    ) -> calls.Call:
        self._sent.add((operation, item))

        def write(db: sqlite3.Connection) -> calls.Call:
            call_id = calls.open_unknown(
                db, run_id=self._run.id, order_id=self._subject, step=self.step, operation=operation, item=item,
                system=system, effect=Effect.GUARDED, marker=marker, wait_from=wait_from,
            )  # fmt: skip
            call = calls.get(db, call_id)
            assert call is not None
            return call

        return await self._ledger.commit(write)

    # What the journal knows ---------------------------------------------------------------------------------------

    async def _known(self, operation: str, item: str) -> calls.Call | None:
        """The order's call of that name, whichever run made it; nobody else writes calls while this run runs."""
        key = (operation, item)
        if key in self._sent:
            await self._ledger.flush()
            return self._engine.journal.peek(lambda db: calls.find(db, self._subject, operation, item))
        if self._effects is None:
            found = self._engine.journal.peek(lambda db: calls.effects(db, self._subject))
            self._effects = {(call.operation, call.item): call for call in found}
        return self._effects.get(key)

    def _ever_left(self, call_id: int) -> bool:
        """Was a send of this call not refused? Then the effect may be ours."""
        return any(
            outcome != "refused" for outcome in self._engine.journal.peek(lambda db: calls.outcomes(db, call_id))
        )

    def _unanswered(self, operation: str, item: str) -> int:
        call = self._engine.journal.peek(lambda db: calls.find(db, self._subject, operation, item))
        sent = self._engine.journal.peek(lambda db: calls.outcomes(db, call.id)) if call is not None else []
        return sum(outcome not in ("ok", "refused") for outcome in sent)
