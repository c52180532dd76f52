"""Which answers prove that a write was refused: the closed list of rules §3.5, and what read errors mean.

WHMCS has no error codes: the message is the code. It is compared on a prefix, without regard to case (the same text is
spelt "Client ID Not Found" and "Client ID not Found"). A write whose answer is not on the list is OUTCOME_UNKNOWN.
Left out on purpose: documented errors of parameters that this client never sends (add-ons, renewals, subscriptions,
draft invoices); texts that a provisioning module may also say ("Server response message"); access texts under any
other status than 403, for the same reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed, System
from integrations.whmcs.envelope import NOISE, Answer, Verdict


@dataclass(frozen=True)
class Known:
    """A message that begins with ``prefix`` (lower case) means ``code`` of class ``meaning``."""

    prefix: str
    code: str
    meaning: ErrorClass


DATA, CONFLICT, CONFIG = ErrorClass.DATA, ErrorClass.CONFLICT, ErrorClass.CONFIG

ROLE_DENIED = "role_denied"
UNKNOWN_ACTION = "unknown_action"

# WHMCS refuses these callers before it looks at the action; proof for a write only as JSON under HTTP 403.
ACCESS = (
    Known("invalid permissions", ROLE_DENIED, CONFIG),
    Known("invalid ip", "invalid_ip", CONFIG),
    Known("authentication failed", "authentication_failed", CONFIG),
    Known("invalid or missing credentials", "invalid_credentials", CONFIG),
    Known("invalid password provided", "invalid_credentials", CONFIG),
    Known("administrator account disabled", "account_disabled", CONFIG),
    Known("access denied", "access_denied", CONFIG),
)

_NOT_PENDING = Known("order id not found or status not pending", "order_not_pending", CONFLICT)
_NO_SERVICE = Known("service id not found", "service_not_found", DATA)

# Documented checks that each action makes before it does anything.
PRECHECKS: Mapping[str, tuple[Known, ...]] = {
    "AddOrder": (
        Known("client id not found", "client_not_found", DATA),
        Known("unable to add order when client status is closed", "client_closed", DATA),
        Known("invalid payment method. valid options include", "invalid_gateway", DATA),
        Known("no items added to cart so order cannot proceed", "no_items", DATA),
        Known("expecting parameter", "parameter_not_array", DATA),
    ),
    "AcceptOrder": (_NOT_PENDING,),
    "CancelOrder": (_NOT_PENDING,),
    "UpdateInvoice": (
        Known("invoice id not found", "invoice_not_found", DATA),
        Known("invalid status", "invalid_status", DATA),
    ),
    "ModuleCreate": (
        Known("service id is required", "service_required", DATA),
        _NO_SERVICE,
        Known("service not assigned to a module", "service_without_module", DATA),
    ),
    "UpdateClientProduct": (_NO_SERVICE,),
}

# Errors of the reads. They prove nothing about writes and only need a good class.
_INSTALL = (
    Known("invalid api action", UNKNOWN_ACTION, CONFIG),
    Known("api function not found", UNKNOWN_ACTION, CONFIG),
    Known("an admin user is required", "bad_address", CONFIG),
)
READ_ERRORS: Mapping[str, tuple[Known, ...]] = {
    "GetClientsDetails": (
        Known("client not found", "client_not_found", DATA),
        Known("client id not found", "client_not_found", DATA),
    ),
    "GetPayMethods": (
        Known("client not found", "client_not_found", DATA),
        Known("client id not found", "client_not_found", DATA),
    ),
    "GetInvoice": (Known("invoice id not found", "invoice_not_found", DATA),),
}


def write_failure(action: str, answer: Answer) -> IntegrationError:
    """The failure of a write: refused if the answer is on the closed list, else OUTCOME_UNKNOWN."""
    if answer.noisy:
        return _failed(action, replace(answer, spoken=NOISE), ErrorClass.OUTCOME_UNKNOWN, "noisy_answer")
    if answer.verdict is Verdict.ERROR:
        if answer.http_status == 403 and (known := _find(ACCESS, answer)):
            return _access(action, answer, known)
        if answer.http_status == 200 and (known := _find(PRECHECKS.get(action, ()), answer)):
            return _failed(action, answer, known.meaning, known.code)
    return _failed(action, answer, ErrorClass.OUTCOME_UNKNOWN, answer.trouble or stable_code(answer.message))


def read_failure(action: str, answer: Answer) -> IntegrationError:
    """The failure of a read. What is not known may pass by itself, so it is TRANSIENT; an address or a role does not."""
    if answer.verdict is Verdict.ERROR:
        if known := _find(ACCESS, answer):
            return _access(action, answer, known)
        if known := _find((*_INSTALL, *READ_ERRORS.get(action, ())), answer):
            return _failed(action, answer, known.meaning, known.code)
        meaning = ErrorClass.TRANSIENT if answer.http_status == 200 else CONFIG
        return _failed(action, answer, meaning, stable_code(answer.message))
    return _failed(action, answer, CONFIG if _misplaced(answer.http_status) else ErrorClass.TRANSIENT, answer.trouble)


def _misplaced(status: int) -> bool:
    """HTTP statuses of an api.php that is elsewhere: redirects (never followed), no such page, wrong method, proxy."""
    return 300 <= status < 400 or status in (401, 404, 405, 407, 410)


def _find(known: tuple[Known, ...], answer: Answer) -> Known | None:
    message = answer.message.lower()
    return next((item for item in known if message.startswith(item.prefix)), None)


def _access(action: str, answer: Answer, known: Known) -> IntegrationError:
    if known.code != ROLE_DENIED:
        return LoginFailed(System.WHMCS, known.code, answer.message, http_status=answer.http_status)
    return _failed(action, answer, CONFIG, ROLE_DENIED, {"action": action})


def _failed(
    action: str, answer: Answer, meaning: ErrorClass, code: str, detail: Mapping[str, str] | None = None
) -> CallFailed:
    return CallFailed(
        System.WHMCS,
        action,
        meaning,
        code,
        answer.spoken,
        retry_after=answer.retry_after,
        http_status=answer.http_status,
        detail=detail,
    )


# The words of WHMCS's own messages. A code is shown where no outside text may be (rules §12), and a message may name people.
_VOCABULARY = (
    "a accept accepted account action active add added addon address admin allowed already amount an and any api "
    "apply are array as assigned associated at attempt authentication available balance bank be been being "
    "billing blocked body by can cancel cancellation cancelled cannot card cart category changed check city "
    "client closed configuration connect connection contact could country create created creating credit currency "
    "custom customer cycle data database date deleted denied description did disabled does domain draft due "
    "duplicate each either email empty enabled encountered enter error exceeded exceeds exception existing exists "
    "expected expecting expired failed failure field file first for format found fraud from function gateway "
    "given group has have id in include information internal invalid invoice is issue it item items key language "
    "license limit line link list lock locked login mail maintenance match message method missing mode module "
    "must name no non not note notes nothing number of off on one only option options or order out own owner "
    "parameter password pay payment pending permission permissions phone please pricing problem problems product "
    "provide provided provisioned quantity query quote rate read recurring refused related remote renewed request "
    "requested required response rule see send sending server service set setting should single so specify state "
    "status still stock storage subject subscription suspended system tax template terminated than that the them "
    "there this time timed timeout to token transaction type unable unique unknown unpaid unsupported update "
    "upgrade use user valid value wait was when with you your zero "
)
_WORDS = frozenset(_VOCABULARY.split())


def stable_code(message: str) -> str:
    """A message's own words without its variable parts (names, quoted text, numbers): equal failures get equal codes."""
    text = re.sub(r"(?:(?<=\s)|^)(['\"]).*?\1|[0-9][0-9.,:/-]*", " ", message.lower())
    said = [word for word in re.split(r"[^a-z]+", text) if word in _WORDS]
    return "_".join(said)[:60].strip("_") or ("error_without_message" if not message.strip() else "unlisted_message")
