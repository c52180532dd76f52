"""Is WHMCS there, does it know us, and may we do all that we do."""

from collections.abc import Mapping
from typing import Protocol

from integrations.errors import LoginFailed
from integrations.whmcs import rows
from integrations.whmcs.envelope import Answer, Verdict
from integrations.whmcs.models import Probe
from integrations.whmcs.reading import Unreadable, load
from integrations.whmcs.refusals import ROLE_DENIED, UNKNOWN_ACTION, read_failure
from integrations.whmcs.wire import FormValue

# In this order: GetAdminDetails tells the version too, WhmcsDetails is often denied, GetCurrencies hardly ever.
PROBES = ("GetAdminDetails", "WhmcsDetails", "GetCurrencies")

_NO_SUCH = 2147483647  # the largest id of WHMCS's columns

# Every action of the client, asked so that it can have no effect: the role is checked before the parameters, and
# whoever passes it meets the action's documented check for a record that cannot exist.
HARMLESS: Mapping[str, Mapping[str, FormValue]] = {
    "GetClientsDetails": {"clientid": 0},
    "GetClients": {"search": "@", "limitnum": 1},
    "GetPayMethods": {"clientid": 0},
    "GetPaymentMethods": {},
    "GetProducts": {"pid": _NO_SUCH},
    "GetOrders": {"id": _NO_SUCH, "limitnum": 1},
    "GetClientsProducts": {"serviceid": _NO_SUCH, "limitnum": 1},
    "GetInvoice": {"invoiceid": 0},
    "AddOrder": {"clientid": 0},
    "AcceptOrder": {"orderid": 0},
    "CancelOrder": {"orderid": 0},
    "UpdateInvoice": {"invoiceid": 0},
    "ModuleCreate": {"serviceid": 0},
    "UpdateClientProduct": {"serviceid": 0},
}


class Asks(Protocol):
    """A call without effect and its judged answer."""

    async def ask(self, action: str, params: Mapping[str, FormValue]) -> Answer: ...


async def probe(api: Asks) -> Probe:
    """Ask until one action answers. An action that the role denies proves reach and credentials just as well.

    Raises LoginFailed, or CallFailed TRANSIENT / CONFIG where WHMCS did not speak.
    """
    denied: list[str] = []
    for action in PROBES:
        answer = await api.ask(action, {})
        if answer.verdict is Verdict.SUCCESS:
            return Probe(action, _version(answer.body), tuple(denied))
        failure = read_failure(action, answer)
        if failure.code == ROLE_DENIED:
            denied.append(action)
        elif failure.code != UNKNOWN_ACTION:  # WhmcsDetails came with 8.0
            raise failure
    return Probe("", None, tuple(denied))


def _version(body: Mapping[str, object]) -> str | None:
    try:
        answer = load(rows.VersionAnswer, body)
    except Unreadable:
        return None  # it answered: that is what was asked
    return (answer.whmcs.version or None) if answer.whmcs else None


async def missing_actions(api: Asks) -> dict[str, str]:
    """Actions that cannot be used → role_denied or unknown_action. Raises like ``probe`` if WHMCS does not speak."""
    missing: dict[str, str] = {}
    for action, params in HARMLESS.items():
        answer = await api.ask(action, params)
        if answer.verdict is Verdict.SUCCESS:
            continue
        failure = read_failure(action, answer)
        if failure.code in (ROLE_DENIED, UNKNOWN_ACTION):
            missing[action] = failure.code
        elif answer.verdict is Verdict.TROUBLE or isinstance(failure, LoginFailed):
            raise failure
    return missing
