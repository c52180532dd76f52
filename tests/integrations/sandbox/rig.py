"""A whole sandbox in the test's own event loop, a caller of its control API, and a fitter who does the product's job."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from integrations.esim.es2plus import Es2PlusConfig, Es2PlusProvider
from integrations.mail.service import Inline, OutgoingMail
from integrations.mail.smtp import SmtpConfig, SmtpTransport
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.config import ClientCredentials, SalesforceConfig
from integrations.salesforce.models import OrderBundle
from integrations.sandbox.server import Sandbox
from integrations.sandbox.whmcs import Switches
from integrations.whmcs.client import WhmcsClient
from integrations.whmcs.config import WhmcsConfig
from integrations.whmcs.models import NewLine, NewOrder

DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")


def now() -> datetime:
    return datetime.now(UTC)


class Caller:
    """Calls the control API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        async with self._session.request(method, self._url + path, json=body) as answer:
            found = await answer.json()
            assert answer.status == status, found
            return found

    async def orders(self, count: int = 1, **wanted: Any) -> list[dict[str, Any]]:
        placed: list[dict[str, Any]] = (await self("POST", "/orders", {"count": count, **wanted}))["orders"]
        return placed

    async def verdict(self, states: Mapping[str, str] | None = None, **acts: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self("POST", "/compare", {"states": states, "acts": acts})
        return found


@asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[tuple[Sandbox, Caller]]:
    """A sandbox with plain switches, and a caller of its control API."""
    options = {"customers": 12, "switches": Switches(), **options}
    folder.mkdir(exist_ok=True)
    sandbox = Sandbox(folder, **options)
    await sandbox.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield sandbox, Caller(sandbox.control_url, session)
    finally:
        await sandbox.stop()


class Fitter:
    """Provisions orders as a person with the manuals would: every step once, no looks, no repeats."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        told = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
        sf, billing, esim, mail = (told[name] for name in ("salesforce", "whmcs", "esim", "mail"))
        auth = ClientCredentials(sf["client_id"], sf["client_secret"])
        self.crm = SalesforceClient(SalesforceConfig(sf["login_url"], auth), now=now)
        self.billing = WhmcsClient(
            WhmcsConfig(billing["url"], billing["identifier"], billing["secret"], billing["access_key"])
        )
        self.esim = Es2PlusProvider(
            Es2PlusConfig(
                esim["url"], esim["requester_id"], Path(esim["client_cert"]), Path(esim["client_key"]),
                Path(esim["ca_file"]), "smdp.example.com",
            )
        )  # fmt: skip
        self.mail = SmtpTransport(SmtpConfig(mail["host"], mail["port"], "none", timeout=60), now=now)
        self._world = sandbox.world
        self._free = {kind: [p.iccid for p in self._world.profiles if p.profile_type == kind]
                      for kind in {p.profile_type for p in self._world.profiles}}  # fmt: skip
        self._calls = 0

    async def close(self) -> None:
        await self.crm.close()
        await self.billing.close()
        await self.esim.close()

    async def provision(self, order_id: str) -> None:
        """All of it, up to the mails."""
        await self.crm.patch_order(order_id, {"Status": "Provisioning", "Provisioning_Status__c": "In Progress"})
        bundle = await self.crm.read_order(order_id)
        iccids = {item.id: await self.order_profile(str(item.profile_type)) for item in bundle.items if item.is_esim}
        bill, services = await self.add_order(bundle)
        await self.billing.accept_order(bill)
        for iccid in iccids.values():
            await self.esim.release(iccid=iccid, call_id=self._call())
        items = {
            item.id: {"WHMCS_Service_ID__c": service, "ESIM_ICCID__c": iccids.get(item.id)}
            for item, service in zip(bundle.items, services, strict=True)
        }
        await self.crm.patch_order(order_id, {"WHMCS_Order_ID__c": bill}, items=items)
        await self.crm.patch_order(order_id, {"Status": "Activated"})
        await self.send(bundle, "order")
        if iccids:
            await self.send(bundle, "activation", picture=True)

    async def order_profile(self, profile_type: str) -> str:
        iccid = self._free[profile_type].pop()
        await self.esim.download(iccid=iccid, profile_type=None, eid=None, call_id=self._call())
        await self.esim.confirm(iccid=iccid, matching_id=f"M-{iccid}", eid=None, call_id=self._call())
        return iccid

    async def add_order(self, bundle: OrderBundle) -> tuple[str, tuple[str, ...]]:
        assert bundle.account and bundle.account.whmcs_client_id
        lines = tuple(
            NewLine(
                int(item.whmcs_product_id or 0),
                int(item.quantity),
                item.billing_cycle or "",
                options={int(k): int(v) for k, v in item.config_options.items()},
            )
            for item in bundle.items
        )
        added = await self.billing.add_order(NewOrder(bundle.account.whmcs_client_id, "stripe", lines))
        return added.order_id, added.service_ids

    async def send(self, bundle: OrderBundle, kind: str, *, picture: bool = False) -> None:
        inline = (Inline("qr", "image/png", DOT),) if picture else ()
        html = "<p><img src='cid:qr'></p>" if picture else ""
        await self.mail.send(
            OutgoingMail(
                f"<{kind}.{bundle.order.id}@portal.example>", "Portal <a@portal.example>",
                str(bundle.order.recipient_email), "件名", "本文", html, inline,
            )
        )  # fmt: skip

    def _call(self) -> str:
        self._calls += 1
        return f"call-{self._calls}"


@asynccontextmanager
async def fitting(folder: Path, sandbox: Sandbox) -> AsyncIterator[Fitter]:
    fitter = Fitter(folder, sandbox)
    try:
        yield fitter
    finally:
        await fitter.close()
