"""Health: a denied role is not down, and what the role lacks is found without any effect."""

import pytest

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed
from tests.integrations.whmcs.scripted import PAGE_403, Reply, Scripted, error, success, talking

VERSION = {"version": "8.13.1", "canonicalversion": "8.13.1-release.1"}


def denied(action: str) -> Reply:
    return error(f'Invalid Permissions: API action "{action.lower()}" is not allowed', 403)


async def test_the_probe_stops_at_the_first_answer() -> None:
    server = Scripted()
    server.on("GetAdminDetails", success(whmcs=VERSION))
    async with talking(server) as client:
        probe = await client.probe()
    assert (probe.answered_by, probe.version, probe.denied) == ("GetAdminDetails", "8.13.1", ())
    assert len(server.asked) == 1


async def test_a_denied_probe_is_not_down() -> None:
    server = Scripted()
    server.on("GetAdminDetails", denied("GetAdminDetails"))
    server.on("WhmcsDetails", error("API Function Not Found"), denied("WhmcsDetails"))
    server.on("GetCurrencies", success(totalresults=1), denied("GetCurrencies"))
    async with talking(server) as client:
        first, second = await client.probe(), await client.probe()
    assert (first.answered_by, first.version, first.denied) == ("GetCurrencies", None, ("GetAdminDetails",))
    assert (second.answered_by, second.denied) == ("", ("GetAdminDetails", "WhmcsDetails", "GetCurrencies"))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(error("Authentication Failed", 403), LoginFailed), (error("Invalid IP 203.0.113.7", 403), LoginFailed),
     (PAGE_403, CallFailed), (Reply("x", 503), CallFailed), (Reply("", content_type="text/html"), CallFailed)],
)  # fmt: skip
async def test_a_probe_that_is_not_answered_by_whmcs_fails(reply: Reply, kind: type[IntegrationError]) -> None:
    server = Scripted()
    server.on("GetAdminDetails", reply)
    async with talking(server) as client:
        with pytest.raises(kind):
            await client.probe()
    assert {asked.action for asked in server.asked} == {"GetAdminDetails"}


async def test_missing_actions_are_found_without_effects() -> None:
    no_effect = {
        "GetClientsDetails": error("Client Not Found"), "GetPaymentMethods": success(totalresults=0),
        "GetClients": success(totalresults=0), "GetProducts": success(totalresults=0), "GetOrders": success(totalresults=0),
        "GetClientsProducts": success(totalresults=0), "GetInvoice": error("Invoice ID Not Found"),
        "AddOrder": error("Client ID Not Found"), "AcceptOrder": error("Order ID not found or Status not Pending"),
        "CancelOrder": error("Something that we never heard of"), "ModuleCreate": denied("ModuleCreate"),
        "UpdateClientProduct": error("Service ID Not Found"), "GetPayMethods": error("API Function Not Found"),
        "UpdateInvoice": denied("UpdateInvoice"),
    }  # fmt: skip
    server = Scripted()
    for action, reply in no_effect.items():
        server.on(action, reply)
    async with talking(server) as client:
        missing = await client.missing_actions()
    assert missing == {
        "GetPayMethods": "unknown_action", "ModuleCreate": "role_denied", "UpdateInvoice": "role_denied",
    }  # fmt: skip
    assert sorted(asked.action for asked in server.asked) == sorted(no_effect)
    for action in ("AddOrder", "AcceptOrder", "CancelOrder", "UpdateInvoice", "ModuleCreate", "UpdateClientProduct"):
        ids = [
            v for k, v in server.of(action)[0].form.items() if k in ("clientid", "orderid", "invoiceid", "serviceid")
        ]
        assert ids == ["0"]


async def test_missing_actions_cannot_be_told_if_whmcs_does_not_speak() -> None:
    server = Scripted()
    server.on("GetClientsDetails", Reply("<html>", 503, content_type="text/html"))
    async with talking(server) as client:
        with pytest.raises(CallFailed) as raised:
            await client.missing_actions()
    assert raised.value.error_class is ErrorClass.TRANSIENT
