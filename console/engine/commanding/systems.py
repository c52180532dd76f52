"""Pauses, the brake, recovery: commands on the system as a whole."""

import difflib
import re
import sqlite3

from console.commands.words import SYSTEMS
from console.engine import recovery
from console.engine.brake import Brake
from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument, NotPossible, OutsideTrouble
from console.engine.commanding.plans import Applied, Prepared
from integrations.errors import IntegrationError
from storage import desk, feed, inbox, runs

PRODUCT = re.compile(r"product:\d{1,9}")
INTAKE = "intake"


def subject_of(request: Request, *, intake: bool) -> str:
    """A system, ``product:<id>`` or (for a pause) intake. Raises BadArgument."""
    text = str(request.arguments["subject"]).casefold()
    known = (*SYSTEMS, *((INTAKE,) if intake else ()))
    if text in known or PRODUCT.fullmatch(text):
        return text
    if text == INTAKE:
        raise BadArgument("subject", "intake is not resumed", "release the brake")
    near = difflib.get_close_matches(text, known, 1)
    remedy = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}, product:<WHMCS product id>"
    raise BadArgument("subject", f"there is no {text[:40]!r}", remedy)


class Pause(Act):
    id = "system.pause"

    async def prepare(self, request: Request) -> Prepared:
        subject = subject_of(request, intake=True)
        paused = self.engine.journal.peek(desk.pauses).get(subject)
        blocked = f"{subject} is paused by {paused.actor}: {paused.reason}" if paused else None
        words = (
            "new orders wait" if subject == INTAKE else "runs that need it park and burn no tries; calls under way end"
        )
        return Prepared((f"{subject}: {words}",), blocked=blocked, data=subject)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        subject, now, actor = str(prepared.data), self.engine.clock.now(), request.actor.name

        def write(db: sqlite3.Connection) -> None:
            desk.pause(db, subject, actor, request.reason or "", now)
            feed.append(db, now, "pause", {"subject": subject, "on": True})

        await self.engine.journal.write(write)
        self.engine.gates.load(self.engine.journal.peek(desk.pauses))
        return Applied("done", f"{subject} is paused")


class Resume(Act):
    id = "system.resume"

    async def prepare(self, request: Request) -> Prepared:
        subject = subject_of(request, intake=False)
        paused = self.engine.journal.peek(desk.pauses).get(subject)
        waiting = [
            run for run in self.engine.journal.peek(runs.parked_on_condition)
            if run.condition and run.condition["kind"] == "resumed" and run.condition["argument"] == subject
        ]  # fmt: skip
        one = len(waiting) == 1
        words = [
            f"{len(waiting)} {'order waits' if one else 'orders wait'} for {subject} and {'goes' if one else 'go'} on"
        ]
        if paused is not None:
            words.append(f"it was paused by {paused.actor}: {paused.reason}")
        return Prepared(tuple(words), blocked=None if paused else f"{subject} is not paused", data=subject)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        subject, now = str(prepared.data), self.engine.clock.now()

        def write(db: sqlite3.Connection) -> None:
            desk.resume(db, subject)
            feed.append(db, now, "pause", {"subject": subject, "on": False})

        await self.engine.journal.write(write)
        self.engine.gates.load(self.engine.journal.peek(desk.pauses))
        self.engine.catalog.forget()
        await self.engine.alarms.clear(f"paused:{subject}")
        self.hooks.recheck()
        return Applied("done", f"{subject} is resumed")


class ReleaseBrake(Act):
    id = "system.release_brake"

    async def prepare(self, request: Request) -> Prepared:
        pause = self.engine.journal.peek(desk.pauses).get(INTAKE)
        waiting = {event.order_id for event in self.engine.journal.peek(inbox.waiting)}
        most = self.engine.settings.intake.max_new_per_hour
        return Prepared(
            (
                f"the brake is on: {pause.reason if pause else ''}",
                f"{len(waiting)} orders with an event wait; those of the next poll come in too",
                f"they are provisioned and billed; after {most} within an hour the brake is on again",
            ),
            decisive={"since": pause.at if pause else None},
        )

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        now = self.engine.clock.now()

        def write(db: sqlite3.Connection) -> None:
            Brake.release(db, now)
            feed.append(db, now, "pause", {"subject": INTAKE, "on": False})

        await self.engine.journal.write(write)
        await self.engine.alarms.clear("brake")
        self.hooks.let_in()
        return Applied("done", "the brake is released")


class EndRecovery(Act):
    id = "system.end_recovery"

    async def prepare(self, request: Request) -> Prepared:
        present = self.engine.journal.peek(recovery.present)
        changed = present.changed or () if present else ()
        return Prepared(
            (
                f"in recovery: {present.reason if present else ''}",
                f"{len(changed)} orders changed in Salesforce since this journal's last row",
                "quarantined profiles are compared with Salesforce and WHMCS: used ones are set aside, the rest is free",
                "mails that were held stay held: send each again where it is right",
            ),
            decisive={"changed": list(changed)},
        )

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        if self.engine.journal.peek(recovery.present) is None:
            raise NotPossible("this journal is not in recovery")
        try:
            freed, aside = await recovery.end(self.engine)
        except IntegrationError as error:
            raise OutsideTrouble.of(error) from error
        now = self.engine.clock.now()
        await self.engine.journal.write(lambda db: feed.append(db, now, "recovery", {"on": False}))
        self.engine.wake()
        detail = {"freed": freed, "set_aside": aside}
        return Applied("done", f"recovery has ended: {freed} profiles free, {aside} set aside", detail=detail)
