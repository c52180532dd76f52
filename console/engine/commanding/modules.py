"""Run the module of a service that stayed Pending: guarded by the service's own state (rules §6 accept)."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from console.engine import transitions
from console.engine.calls import CallMaker
from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument, OutsideTrouble
from console.engine.commanding.plans import Applied, Prepared
from console.engine.failures import MakingSure, NeedsPerson, NotNow
from console.engine.ledger import Ledger
from console.engine.looks import Absent, Found, Look, Unknown
from console.engine.states import CallState
from console.engine.steps.context import Provisioning
from integrations.errors import IntegrationError, System
from integrations.whmcs.models import Service
from storage import runs

OPERATION = "whmcs.ModuleCreate"


class ModuleCreate(Act):
    id = "order.module_create"
    live = True

    async def prepare(self, request: Request) -> Prepared:
        service_id, services = str(request.arguments["service"]), request.facts.services
        if service_id not in services:
            raise BadArgument("service", f"{service_id[:20]!r} is not of this order", f"one of {', '.join(services)}")
        service = await self._service(request, service_id)
        status = service.status if service else "not there"
        before = request.order.call(OPERATION, service_id)
        blocked = None
        if status.casefold() != "pending":
            blocked = f"service {service_id} is {status}: retry the order"
        elif before is not None and before.state == CallState.DONE:
            blocked = f"the module of service {service_id} was run and left it Pending: look at its module log in WHMCS"
        words = (f"service {service_id} is {status}", f"ModuleCreate for service {service_id}", "then retry the order")
        return Prepared(words, (), {"status": status}, blocked=blocked)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        service_id, run = str(request.arguments["service"]), request.run
        ledger = Ledger(self.engine.journal)
        caller = CallMaker(self.engine, ledger, run)
        caller.step = "accept"
        caller.before_guarded = Provisioning(self.engine, run, ledger, caller).still_owner

        async def send() -> Mapping[str, Any]:
            await self.engine.whmcs.module_create(service_id)
            return {"service_id": service_id}

        async def look() -> Look:
            client = str(request.live.account.whmcs_client_id if request.live.account else "")
            listing = await self.engine.whmcs.list_services(client)  # CallMaker stands at the gate already
            service = next((s for s in listing.rows if s.id == service_id), None)
            if service is None:
                return Unknown(f"WHMCS does not show service {service_id}")
            evidence = {"service_id": service_id, "status": service.status}
            if service.status.casefold() == "pending":
                return Absent(evidence)
            return Found({"service_id": service_id}, evidence)

        marker = f"{self.engine.marker_root}:{request.order.order_id}"
        try:
            await caller.guarded(
                System.WHMCS, OPERATION, send, look, item=service_id, marker=marker, request={"serviceid": service_id}
            )  # fmt: skip
        except NotNow as stop:
            raise OutsideTrouble(System.WHMCS, "not_now", stop.reason) from stop
        except (MakingSure, NeedsPerson) as stop:
            return Applied("unknown", f"whether the module of service {service_id} ran cannot be told yet: {stop}")
        except IntegrationError as error:
            if error.refused:
                raise OutsideTrouble.of(error) from error
            return Applied("unknown", f"sent, not confirmed: {error.message}")
        finally:
            await self._after(ledger, request)
        return Applied("done", f"the module of service {service_id} was run: retry the order", run.id)

    async def _after(self, ledger: Ledger, request: Request) -> None:
        run, now = request.run, self.engine.clock.now()

        def write(db: sqlite3.Connection) -> None:
            runs.refresh_unknown(db, run.id, request.order.order_id)
            transitions.move(db, now, run.id)

        await ledger.commit(write)

    async def _service(self, request: Request, service_id: str) -> Service | None:
        client = request.live.account.whmcs_client_id if request.live.account else None
        return next((s for s in await self.reader.services(str(client)) if s.id == service_id), None)
