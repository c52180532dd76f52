"""The control API: faults, what people do, what was asked, what stands and what should. On loopback, for tests alone.

The product is never told this address (design/rules.md §14).

====== =========== ============================================================================ =======================
GET    /           this table                                                                   {about}
POST   /faults     {system, operation = "*", kind, count = 1, after = 0, where = {}, options}   the fault with its id
GET    /faults     what is set and how often each was used                                     list
DELETE /faults     forget all, let what hangs go                                                {cleared}
POST   /orders     {count = 1, kinds, customer, approve, status, days_ago}                      {ids, orders}
POST   /approve    {ids} or {count}; all that wait when nothing is said                         {ids}
POST   /cancel     {id}: a person cancels in Salesforce                                         {id}
POST   /stock      {type, count}: new profiles at the SM-DP+                                    {csv, file}
POST   /paymethods {client, kind = card | invoice | none | expired}                             {client, kind}
POST   /phone      {act = install | download | decline | enable | disable | delete, iccid, eid}    how it went
POST   /switches   {whmcs: {...}}: another kind of installation                                 {whmcs}
GET    /traffic    ?since=n: requests in order, numbered                                        list
DELETE /traffic                                                                                 {cleared}
GET    /world      what stands in each system                                                   {system: rows}
GET    /expected   what should stand                                                            {orders, ...}
POST   /compare    {states = {order id: state}, acts}                                           the verdict
====== =========== ============================================================================ =======================

A request that is not understood is answered 400 {error, field, problem, valid}; one that the order's state forbids
409 {error}.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from integrations.sandbox.control_checks import (
    ApproveRequest,
    BadRequest,
    CancelRequest,
    CompareRequest,
    FaultRequest,
    Kinds,
    OrdersRequest,
    PayMethodRequest,
    PhoneRequest,
    StockRequest,
    SwitchesRequest,
    check_fault,
    check_orders,
    check_switches,
    check_type,
    checked,
    find_client,
)
from integrations.sandbox.counts import Acts
from integrations.sandbox.faults import Faults
from integrations.sandbox.people import NotPossible, People
from integrations.sandbox.survey import Survey
from integrations.sandbox.traffic import Traffic

Handler = Callable[[web.Request], Awaitable[Any]]


class Control:
    """The API's server. ``kinds``: the faults that there are; ``host`` must be a loopback address."""

    def __init__(self, faults: Faults, traffic: Traffic, people: People, survey: Survey, kinds: Kinds) -> None:
        self._faults = faults
        self._traffic = traffic
        self._people = people
        self._survey = survey
        self._kinds = kinds
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        for method, path, handler in (
            ("GET", "/", self._index),
            ("POST", "/faults", self._add_fault),
            ("GET", "/faults", self._list_faults),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/orders", self._place),
            ("POST", "/approve", self._approve),
            ("POST", "/cancel", self._cancel),
            ("POST", "/stock", self._refill),
            ("POST", "/paymethods", self._pay_method),
            ("POST", "/phone", self._phone),
            ("POST", "/switches", self._switch),
            ("GET", "/traffic", self._list_traffic),
            ("DELETE", "/traffic", self._clear_traffic),
            ("GET", "/world", self._world),
            ("GET", "/expected", self._expected),
            ("POST", "/compare", self._compare),
        ):
            app.router.add_route(method, path, _answering(handler))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _index(self, _request: web.Request) -> Any:
        """The table at the top of this file, for whoever looks here first."""
        return {"about": (__doc__ or "").splitlines()}

    async def _add_fault(self, request: web.Request) -> Any:
        wanted = checked(FaultRequest, await _body(request))
        return asdict(self._faults.add(**check_fault(wanted, self._kinds)))

    async def _list_faults(self, _request: web.Request) -> Any:
        return [asdict(fault) for fault in self._faults.all()]

    async def _clear_faults(self, _request: web.Request) -> Any:
        cleared = len(self._faults.all())
        self._faults.clear()
        return {"cleared": cleared}

    async def _place(self, request: web.Request) -> Any:
        wanted = checked(OrdersRequest, await _body(request))
        check_orders(wanted, self._people.world)
        placed = self._people.place(
            wanted.count,
            kinds=wanted.kinds,
            customer=wanted.customer,
            status="Approved" if wanted.approve else wanted.status or "Pending Review",
            days_ago=wanted.days_ago,
        )
        return {"ids": [order.id for order in placed], "orders": [asdict(order) for order in placed]}

    async def _approve(self, request: web.Request) -> Any:
        wanted = checked(ApproveRequest, await _body(request))
        given = [name for name in ("ids", "count", "all") if getattr(wanted, name) is not None]
        if len(given) > 1:
            raise BadRequest("ids", "give one of ids, count and all", ("ids", "count", "all"))
        ids = wanted.ids if wanted.ids is not None else self._people.waiting(wanted.count)
        return {"ids": self._people.approve(ids)}

    async def _cancel(self, request: web.Request) -> Any:
        wanted = checked(CancelRequest, await _body(request))
        self._people.cancel(wanted.id)
        return {"id": wanted.id}

    async def _refill(self, request: web.Request) -> Any:
        wanted = checked(StockRequest, await _body(request))
        file, text = self._people.refill(check_type(wanted.type, self._people.world), wanted.count)
        return {"type": wanted.type, "count": wanted.count, "file": str(file), "csv": text}

    async def _pay_method(self, request: web.Request) -> Any:
        wanted = checked(PayMethodRequest, await _body(request))
        client = find_client(wanted.client, self._people.world)
        self._people.set_pay_method(client, wanted.kind)
        return {"client": client, "kind": wanted.kind}

    async def _phone(self, request: web.Request) -> Any:
        wanted = checked(PhoneRequest, await _body(request))
        return await self._people.use_phone(wanted.act, wanted.iccid, wanted.eid)

    async def _switch(self, request: web.Request) -> Any:
        wanted = checked(SwitchesRequest, await _body(request))
        return {"whmcs": self._people.switch(check_switches(wanted.whmcs))}

    async def _list_traffic(self, request: web.Request) -> Any:
        since = request.query.get("since", "0")
        if not since.isdecimal():
            raise BadRequest("since", "must be a number")
        return self._traffic.since(int(since))

    async def _clear_traffic(self, _request: web.Request) -> Any:
        cleared = len(self._traffic.since())
        self._traffic.clear()
        return {"cleared": cleared}

    async def _world(self, _request: web.Request) -> Any:
        return self._survey.world()

    async def _expected(self, _request: web.Request) -> Any:
        return self._survey.expected()

    async def _compare(self, request: web.Request) -> Any:
        wanted = checked(CompareRequest, await _body(request))
        acts = wanted.acts
        verdict = self._survey.compare(
            wanted.states,
            Acts(
                frozenset(acts.undone), frozenset(acts.cancelled), frozenset(acts.started), frozenset(acts.mended),
                acts.resent,
            ),
        )  # fmt: skip
        return verdict.as_json()


def _answering(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handler(request))
        except BadRequest as refusal:
            return web.json_response(refusal.as_json(), status=400)
        except NotPossible as refusal:
            return web.json_response({"error": str(refusal)}, status=409)

    return answer


async def _body(request: web.Request) -> Any:
    """The request's JSON whatever its content type says; nothing counts as an empty object."""
    text = await request.text()
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise BadRequest("body", f"is not JSON: {error}") from error
