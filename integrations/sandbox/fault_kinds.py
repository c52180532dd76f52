"""Which kinds of fault each operation of each system obeys: what the control API accepts, and the demo goes through."""

from collections.abc import Iterable

from integrations.sandbox.control_checks import Kinds
from integrations.sandbox.faults import HTTP_KINDS
from integrations.sandbox.mail.session import SMTP_KINDS
from integrations.sandbox.salesforce.cometd_faults import (
    ADVICE_KINDS,
    AFTER_KINDS,
    BEFORE_KINDS,
    REFUSE_KINDS,
    REPLAY_KINDS,
)
from integrations.sandbox.salesforce.operations import NAMES, VERBS
from integrations.sandbox.salesforce.server import OWN_KINDS as SALESFORCE_KINDS
from integrations.sandbox.whmcs.actions import all_actions
from integrations.sandbox.whmcs.faults import kinds_of

SMTP_COMMANDS = ("connect", "mail", "rcpt", "data", "message")
ES2PLUS_KINDS = frozenset({"with_warning", "expired", "refuse"})
ES2PLUS = {
    "downloadOrder": ES2PLUS_KINDS | {"pool_empty"},
    "confirmOrder": ES2PLUS_KINDS | {"smds_down"},
    "cancelOrder": ES2PLUS_KINDS | {"smds_down"},
    "releaseProfile": ES2PLUS_KINDS | {"smds_down"},
}
COMETD = ("cometd.handshake", "cometd.connect", "cometd.subscribe", "cometd.unsubscribe", "cometd.disconnect")
REST = (
    "token", "identity", "versions", "describe", "composite", "query", "limits", "publish", "placeorder", "tree",
)  # fmt: skip
LOGIN_KIND = "refuse_login"


def fault_kinds(sobjects: Iterable[str]) -> Kinds:
    """System → operation → kinds. ``sobjects``: the names of the org's object types."""
    return {
        "salesforce": _salesforce(sobjects),
        "whmcs": {name: kinds_of(name) for name, _ in all_actions().values()},
        "esim": {function: HTTP_KINDS | kinds for function, kinds in ES2PLUS.items()},
        "mail": dict.fromkeys(SMTP_COMMANDS, SMTP_KINDS),
    }


def _salesforce(sobjects: Iterable[str]) -> dict[str, frozenset[str]]:
    """Operations are named as in ``salesforce.operations``: "order.patch", "journal.insert", "collections.get", …"""
    names = ["collections", *(NAMES.get(name.lower(), name.lower()) for name in sobjects)]
    rows = [f"{name}.{verb}" for name in names for verb in dict.fromkeys(VERBS.values())]
    found = dict.fromkeys((*REST, *rows), HTTP_KINDS | SALESFORCE_KINDS - {LOGIN_KIND})
    found["token"] |= {LOGIN_KIND}
    found["publish"] |= {"lose_event"}
    found |= dict.fromkeys(COMETD, BEFORE_KINDS | REFUSE_KINDS | ADVICE_KINDS | AFTER_KINDS)
    found["cometd.subscribe"] |= REPLAY_KINDS
    return found
