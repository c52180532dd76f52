"""The sandbox's WHMCS: ``/includes/api.php`` and the single sign-on page on one port."""

import dataclasses
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from integrations.sandbox.faults import HTTP_KINDS, Fault, Faults, spoil
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic, write_out
from integrations.sandbox.whmcs.access import Access, allow, kept_access
from integrations.sandbox.whmcs.actions import all_actions, unknown_action
from integrations.sandbox.whmcs.answers import Answer, ApiError, render, render_error, to_json
from integrations.sandbox.whmcs.calls import Call, SortOrder
from integrations.sandbox.whmcs.catalog import CARD_GATEWAY, GATEWAYS, MANUAL_GATEWAYS
from integrations.sandbox.whmcs.faults import SYSTEM, emptied, kinds_of, take
from integrations.sandbox.whmcs.loading import load_world
from integrations.sandbox.whmcs.paymethods import new_card
from integrations.sandbox.whmcs.phpform import Form, parse_request
from integrations.sandbox.whmcs.records import Records
from integrations.sandbox.whmcs.sso import use_token
from integrations.sandbox.whmcs.standing import standing
from integrations.sandbox.whmcs.switches import Switches, as_document, kept_switches
from integrations.sandbox.world import World

API = "/includes/api.php"
MARKER_SHOWN = 80
PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
WARNING = "Invalid or Missing Payment Information - Please Reload and Try Again"
OWN_SEED = 20260120


