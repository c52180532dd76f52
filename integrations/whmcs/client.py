"""The WHMCS API as the engine uses it.

Law (rules §3.5): a write that was not provably refused raises OUTCOME_UNKNOWN; every other failure says that no effect
was made; a read never raises OUTCOME_UNKNOWN. Nothing here repeats a write.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from integrations.errors import CallFailed, ErrorClass, System
from integrations.whmcs import forms, health, pages, reading
from integrations.whmcs.config import WhmcsConfig
from integrations.whmcs.forms import known_id
from integrations.whmcs.listing import Page, read_all
from integrations.whmcs.models import (
    AddedOrder,
    CatalogProduct,
    ClientDetails,
    ClientName,
    Gateway,
    Invoice,
    Listing,
    NewOrder,
    PayMethod,
    Probe,
    Service,
    WhmcsOrder,
)
from integrations.whmcs.reading import Unreadable
from integrations.whmcs.transport import ApiTransport
from integrations.whmcs.wire import FormValue

__all__ = ["WhmcsClient", "WhmcsConfig"]

T = TypeVar("T")
SEARCHED = 100


class WhmcsClient:
    """All calls of one install with one credential.

    ``on_server_date`` gets the Date header of every answer (aware UTC). Methods raise LoginFailed (credentials, IP),
    CallFailed CONFIG ``role_denied`` (detail ``action``), and CallFailed as the law above says.
    """

    def __init__(self, config: WhmcsConfig, *, on_server_date: Callable[[datetime], None] | None = None) -> None:
        self._api = ApiTransport(config, on_server_date)

    async def close(self) -> None:
        await self._api.close()

    async def get_client(self, client_id: str) -> ClientDetails:
        """GetClientsDetails; an unknown client is DATA ``client_not_found``."""
        params = {"clientid": known_id("GetClientsDetails", client_id)}
        found = await self._read("GetClientsDetails", params, reading.client)
        return _same("GetClientsDetails", found, found.id, client_id)

    async def search_clients(self, beginning: str) -> tuple[ClientName, ...]:
        """GetClients: those whose e-mail, first, last, full or company name begins so; the first hundred."""
        params: dict[str, FormValue] = {"search": beginning, "limitnum": SEARCHED}
        return await self._read("GetClients", params, reading.client_names)

    async def get_pay_methods(self, client_id: str) -> tuple[PayMethod, ...]:
        """GetPayMethods: what the client has stored. Empty only if WHMCS sent an empty list."""
        params = {"clientid": known_id("GetPayMethods", client_id)}
        return await self._read("GetPayMethods", params, lambda body: reading.pay_methods(body, client_id))

    async def get_gateways(self) -> tuple[Gateway, ...]:
        """GetPaymentMethods: the install's gateways."""
        return await self._read("GetPaymentMethods", {}, reading.gateways)

    async def get_products(self, pids: Sequence[int]) -> dict[int, CatalogProduct]:
        """GetProducts: those of ``pids`` that exist, by id."""
        wanted = frozenset(pids)
        if not wanted:
            return {}
        params = {"pid": ",".join(str(pid) for pid in sorted(wanted))}
        return await self._read("GetProducts", params, lambda body: reading.products(body, wanted))

    async def add_order(self, order: NewOrder) -> AddedOrder:
        """AddOrder (guarded: two calls make two orders). Always without WHMCS's confirmation mail."""
        body = await self._api.write("AddOrder", forms.order_form(order))
        try:
            return reading.added_order(body)
        except Unreadable as error:
            raise _unreadable("AddOrder", error, ErrorClass.OUTCOME_UNKNOWN) from None

    async def accept_order(self, order_id: str) -> None:
        """AcceptOrder (guarded). CONFLICT ``order_not_pending``: read the order, Active means done."""
        await self._api.write("AcceptOrder", {"orderid": known_id("AcceptOrder", order_id)})

    async def cancel_order(self, order_id: str) -> None:
        """CancelOrder (guarded), without mail; only a Pending order can be cancelled (else ``order_not_pending``)."""
        await self._api.write("CancelOrder", {"orderid": known_id("CancelOrder", order_id), "noemail": True})

    async def get_order(self, order_id: str) -> WhmcsOrder | None:
        """GetOrders by id. None only if WHMCS provably has no such order; trouble raises."""
        answer = await self._api.read_whole("GetOrders", {"id": known_id("GetOrders", order_id)})
        page = pages.order_page(answer.body, None, noisy=answer.noisy)
        if found := page.rows.get(order_id):
            return found
        if page.problem or page.total != 0 or page.sent != 0 or page.returned not in (0, None):
            said = page.problem or f"{page.sent} rows, totalresults {page.total}, and not the order asked for"
            raise _unreadable("GetOrders", Unreadable(said), ErrorClass.TRANSIENT)
        return None

    async def list_orders(self, client_id: str, *, status: str | None = None) -> Listing[WhmcsOrder]:
        """GetOrders of a client (of one status), all pages."""
        wanted: dict[str, FormValue] = {"userid": known_id("GetOrders", client_id), "status": status}

        async def read_page(offset: int, size: int) -> Page[WhmcsOrder]:
            paging: dict[str, FormValue] = {"limitstart": offset, "limitnum": size}
            answer = await self._api.read_whole("GetOrders", wanted | paging)
            return pages.order_page(answer.body, client_id, noisy=answer.noisy)

        return await read_all(read_page)

    async def list_services(self, client_id: str, *, service_id: str | None = None) -> Listing[Service]:
        """GetClientsProducts of a client (or one service of it), all pages."""
        wanted: dict[str, FormValue] = {"clientid": known_id("GetClientsProducts", client_id)}
        if service_id is not None:
            wanted["serviceid"] = known_id("GetClientsProducts", service_id)

        async def read_page(offset: int, size: int) -> Page[Service]:
            paging: dict[str, FormValue] = {"limitstart": offset, "limitnum": size}
            answer = await self._api.read_whole("GetClientsProducts", wanted | paging)
            return pages.service_page(answer.body, client_id, noisy=answer.noisy)

        return await read_all(read_page)

    async def get_invoice(self, invoice_id: str) -> Invoice:
        """GetInvoice; an unknown invoice is DATA ``invoice_not_found``."""
        params = {"invoiceid": known_id("GetInvoice", invoice_id)}
        found = await self._read("GetInvoice", params, reading.invoice)
        return _same("GetInvoice", found, found.id, invoice_id)

    async def cancel_invoice(self, invoice_id: str) -> None:
        """UpdateInvoice to Cancelled: keyed, a read tells whether it was done."""
        await self._api.write(
            "UpdateInvoice", {"invoiceid": known_id("UpdateInvoice", invoice_id), "status": "Cancelled"}
        )

    async def module_create(self, service_id: str) -> None:
        """ModuleCreate: provisions one service by its module (guarded by the service's state)."""
        await self._api.write("ModuleCreate", {"serviceid": known_id("ModuleCreate", service_id)})

    async def update_service(
        self,
        service_id: str,
        *,
        custom_fields: Mapping[int, str] | None = None,
        notes: str | None = None,
        status: str | None = None,
    ) -> None:
        """UpdateClientProduct: the record only, no module call. ``notes`` replaces the text; "" empties it."""
        params = forms.service_form(service_id, custom_fields=custom_fields, notes=notes, status=status)
        await self._api.write("UpdateClientProduct", params)

    async def probe(self) -> Probe:
        """Reach and credentials. A role that lacks the probing actions is reported, not raised."""
        return await health.probe(self._api)

    async def missing_actions(self) -> dict[str, str]:
        """Every action of this client that cannot be used here, with its reason: role_denied or unknown_action."""
        return await health.missing_actions(self._api)

    async def _read(self, action: str, params: Mapping[str, FormValue], read: Callable[[Mapping[str, Any]], T]) -> T:
        body = await self._api.read(action, params)
        try:
            return read(body)
        except Unreadable as error:
            raise _unreadable(action, error, ErrorClass.TRANSIENT) from None


def _unreadable(action: str, error: Unreadable, meaning: ErrorClass) -> CallFailed:
    return CallFailed(System.WHMCS, action, meaning, "malformed_answer", f"a success that cannot be read: {error}")


def _same(action: str, found: T, answered_id: str, asked_id: str) -> T:
    """``found``, if the answer is about what was asked."""
    if answered_id != asked_id:
        raise _unreadable(action, Unreadable("the answer is about another record"), ErrorClass.TRANSIENT)
    return found
