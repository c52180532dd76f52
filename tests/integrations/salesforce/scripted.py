"""A Salesforce org that says what a test tells it to: real HTTP on loopback, every request remembered."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from integrations.http import Timeouts
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.config import ClientCredentials, JwtBearer, SalesforceConfig

ORDER_ID = "801D0000000G0ySIAS"
ITEM_ID = "802D0000000CKp8IAG"
ACCOUNT_ID = "001D000000I8mImIAJ"
JOURNAL_ID = "a00D0000008pQSNIA2"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY, SECRET = "3MVG9.key", "s3cr%t:ü"
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]

Answer = Callable[["Asked"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """One request as the server got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: CIMultiDict[str]
    body: Any
    request: web.Request = field(repr=False)


def says(body: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with JSON, or with text if ``body`` is a str."""

    async def answer(asked: Asked) -> web.StreamResponse:
        if body is None:
            return web.Response(status=status, headers=headers)
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) and body.startswith("<") else "application/json"
        return web.Response(status=status, text=text, content_type=kind, headers=headers)

    return answer


def refuses(code: str, status: int = 400, message: str = "no") -> Answer:
    return says([{"errorCode": code, "message": message}], status)


def rows(*records: dict[str, Any], total: int | None = None, more: str | None = None) -> dict[str, Any]:
    """A query's page."""
    page: dict[str, Any] = {"totalSize": len(records) if total is None else total, "done": more is None}
    page["records"] = list(records)
    return page if more is None else {**page, "nextRecordsUrl": more}


def together(*bodies: Any, status: int = 200) -> dict[str, Any]:
    """A composite answer."""
    return {
        "compositeResponse": [
            {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": f"r{index}"}
            for index, body in enumerate(bodies)
        ]
    }


async def never(asked: Asked) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


def held(until: asyncio.Event, answer: Answer) -> Answer:
    """Answer as soon as ``until`` is set."""

    async def wait(asked: Asked) -> web.StreamResponse:
        await until.wait()
        return await answer(asked)

    return wait


async def reset(asked: Asked) -> web.StreamResponse:
    assert asked.request.transport is not None
    asked.request.transport.abort()
    return web.Response()


async def cut(asked: Asked) -> web.StreamResponse:
    """Half a body, then the connection is gone."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(asked.request)
    await response.write(b'{"totalSize": 1, "done": true, "records": [')
    return await reset(asked)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for ``condition``, at most a minute."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 -- polls what another thread changes
            await asyncio.sleep(0.01)


class ScriptedOrg:
    """Hands out tokens t1, t2, …; answers API requests from ``script`` in order, then with ``otherwise``."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.logins: list[Asked] = []
        self.script: deque[Answer] = deque()
        self.login_script: deque[Answer] = deque()
        self.otherwise: Answer = says(rows())
        self.valid: Callable[[str], bool] = lambda token: True
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "ScriptedOrg":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        form = request.content_type == "application/x-www-form-urlencoded"
        body = dict(await request.post()) if form else (json.loads(text) if text else None)
        asked = Asked(request.method, request.path, dict(request.query), CIMultiDict(request.headers), body, request)
        if request.path == "/services/oauth2/token":
            self.logins.append(asked)
            issued = says({"access_token": f"t{len(self.logins)}", "instance_url": self.url, "token_type": "Bearer"})
            return await (self.login_script.popleft() if self.login_script else issued)(asked)
        self.asked.append(asked)
        if not self.valid(request.headers.get("Authorization", "").removeprefix("Bearer ")):
            return await says(EXPIRED, 401)(asked)
        return await (self.script.popleft() if self.script else self.otherwise)(asked)


PATIENT = Timeouts(connect=60.0, read=60.0, write=60.0, total=60.0)
HASTY = Timeouts(connect=60.0, read=4.0, write=60.0, total=60.0)  # for an answer that never comes


def config(url: str, **changes: Any) -> SalesforceConfig:
    auth: ClientCredentials | JwtBearer = changes.pop("auth", ClientCredentials(KEY, SECRET))
    return SalesforceConfig(login_url=url, auth=auth, **{"timeouts": PATIENT, "workers": 4, **changes})


def client_for(url: str, **changes: Any) -> SalesforceClient:
    heard = changes.pop("on_server_date", None)
    return SalesforceClient(config(url, **changes), now=lambda: NOW, on_server_date=heard)


def order_row(**changes: Any) -> dict[str, Any]:
    row = {
        "attributes": {"type": "Order", "url": f"/services/data/v63.0/sobjects/Order/{ORDER_ID}"},
        "Id": ORDER_ID,
        "OrderNumber": "00000101",
        "Status": "Approved",
        "StatusCode": "Draft",
        "EffectiveDate": "2026-11-23",
        "TotalAmount": 1980.0,
        "AccountId": ACCOUNT_ID,
        "CreatedById": "005D00000015rY9IAI",
        "CreatedDate": "2026-11-22T20:49:32.000+0000",
        "LastModifiedDate": "2026-11-23T08:59:00.000+0000",
        "SystemModstamp": "2026-11-23T08:59:01.000+0000",
        "LastModifiedById": "005D00000015rY9",
        "Provisioning_Status__c": "Not Started",
        "Attempt_Count__c": None,
        "Account": {
            "attributes": {"type": "Account"},
            "Id": ACCOUNT_ID,
            "Name": "株式会社 O'Brien",
            "SF_Account_No__c": "C-004417",
            "WHMCS_Client_ID__c": "17",
            "Phone": " ",
        },
    }
    return {**row, **changes}


def item_row(**changes: Any) -> dict[str, Any]:
    row = {
        "attributes": {"type": "OrderItem"},
        "Id": ITEM_ID,
        "OrderItemNumber": "0000000002",
        "Quantity": 1.0,
        "UnitPrice": 990.0,
        "TotalPrice": 990.0,
        "Billing_Cycle__c": "monthly",
        "ConfigOptions_JSON__c": '{"Region": "Tokyo", "Lines": 2, "Backup": true, "Rate": 1.50}',
        "Product2Id": "01tD0000001c5to",
        "Product2": {
            "attributes": {"type": "Product2"},
            "Name": "eSIM 5GB",
            "StockKeepingUnit": "ESIM-5",
            "Product2Categories1__c": "SIM",
            "Item_Class__c": "Service",
            "SIM_Form__c": "eSIM",
            "ESIM_Profile_Type__c": "P5",
            "WHMCS_Product_Id__c": 12.0,
        },
    }
    return {**row, **changes}


def journal_row(**changes: Any) -> dict[str, Any]:
    row = {
        "attributes": {"type": "Portal_Journal__c"},
        "Id": JOURNAL_ID,
        "Generation__c": 3.0,
        "Journal_Id__c": "j-1",
        "Highest_Feed__c": 41.0,
        "Seen_At__c": "2026-11-23T08:58:30.000+0000",
    }
    return {**row, **changes}