class WhmcsSandbox:
    """One WHMCS installation.

    ``folder`` is the sub-folder it lives in ("" or "/billing"), ``zone`` its time zone, ``now`` the clock (aware),
    ``seed`` decides every random choice. ``switches`` are those of the first start; what ``switch`` changes later is
    kept with the records and stands after a restart. Without ``access`` credentials are made and kept likewise.
    """

    def __init__(
        self, store: Store, faults: Faults, traffic: Traffic, switches: Switches | None = None, *,
        access: Access | None = None, folder: str = "", zone: str = "Asia/Tokyo",
        now: Callable[[], datetime] = lambda: datetime.now(UTC), seed: int = OWN_SEED,
    ) -> None:  # fmt: skip
        self.records = Records(store)
        self.switches = kept_switches(self.records.setup.get("switches")) or switches or Switches()
        self.access = access or kept_access(self.records)
        self._store, self._faults, self._traffic = store, faults, traffic
        self._folder = folder.rstrip("/")
        self._zone = ZoneInfo(zone)
        self._now = now
        self._draw = random.Random(seed)
        self._order = SortOrder(random.Random(seed + 1))
        self._actions = all_actions()
        self._runner: web.AppRunner | None = None
        self._url = ""

    def load(self, world: World) -> None:
        """Fill the records from ``world`` unless they are filled already."""
        if not len(self.records.clients):
            with self._store.transaction():
                load_world(self._call("load", {}, "127.0.0.1"), world)

    def switch(self, **changes: Any) -> None:
        """Change some switches; pydantic.ValidationError or TypeError for what does not exist."""
        self.switches = dataclasses.replace(self.switches, **changes)
        with self._store.transaction():
            self.records.setup.put("switches", as_document(self.switches))

    def add_card(self, clientid: int) -> None:
        """Give a client a card that is good for years (what a customer does on the pay-methods page)."""
        with self._store.transaction():
            call = self._call("load", {}, "127.0.0.1")
            new_card(call, clientid, f"12/{(call.now.year + 4) % 100:02d}", "4242")

    async def start(self, host: str, port: int) -> None:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", self._folder + API, self._serve)
        app.router.add_route("*", self._folder + API + "/{rest:.*}", self._doubled)
        app.router.add_get(f"{self._folder}/oauth/singlesignon.php", self._sign_on)
        for page in ("clientarea.php", "index.php", "viewinvoice.php"):
            app.router.add_get(f"{self._folder}/{page}", _client_area)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        self._url = f"http://{host}:{bound[1]}{self._folder}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def endpoint(self) -> dict[str, Any]:
        """What a caller needs: addresses, the portal's credential, a second one with a role that lacks much."""
        main, *others = self.access.credentials
        return {
            "url": self._url + API, "system_url": self._url, "identifier": main.identifier, "secret": main.secret,
            "access_key": self.access.access_key, "admin_username": self.access.admin_name,
            "admin_password": self.access.admin_password, "default_gateway": CARD_GATEWAY,
            "gateways": list(GATEWAYS), "manual_gateways": list(MANUAL_GATEWAYS),
            "restricted": [{"identifier": other.identifier, "secret": other.secret} for other in others],
        }  # fmt: skip

    def fault_kinds(self) -> dict[str, frozenset[str]]:
        """Action → the kinds of fault that it obeys; "*" → those that some action does."""
        found = {name: kinds_of(name) for name, _ in self._actions.values()}
        return {"*": frozenset[str]().union(*found.values()), **found}

    def world(self) -> dict[str, Any]:
        return standing(self.records)

    def _call(self, action: str, form: Form, address: str, fault: Fault | None = None) -> Call:
        return Call(
            action=action, form=form, records=self.records, switches=self.switches, draw=self._draw,
            order=self._order, now=self._now().astimezone(self._zone), address=address, system_url=self._url,
            fault=fault,
        )  # fmt: skip

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        form = parse_request(request.rel_url.raw_query_string, request.headers.get("Content-Type", ""), body)
        asked = form.get("action")
        name = asked if isinstance(asked, str) else ""
        action = self._actions[name.lower()][0] if name.lower() in self._actions else name
        facts = self._facts(action, form)
        entry = self._traffic.asked(SYSTEM, action[:MARKER_SHOWN], facts)
        fault = take(self._faults, action, facts)
        entry.fault = fault.kind if fault else None
        address = request.remote or ""

        def effect() -> web.Response:
            return self._answer(action, form, address, fault)

        spoilt = fault if fault and fault.kind in HTTP_KINDS else None
        return await write_out(request, entry, await spoil(spoilt, self._faults, request, effect))

    def _answer(self, action: str, form: Form, address: str, fault: Fault | None) -> web.Response:
        """Do one action in one transaction. Like PHP without one: what was done before a refusal stays done."""
        if fault and fault.kind == "warning_only":
            return _json(to_json({"warning": WARNING}), 200)
        call = self._call(action, form, address, fault)
        with self._store.transaction():
            try:
                answer = self._act(call)
                body = render(answer, action, self.switches, self._draw)
            except ApiError as refusal:
                return _json(render_error(refusal), refusal.status)
        return _json(body, 200)

    def _act(self, call: Call) -> Answer:
        credential = self.access.admit(call.form, call.address)
        if not call.action:
            raise ApiError("Empty action request", 400)
        if call.action.lower() not in self._actions:
            raise unknown_action(call.action, self.switches.unknown_action_status)
        denied = {call.action} if call.fault_kind() == "role_denied" else frozenset[str]()
        allow(credential, call.action, self.switches.denied | denied)
        if call.text("responsetype") not in ("", "json"):
            raise ApiError("This sandbox answers responsetype json only", 400)
        answer = self._actions[call.action.lower()][1](call)
        if call.fault and call.fault.kind == "empty_ok":
            return emptied(call.fault, answer, self._draw)
        return answer

    def _facts(self, action: str, form: Form) -> dict[str, str]:
        """Short identifying values of a request: ids, the client also when only the order or service is named."""

        def first(*names: str) -> str:
            return next((value for name in names if isinstance(value := form.get(name), str) and value), "")

        facts = {
            "clientid": first("clientid", "userid", "client_id"),
            "orderid": first("orderid", *(("id",) if action == "GetOrders" else ())),
            "serviceid": first("serviceid", "accountid"),
            "invoiceid": first("invoiceid"),
            "marker": first("notes")[:MARKER_SHOWN],
        }
        if not facts["clientid"]:
            order = self.records.orders.get(int(facts["orderid"])) if facts["orderid"].isdecimal() else None
            service = self.records.services.get(int(facts["serviceid"])) if facts["serviceid"].isdecimal() else None
            facts["clientid"] = str(order["userid"] if order else service["clientid"] if service else "")
        return {name: value[:MARKER_SHOWN] for name, value in facts.items() if value}

    async def _doubled(self, request: web.Request) -> web.StreamResponse:
        """A client that adds /includes/api.php to an address that ends with it already."""
        entry = self._traffic.asked(SYSTEM, "", {})
        return await write_out(request, entry, _json(render_error(ApiError("An admin user is required")), 200))

    async def _sign_on(self, request: web.Request) -> web.StreamResponse:
        with self._store.transaction():
            path = use_token(self.records, request.query.get("access_token", ""), self._now())
        target = f"{self._folder}/{path}" if path else f"{self._folder}/index.php?rp=/login"
        return web.Response(status=302, headers={"Location": target, "Cache-Control": "no-store"})


async def _client_area(request: web.Request) -> web.Response:
    title = {"/login": "Login", "/account/paymentmethods": "Payment Methods"}.get(request.query.get("rp", ""), "Portal")
    return web.Response(text=PAGE.format(title), content_type="text/html")


def _json(body: bytes, status: int) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
